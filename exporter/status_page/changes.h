// The foot of the status page: what has happened, and what cannot be checked.
#pragma once

#include <string>

#include "collectors/checker/snapshot.h"
#include "exporter/status_page/filter.h"

namespace lvs::status {

// The last changes that match the filter, newest first. First verdicts that are good news are only
// counted: every start of the program makes one for each backend.
std::string Changes(const checker::Snapshot* snapshot, const Filter& filter);

// What the checker could not make a probe of, and why; empty when there is nothing.
std::string Notes(const checker::Snapshot* snapshot);

}  // namespace lvs::status
