// The services of the status page, each with a table of its backends.
#pragma once

#include <string>

#include "exporter/status_page/selection.h"
#include "exporter/status_page/view.h"

namespace lvs::status {

// One <details> element for each service shown, and what is left out in words.
std::string Services(const StatusView& view, const Selection& selection, const Filter& filter);

// The rows of a service's table: the first count of its backends.
std::string BackendRows(const ServiceView& service, const checker::Snapshot* snapshot,
                        std::size_t count);
// The head of that table.
std::string BackendColumns();

}  // namespace lvs::status
