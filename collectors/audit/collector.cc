#include "collectors/audit/collector.h"

#include <utility>

#include "collectors/audit/metrics.h"

namespace lvs::audit {

std::vector<const MetricInfo*> DescribeAudit() { return DescribeReport(); }

Collection AuditCollector::Collect(Deadline) {
  const std::shared_ptr<const ipvs::LatestReading> latest = table_.Get();
  // Of a table that is not known any more nothing old is told.
  if (latest && !latest->up) {
    return {{},
            Error{latest->error ? latest->error->code : ErrorCode::kSystem,
                  "audit: not made while the kernel's services cannot be read"}};
  }
  const std::shared_ptr<const Report> report = published_.Get();
  // Before the end of the first look nothing is known, and that is no failure.
  if (!report) return {};
  return {RenderReport(report), report->error};
}

}  // namespace lvs::audit
