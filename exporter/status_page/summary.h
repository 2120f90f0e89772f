// The top of the status page: is everything fine, and what is not?
#pragma once

#include <string>

#include "collectors/ipvs/collector.h"
#include "exporter/status_page/selection.h"
#include "exporter/status_page/view.h"

namespace lvs::status {

// Everything in one word. latest: null when nothing was read yet.
Level OverallLevel(const StatusView& view, const ipvs::LatestReading* latest);

// What a tab of a browser says: "2 in trouble". Plain text.
std::string ShortSummary(const StatusView& view, Level level);

// The sentence, the counts of all states, and how the kernel's table was read.
std::string Summary(const StatusView& view, const ipvs::LatestReading* latest);

// What wants attention, worst first, each with a link to its service; empty when nothing does.
// Those that selection does not show are linked by a filter.
std::string Problems(const StatusView& view, const Selection& selection);

}  // namespace lvs::status
