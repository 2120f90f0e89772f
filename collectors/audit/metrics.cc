#include "collectors/audit/metrics.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <string>

#include "collectors/audit/checks.h"
#include "collectors/ipvs/labels.h"

namespace lvs::audit {
namespace {

constexpr auto kGauge = MetricType::kGauge;

// The word of the label proto; a number for what IPVS does not balance; empty for any.
std::string ProtocolText(const std::optional<std::uint8_t>& protocol) {
  if (!protocol) return "";
  for (const ipvs::Protocol known :
       {ipvs::Protocol::kTcp, ipvs::Protocol::kUdp, ipvs::Protocol::kSctp}) {
    if (static_cast<std::uint8_t>(known) == *protocol) return std::string(ipvs::Name(known));
  }
  return std::to_string(*protocol);
}

std::string PortsText(const std::optional<netfilter::PortRange>& ports) {
  if (!ports) return "";
  const std::string first = std::to_string(ports->first);
  return ports->first == ports->last ? first : first + "-" + std::to_string(ports->last);
}

std::string MarkText(std::uint32_t mark) {
  char text[9];
  std::snprintf(text, sizeof text, "%08X", mark);
  return text;
}

using RuleLabels = std::array<std::string, 5>;

RuleLabels LabelsOf(const netfilter::MarkRule& rule) {
  return {MarkText(rule.mark), Name(rule.family),
          rule.destination ? ToString(*rule.destination) : "", PortsText(rule.destination_ports),
          ProtocolText(rule.protocol)};
}

// Rules of which nobody is interested in more, with equal labels once.
void AddRules(const Report& report, Samples& out) {
  constexpr std::size_t kMost = 2000;
  std::set<RuleLabels> seen;
  for (const netfilter::MarkRule& rule : report.mark_rules) {
    if (rule.mark == 0) continue;
    const auto [labels, is_new] = seen.insert(LabelsOf(rule));
    if (!is_new) continue;
    const RuleLabels& l = *labels;
    out.Add({l[0], l[1], l[2], l[3], l[4]}, true);
    if (seen.size() == kMost) return;
  }
}

std::vector<std::string_view> NamesOfChecks() {
  std::vector<std::string_view> names;
  for (const Check<Facts>& check : DirectorChecks()) names.push_back(check.name);
  return names;
}

constexpr Column<Report> kColumns[] = {
    {{"ipvs_mark_rule_info",
      kGauge,
      "A rule of the firewall that sets a packet mark before IPVS sees the packet; always 1. An "
      "empty label is any; the first 2,000 rules.",
      kNoLabels,
      {"local_mark", "address_family", "destination", "destination_port", "proto"}},
     AddRules},
    {kAuditFailed, [](const Report& r, Samples& out) { AddFailed(r.findings, out); }},
    {kAuditUnknown,
     [](const Report& r, Samples& out) { AddUnknown(r.findings, NamesOfChecks(), out); }},
    {{"ipvs_audit_last_run_timestamp_seconds", kGauge,
      "When the set-up of this director was last looked at.", kNoLabels},
     [](const Report& r, Samples& out) {
       out.Add(std::chrono::duration<double>(r.at.time_since_epoch()).count());
     }},
    {{"ipvs_audit_interval_seconds", kGauge,
      "From the start of the last look at the set-up to the next one.", kNoLabels},
     [](const Report& r, Samples& out) {
       out.Add(std::chrono::duration<double>(r.took + r.pause).count());
     }},
    {{"ipvs_audit_duration_seconds", kGauge, "How long the last look at the set-up took.",
      kNoLabels},
     [](const Report& r, Samples& out) { out.Add(std::chrono::duration<double>(r.took).count()); }},
};

}  // namespace

void AddFailed(const Findings& findings, Samples& out) {
  for (const Finding& finding : findings.looked_at) {
    out.Add({finding.check, finding.subject}, finding.failed);
  }
}

void AddUnknown(const Findings& findings, std::span<const std::string_view> checks, Samples& out) {
  for (const std::string_view check : checks) {
    out.Add({check}, static_cast<std::uint64_t>(
                         std::ranges::count(findings.unknown, check, &Finding::check)));
  }
}

std::vector<const MetricInfo*> DescribeReport() { return Describe(kColumns); }

Families RenderReport(const std::shared_ptr<const Report>& report) {
  Families families;
  Render(
      kColumns, [report](const auto& visit) { visit(*report, ""); }, families);
  return families;
}

}  // namespace lvs::audit
