// What changes around the checker, as events: what this director is to its pair, and what the audit
// finds.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collectors/audit/report.h"
#include "collectors/checker/snapshot.h"
#include "collectors/director/snapshot.h"

namespace lvs::checker {

// Remembers what was told. Owned by the checker's loop.
class SetUpEvents {
 public:
  // The changes since the last call, as of now. The first role, and the first state of an instance,
  // are told as no transition.
  std::vector<Event> Changes(const director::Snapshot& snapshot, WallTime now);

  // Findings that have begun or ended since the last call. One that could not be looked at this
  // time stays what it was.
  std::vector<Event> Changes(const audit::Report& report, WallTime now);

 private:
  std::optional<director::Role> role_;
  std::map<std::string, director::VrrpState> instances_;
  std::map<std::pair<std::string, std::string>, bool> findings_;  // by check and subject
};

}  // namespace lvs::checker
