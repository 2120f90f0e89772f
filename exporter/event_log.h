// Events of the checker as log lines.
#pragma once

#include "collectors/checker/snapshot.h"
#include "exporter/log.h"

namespace lvs {

// One line: a backend that goes down and a service that is lost are warnings, the rest is told at
// info.
void LogEvent(Log& log, const checker::Event& event);

}  // namespace lvs
