// The metrics of the audit: one row each.
#pragma once

#include <memory>
#include <vector>

#include "collectors/audit/report.h"
#include "collectors/metric.h"

namespace lvs::audit {

// Those that a real server's collector writes, too.
inline constexpr MetricInfo kAuditFailed = {
    "ipvs_audit_failed",
    MetricType::kGauge,
    "Whether a check of the set-up found something wrong with its subject; absent where it could "
    "not be looked at, or nothing is there to look at.",
    {},
    {"check", "subject"}};
inline constexpr MetricInfo kAuditUnknown = {
    "ipvs_audit_unknown",
    MetricType::kGauge,
    "Subjects of a check that could not be looked at: neither right nor wrong.",
    {},
    {"check"}};

// The samples of both. checks: all names, so that each has a row.
void AddFailed(const Findings& findings, Samples& out);
void AddUnknown(const Findings& findings, std::span<const std::string_view> checks, Samples& out);

std::vector<const MetricInfo*> DescribeReport();

// The families keep the report.
Families RenderReport(const std::shared_ptr<const Report>& report);

}  // namespace lvs::audit
