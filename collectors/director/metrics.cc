#include "collectors/director/metrics.h"

#include <string>

namespace lvs::director {
namespace {

constexpr auto kGauge = MetricType::kGauge;

constexpr std::string_view kVipLabels[] = {"address"};
constexpr std::string_view kInstanceLabels[] = {"vrrp_instance", "vrid"};

void AddVip(const Vip& vip, Samples& out) {
  for (const std::string& interface : vip.interfaces) out.Add({interface}, true);
  if (vip.interfaces.empty()) out.Add({""}, false);
}

void AddTransitions(const VrrpInstance& instance, Samples& out) {
  for (const VrrpState state : kVrrpStates) {
    out.Add({Name(state)}, instance.transitions[static_cast<std::size_t>(state)]);
  }
}

// Which role of the daemon should run follows the director's role; in no role none should. Of
// several instances keepalived's daemon follows one, and does not tell which: where they differ it
// may be either.
void AddExpectedDaemons(const Snapshot& snapshot, Samples& out) {
  const bool is_known = snapshot.sync_daemon_expected && !HasMixedRoles(snapshot.instances);
  for (const Role daemon : {Role::kMaster, Role::kBackup}) {
    out.Add({Name(daemon)}, is_known && snapshot.conclusion.role == daemon);
  }
}

constexpr Column<Vip> kVipColumns[] = {
    {{"ipvs_vip_on_network_card", kGauge,
      "Whether one of the interfaces that have the address of a service, or one of the "
      "configuration's VIPs, is neither the loopback nor a dummy device: others on the link are "
      "answered.",
      kVipLabels},
     [](const Vip& vip, Samples& out) { out.Add(vip.on_network_card); }},
    {{"ipvs_vip_bound",
      kGauge,
      "1 for every interface that has the address of a service, or one of the configuration's "
      "VIPs; "
      "a row of 0 without interface for an address that no interface has.",
      kVipLabels,
      {"interface"}},
     AddVip},
};

constexpr Column<VrrpInstance> kInstanceColumns[] = {
    {{"ipvs_vrrp_state", kGauge,
      "State of a VRRP instance as keepalived tells it: 0 init or stopped, 1 backup, 2 master, 3 "
      "fault. Absent where it cannot be asked.",
      kInstanceLabels},
     [](const VrrpInstance& i, Samples& out) { out.Add(std::uint64_t(i.state)); }},
    {{"ipvs_vrrp_transitions_total",
      MetricType::kCounter,
      "Changes of a VRRP instance into a state, since the exporter knows it.",
      kInstanceLabels,
      {"to"}},
     AddTransitions},
};

constexpr Column<Snapshot> kSnapshotColumns[] = {
    {{"ipvs_keepalived_up", kGauge,
      "Whether keepalived runs here; absent where the configuration says nothing of it and it was "
      "never seen running.",
      kNoLabels},
     [](const Snapshot& s, Samples& out) {
       if (s.keepalived_up) out.Add(*s.keepalived_up);
     }},
    {{"ipvs_director_role",
      kGauge,
      "What this director is to its pair; exactly one is 1. A single director is master.",
      kNoLabels,
      {"role"}},
     [](const Snapshot& s, Samples& out) {
       for (const Role role : kRoles) out.Add({Name(role)}, role == s.conclusion.role);
     }},
    {{"ipvs_director_role_evidence",
      kGauge,
      "What the role is concluded from, exactly one is 1: vrrp keepalived tells it, vip the VIPs "
      "are "
      "local here or are not, alone there is no other director, none nothing is known.",
      kNoLabels,
      {"evidence"}},
     [](const Snapshot& s, Samples& out) {
       for (const Evidence evidence : kEvidence) {
         out.Add({Name(evidence)}, evidence == s.conclusion.evidence);
       }
     }},
    {{"ipvs_sync_daemon_expected",
      kGauge,
      "Whether the connection synchronisation daemon of a role should run here, as the director's "
      "role and the configuration want it; none where it is master of some VRRP instances only.",
      kNoLabels,
      {"role"}},
     AddExpectedDaemons},
    {{"ipvs_directors_expected", kGauge,
      "Directors of this pair or cluster, this one included, as the configuration says, 1 without; "
      "absent while the addresses of this host cannot be read.",
      kNoLabels},
     [](const Snapshot& s, Samples& out) {
       if (s.vips) out.Add(std::uint64_t{s.directors});
     }},
};

std::string VipLabelText(const Vip& vip) {
  std::string text;
  AppendLabel(text, kVipLabels[0], ToString(vip.address));
  return text;
}

std::string InstanceLabelText(const VrrpInstance& instance) {
  std::string text;
  AppendLabel(text, kInstanceLabels[0], instance.name);
  AppendLabel(text, kInstanceLabels[1], instance.vrid ? std::to_string(*instance.vrid) : "");
  return text;
}

}  // namespace

std::vector<const MetricInfo*> DescribeSnapshot() {
  return Describe(kVipColumns, kInstanceColumns, kSnapshotColumns);
}

Families RenderSnapshot(const std::shared_ptr<const Snapshot>& snapshot) {
  Families families;
  if (snapshot->vips) {
    Render(
        kVipColumns,
        [snapshot](const auto& visit) {
          for (const Vip& vip : *snapshot->vips) visit(vip, VipLabelText(vip));
        },
        families);
  }
  Render(
      kInstanceColumns,
      [snapshot](const auto& visit) {
        for (const VrrpInstance& instance : snapshot->instances) {
          visit(instance, InstanceLabelText(instance));
        }
      },
      families);
  Render(
      kSnapshotColumns, [snapshot](const auto& visit) { visit(*snapshot, ""); }, families);
  return families;
}

}  // namespace lvs::director
