// What is said about one backend's health, wherever the status page speaks of it.
#pragma once

#include <string>

#include "exporter/status_page/view.h"

namespace lvs::status {

// "(v) up since ...", "(x) down: connection refused (l4 connect_refused) since ..., clients are
// still sent to it": HTML that begins with the state's sign and word.
std::string Condition(const BackendView& backend, const checker::Snapshot* snapshot);

// Its checks with a verdict for each layer, and what the failing ones said last; empty where there
// are none.
std::string Checks(const BackendView& backend, const checker::Snapshot* snapshot);

// "connection refused: nobody listens on the port (l4 connect_refused)".
std::string ReasonText(probes::Reason reason);

}  // namespace lvs::status
