// What the status page says of this director itself: its role, and what is wrong with its set-up.
#pragma once

#include <string>

#include "collectors/audit/report.h"
#include "collectors/director/snapshot.h"

namespace lvs::status {

// Both may be null: not known, and nothing is said. Its size is bounded.
std::string SetUp(const director::Snapshot* director, const audit::Report* audit);

}  // namespace lvs::status
