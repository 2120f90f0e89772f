// What the audit is told, as plain values with every default filled in.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace lvs::audit {

// A finding that is meant to be so: it is left out, whether it holds or not.
struct Accepted {
  std::string check;                   // the name of a check
  std::optional<std::string> subject;  // absent: every one of the check
};

struct Configuration {
  std::chrono::milliseconds interval{5'000};  // from start to start
  std::vector<Accepted> accepted;
};

// Whether something accepts a finding.
bool Accepts(const Configuration& configuration, const std::string& check,
             const std::string& subject);

}  // namespace lvs::audit
