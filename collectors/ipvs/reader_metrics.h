// What we say about reading the kernel's table itself.
#pragma once

#include <vector>

#include "collectors/ipvs/reader.h"
#include "collectors/metric.h"

namespace lvs::ipvs {

std::vector<const MetricInfo*> DescribeReader();

// Appends to families.
void RenderReader(const ReaderCounts& counts, Families& families);

}  // namespace lvs::ipvs
