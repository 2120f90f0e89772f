// Families to text: Prometheus text format 0.0.4 and OpenMetrics 1.0. The only place that knows how
// a page looks.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/metric.h"
#include "exporter/http/negotiation.h"

namespace lvs {

// Receives the page piece by piece, in order. Called while WritePage runs, never with an empty
// piece.
using PageOutput = std::function<void(std::string_view piece)>;

// Writes the page: families of one name stand together (they may come from several collectors) at
// the place of the first of them; a family without samples is left out. buffer is where pieces are
// put together: scratch memory, worth keeping for the next page.
// Duplicate series are the families' fault and are written as they are.
void WritePage(const Families& families, Format format, std::string& buffer,
               const PageOutput& output);

}  // namespace lvs
