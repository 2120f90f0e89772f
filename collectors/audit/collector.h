// The audit collector: owns the auditor that looks in the background, and says what it last found.
#pragma once

#include <string_view>
#include <vector>

#include "collectors/audit/auditor.h"
#include "collectors/collector.h"

namespace lvs::audit {

// Every metric that AuditCollector may write.
std::vector<const MetricInfo*> DescribeAudit();

// Looking begins with the object and ends with Stop() or the object. Collect() never waits for a
// look. For the thread that calls Collect(); Stop() is for any.
class AuditCollector : public Collector {
 public:
  // published must outlive this; anybody may read it.
  AuditCollector(AuditorSources sources, Published<Report>& published)
      : table_(sources.table), published_(published), auditor_(std::move(sources), published) {}

  std::string_view name() const override { return "audit"; }
  Collection Collect(Deadline deadline) override;
  void Stop() override { auditor_.Stop(); }

 private:
  const Published<ipvs::LatestReading>& table_;
  const Published<Report>& published_;
  Auditor auditor_;
};

}  // namespace lvs::audit
