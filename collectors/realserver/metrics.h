// The metrics of a real server: one row each.
#pragma once

#include <memory>
#include <vector>

#include "collectors/metric.h"
#include "collectors/realserver/facts.h"

namespace lvs::realserver {

std::vector<const MetricInfo*> DescribeFacts();

// The families keep the facts.
Families RenderFacts(const std::shared_ptr<const Facts>& facts);

}  // namespace lvs::realserver
