// The list of every metric this program may write, from the rows that define them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collectors/metric.h"

namespace lvs {

// Every metric, in the page's order.
std::vector<const MetricInfo*> AllMetrics();

// The text of --list-metrics. format: "" for plain lines, "markdown" for a table, "json" for an
// array of {name, type, labels, help}.
std::string ListMetrics(std::string_view format);

}  // namespace lvs
