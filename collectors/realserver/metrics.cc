#include "collectors/realserver/metrics.h"

#include <string>

#include "collectors/audit/metrics.h"
#include "collectors/realserver/checks.h"

namespace lvs::realserver {
namespace {

constexpr auto kGauge = MetricType::kGauge;
constexpr std::string_view kInterfaceLabels[] = {"interface"};
constexpr std::string_view kVipLabels[] = {"address", "interface"};

struct Report {
  Facts facts;
  audit::Findings findings;
};

void AddIfKnown(const std::optional<std::int64_t>& value, Samples& out) {
  if (value) out.Add(*value);
}

constexpr Column<Vip> kVipColumns[] = {
    {{"ipvs_realserver_vip_bound", kGauge,
      "1 for every interface of this real server that has a virtual address; 0 without interface "
      "for one that it should have and has not.",
      kVipLabels},
     [](const Vip& v, Samples& out) { out.Add(!v.interface.empty()); }},
    {{"ipvs_realserver_vip_prefix_length", kGauge,
      "Prefix length of a virtual address on this real server; 32 or 128 is right on the loopback.",
      kVipLabels},
     [](const Vip& v, Samples& out) {
       if (!v.interface.empty()) out.Add(std::uint64_t{v.prefix_length});
     }},
};

constexpr Column<HostInterface> kInterfaceColumns[] = {
    {{"ipvs_realserver_arp_ignore", kGauge,
      "arp_ignore as it holds for an interface: the greater of its own and that of all.",
      kInterfaceLabels},
     [](const HostInterface& i, Samples& out) {
       if (!i.is_silent) AddIfKnown(i.arp_ignore, out);
     }},
    {{"ipvs_realserver_arp_announce", kGauge,
      "arp_announce as it holds for an interface: the greater of its own and that of all.",
      kInterfaceLabels},
     [](const HostInterface& i, Samples& out) {
       if (!i.is_silent) AddIfKnown(i.arp_announce, out);
     }},
    {{"ipvs_realserver_rp_filter", kGauge,
      "rp_filter as it holds for a tunnel device: the greater of its own and that of all; 1 drops "
      "what comes out of the tunnel.",
      kInterfaceLabels},
     [](const HostInterface& i, Samples& out) {
       if (i.is_tunnel) AddIfKnown(i.rp_filter, out);
     }},
};

std::vector<std::string_view> NamesOfChecks() {
  std::vector<std::string_view> names;
  for (const auto& check : RealServerChecks()) names.push_back(check.name);
  return names;
}

// Shared with the audit collector, which lists them.
constexpr Column<Report> kSharedColumns[] = {
    {audit::kAuditFailed, [](const Report& r, Samples& out) { audit::AddFailed(r.findings, out); }},
    {audit::kAuditUnknown,
     [](const Report& r, Samples& out) { audit::AddUnknown(r.findings, NamesOfChecks(), out); }},
};

std::string LabelText(const Vip& vip) {
  std::string text;
  AppendLabel(text, kVipLabels[0], ToString(vip.address));
  AppendLabel(text, kVipLabels[1], vip.interface);
  return text;
}

std::string LabelText(const HostInterface& interface) {
  std::string text;
  AppendLabel(text, kInterfaceLabels[0], interface.name);
  return text;
}

}  // namespace

std::vector<const MetricInfo*> DescribeFacts() { return Describe(kVipColumns, kInterfaceColumns); }

Families RenderFacts(const std::shared_ptr<const Facts>& facts) {
  const auto report =
      std::make_shared<const Report>(Report{*facts, audit::LookAt(RealServerChecks(), *facts)});
  Families families;
  Render(
      kVipColumns,
      [report](const auto& visit) {
        for (const Vip& vip : report->facts.vips) visit(vip, LabelText(vip));
      },
      families);
  Render(
      kInterfaceColumns,
      [report](const auto& visit) {
        for (const HostInterface& i : report->facts.interfaces) visit(i, LabelText(i));
      },
      families);
  Render(
      kSharedColumns, [report](const auto& visit) { visit(*report, ""); }, families);
  return families;
}

}  // namespace lvs::realserver
