// A check of how a host is set up: one row of a table, and what looking at it gives.
#pragma once

#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lvs::audit {

// One thing that a check could look at.
struct Finding {
  std::string_view check;  // its name
  std::string subject;     // what was looked at: a service, an interface; empty: the whole host
  bool failed = false;

  bool operator==(const Finding&) const = default;
};

// What could not be looked at is counted, and neither good nor bad.
struct Findings {
  std::vector<Finding> looked_at;
  std::vector<Finding> unknown;
};

// Takes what one check finds. Each subject counts once; the first word on it holds.
class Notebook {
 public:
  Notebook(std::string_view check, Findings& findings) : check_(check), findings_(findings) {}

  void Add(const std::string& subject, bool failed) {
    if (seen_.insert(subject).second) findings_.looked_at.push_back({check_, subject, failed});
  }
  void AddUnknown(const std::string& subject) {
    if (seen_.insert(subject).second) findings_.unknown.push_back({check_, subject, false});
  }
  // known: absent where it could not be looked.
  template <class Known>
  void AddIf(const std::string& subject, const Known& known, bool failed) {
    known ? Add(subject, failed) : AddUnknown(subject);
  }

 private:
  const std::string_view check_;
  Findings& findings_;
  std::set<std::string> seen_;
};

// The row: the one place where a check is named. Facts is what its host's checks look at.
template <class Facts>
struct Check {
  std::string_view name;   // the value of the label check
  std::string_view reads;  // where it looks
  std::string_view wrong;  // what is wrong when it fails, in one sentence
  std::string_view alert;  // which tells of it, and has the runbook
  void (*look)(const Facts& facts, Notebook& notebook);
};

// All checks of a table over facts.
template <class Table, class Facts>
Findings LookAt(const Table& checks, const Facts& facts) {
  Findings findings;
  for (const auto& check : checks) {
    Notebook notebook(check.name, findings);
    check.look(facts, notebook);
  }
  return findings;
}

}  // namespace lvs::audit
