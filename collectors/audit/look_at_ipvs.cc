// IPVS itself: its settings, its services, its daemons. What the settings do was read in Linux 6.1,
// net/netfilter/ipvs and Documentation/networking/ipvs-sysctl.rst.

#include <algorithm>
#include <string_view>

#include "collectors/address_facts.h"
#include "collectors/audit/look.h"

namespace lvs::audit {
namespace {

std::optional<std::int64_t> Setting(const Facts& facts, std::string_view name) {
  const auto found = std::ranges::find(facts.table->sysctls, name, &ipvs::Sysctl::name);
  if (found == facts.table->sysctls.end()) return std::nullopt;
  return found->value;
}

bool IsPersistent(const ipvs::Service& service) {
  return (service.flags & ipvs::kServicePersistent) != 0;
}

bool HasPair(const Facts& facts) { return facts.director && facts.director->directors > 1; }

// The other director may balance packets to such a backend that keep the VIP as their destination.
// Masquerading changes that, and nobody else reaches a sorry server on the loopback.
bool MaySendItsVipTo(const ipvs::Backend& backend) {
  const bool keeps_vip = backend.forward == ipvs::ForwardMethod::kRoute ||
                         backend.forward == ipvs::ForwardMethod::kTunnel ||
                         backend.forward == ipvs::ForwardMethod::kLocal;
  return keeps_vip && !IsLoopback(backend.key.address);
}

// One of the backends is this host.
bool IsItsOwnRealServer(const Facts& facts) {
  return std::ranges::any_of(facts.table->services, [&](const ipvs::Service& service) {
    return std::ranges::any_of(service.backends, [&](const ipvs::Backend& backend) {
      const auto found = facts.is_local.find(backend.key.address);
      return found != facts.is_local.end() && found->second && MaySendItsVipTo(backend);
    });
  });
}

// Whether some VIPs are on a network card and others are not.
bool HasSomeVips(const director::Snapshot& director) {
  if (!director.vips || director.vips->empty()) return false;
  const auto shown = std::ranges::count(*director.vips, true, &director::Vip::on_network_card);
  return shown > 0 && static_cast<std::size_t>(shown) < director.vips->size();
}

// keepalived's daemon follows one VRRP instance (lvs_sync_daemon), and which is not told. Where
// directors share the work, or the role does not come from the instances, that one may be anything.
bool MayFollowAnotherInstance(const director::Snapshot& director) {
  if (director::HasMixedRoles(director.instances)) return true;
  if (director.conclusion.evidence != director::Evidence::kVip) return false;
  return !director.instances.empty() || HasSomeVips(director);
}

bool Fits(const ipvs::SyncDaemon& daemon, director::Role role) {
  const bool is_master = daemon.role == ipvs::SyncDaemon::Role::kMaster;
  return is_master == (role == director::Role::kMaster);
}

}  // namespace

void LookAtConnReuse(const Facts& facts, Notebook& notebook) {
  if (facts.table->services.empty()) return;
  const auto mode = Setting(facts, "conn_reuse_mode");
  const auto conntrack = Setting(facts, "conntrack");
  if (!mode) return notebook.AddUnknown("");
  if (*mode == 0) return notebook.Add("", true);
  // Before 5.9 a SYN that met an old connection was dropped where conntrack was on.
  constexpr std::pair kMended(5, 9);
  if (*mode != 1 || conntrack.value_or(0) == 0) return notebook.Add("", false);
  notebook.AddIf("", facts.kernel, facts.kernel.value_or(kMended) < kMended);
}

void LookAtExpireNodest(const Facts& facts, Notebook& notebook) {
  if (facts.table->services.empty()) return;
  const auto value = Setting(facts, "expire_nodest_conn");
  notebook.AddIf("", value, value.value_or(1) == 0);
}

void LookAtExpireQuiescent(const Facts& facts, Notebook& notebook) {
  if (std::ranges::none_of(facts.table->services, IsPersistent)) return;
  const auto value = Setting(facts, "expire_quiescent_template");
  notebook.AddIf("", value, value.value_or(1) == 0);
}

void LookAtPortZero(const Facts& facts, Notebook& notebook) {
  for (const ipvs::Service& service : facts.table->services) {
    if (service.key.protocol == ipvs::Protocol::kFwmark || service.key.port != 0) continue;
    notebook.Add(ToString(service.key), !IsPersistent(service));
  }
}

void LookAtFtp(const Facts& facts, Notebook& notebook) {
  constexpr std::uint16_t kFtp = 21;
  for (const ipvs::Service& service : facts.table->services) {
    if (service.key.protocol != ipvs::Protocol::kTcp || service.key.port != kFtp) continue;
    notebook.Add(ToString(service.key), IsPersistent(service));
  }
}

void LookAtEstimation(const Facts& facts, Notebook& notebook) {
  const std::optional<bool>& enabled = facts.table->estimation_enabled;
  notebook.AddIf("", enabled, !enabled.value_or(true));
}

void LookAtDefence(const Facts& facts, Notebook& notebook) {
  for (const char* const name : {"drop_entry", "drop_packet", "secure_tcp"}) {
    const auto value = Setting(facts, name);
    notebook.AddIf(name, value, value.value_or(0) >= 2);  // 2: the kernel's own doing, 3: always
  }
}

void LookAtBackupOnly(const Facts& facts, Notebook& notebook) {
  if (!HasPair(facts) || !IsItsOwnRealServer(facts)) return;
  const auto value = Setting(facts, "backup_only");
  notebook.AddIf("", value, value.value_or(1) == 0);
}

void LookAtSloppyTcp(const Facts& facts, Notebook& notebook) {
  if (!facts.director || !facts.director->sync_daemon_expected) return;
  const auto persist_mode = Setting(facts, "sync_persist_mode");
  const auto sloppy = Setting(facts, "sloppy_tcp");
  if (!persist_mode || !sloppy) return notebook.AddUnknown("");
  notebook.Add("", *persist_mode == 1 && *sloppy == 0);
}

// Both daemons at once are how directors that share the work are set up by hand.
void LookAtSyncRole(const Facts& facts, Notebook& notebook) {
  if (!HasPair(facts) || MayFollowAnotherInstance(*facts.director)) return;
  const director::Role role = facts.director->conclusion.role;
  if (role == director::Role::kFault) return;
  if (!facts.table->sync_daemons) return notebook.AddUnknown("");
  const bool one_fits =
      std::ranges::any_of(*facts.table->sync_daemons,
                          [role](const ipvs::SyncDaemon& daemon) { return Fits(daemon, role); });
  const bool is_known = role != director::Role::kUnknown;
  for (const ipvs::SyncDaemon& daemon : *facts.table->sync_daemons) {
    const bool is_master = daemon.role == ipvs::SyncDaemon::Role::kMaster;
    notebook.AddIf(is_master ? "master" : "backup", is_known, !one_fits);
  }
}

void LookAtTableSize(const Facts& facts, Notebook& notebook) {
  constexpr std::uint64_t kMostInBucket = 25;
  const ipvs::Table& table = *facts.table;
  if (!table.info || !table.info->connection_table_buckets) return notebook.AddUnknown("");
  std::uint64_t entries = 0;
  for (const ipvs::Service& service : table.services) {
    for (const ipvs::Backend& backend : service.backends) {
      entries += backend.active_connections + backend.inactive_connections +
                 backend.persistence_templates.value_or(0);
    }
  }
  notebook.Add("", entries > kMostInBucket * *table.info->connection_table_buckets);
}

}  // namespace lvs::audit
