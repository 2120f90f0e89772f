// A director of a pair and a real server with everything that their collectors can tell.
#pragma once

#include <memory>
#include <vector>

#include "collectors/audit/report.h"
#include "collectors/collector.h"
#include "collectors/director/snapshot.h"

namespace lvs {

std::shared_ptr<const director::Snapshot> SampleDirector();
std::shared_ptr<const audit::Report> SampleAudit();

// The collectors director, audit and realserver as they tell of these.
std::vector<std::unique_ptr<Collector>> SampleSetUpCollectors();

}  // namespace lvs
