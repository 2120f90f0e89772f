// The network of a director: forwarding, redirects, ARP and reverse paths.

#include <algorithm>
#include <set>

#include "collectors/audit/look.h"
#include "collectors/route/network_settings.h"

namespace lvs::audit {
namespace {

using ipvs::ForwardMethod;

bool IsMasqueraded(const ipvs::Service& service) {
  return std::ranges::any_of(service.backends, [](const ipvs::Backend& backend) {
    return backend.forward == ForwardMethod::kMasquerade;
  });
}

// The addresses of services, of the table and of the director's configuration.
std::set<Address> Vips(const Facts& facts) {
  std::set<Address> vips;
  for (const ipvs::Service& service : facts.table->services) {
    if (service.key.protocol != ipvs::Protocol::kFwmark) vips.insert(service.key.address);
  }
  if (facts.director && facts.director->vips) {
    for (const director::Vip& vip : *facts.director->vips) vips.insert(vip.address);
  }
  return vips;
}

bool Has(const HostInterface& interface, const Address& address) {
  return std::ranges::find(interface.addresses, address) != interface.addresses.end();
}

// Addresses of services that this host has without showing them: a standby, or a real server.
std::vector<Address> SilentVips(const Facts& facts) {
  std::vector<Address> silent;
  for (const Address& vip : Vips(facts)) {
    bool is_silent = false;
    bool is_shown = false;
    for (const HostInterface& interface : *facts.interfaces) {
      if (!Has(interface, vip)) continue;
      (interface.is_silent || interface.is_tunnel ? is_silent : is_shown) = true;
    }
    if (is_silent && !is_shown) silent.push_back(vip);
  }
  return silent;
}

// Whether somebody else may be meant to answer for the VIPs.
bool HasOthers(const Facts& facts) {
  return facts.director && (facts.director->directors > 1 ||
                            facts.director->conclusion.role != director::Role::kMaster);
}

using Setting = std::optional<std::int64_t> HostInterface::*;

void LookAtArp(const Facts& facts, Setting setting, bool (*is_right)(std::int64_t),
               Notebook& notebook) {
  if (!HasOthers(facts)) return;
  if (!facts.interfaces) return notebook.AddUnknown("");
  for (const Address& vip : SilentVips(facts)) {
    if (vip.family != AddressFamily::kIpv4) continue;  // IPv6 has no such setting and no need of it
    for (const HostInterface& interface : *facts.interfaces) {
      if (interface.is_silent || interface.is_tunnel || !interface.speaks_arp) continue;
      const std::optional<std::int64_t>& value = interface.*setting;
      notebook.AddIf(ToString(vip) + " on " + interface.name, value, !is_right(value.value_or(0)));
    }
  }
}

// No packet to the backend leaves this host: the host has the address itself, or no route to it.
bool GoesNowhere(const Facts& facts, const ipvs::Backend& backend) {
  const auto local = facts.is_local.find(backend.key.address);
  if (local == facts.is_local.end()) return false;
  return local->second || !facts.way_out.contains(backend.key.address);
}

void LookAtRedirectsTo(const Facts& facts, const ipvs::Backend& backend, const Address& vip,
                       Notebook& notebook) {
  const auto out = facts.way_out.find(backend.key.address);
  if (out == facts.way_out.end() || !facts.interfaces) return notebook.AddUnknown("");
  for (const HostInterface& interface : *facts.interfaces) {
    if (interface.index != out->second || !Has(interface, vip)) continue;
    notebook.AddIf(interface.name, interface.send_redirects,
                   interface.send_redirects.value_or(0) != 0);
  }
}

}  // namespace

void LookAtForwarding(const Facts& facts, Notebook& notebook) {
  for (const ipvs::Service& service : facts.table->services) {
    if (!IsMasqueraded(service)) continue;
    const AddressFamily family = service.key.address.family;
    const std::optional<std::int64_t>& forwarding = facts.forwarding[Position(family)];
    notebook.AddIf(Name(family), forwarding, forwarding.value_or(0) == 0);
  }
}

void LookAtRedirects(const Facts& facts, Notebook& notebook) {
  for (const ipvs::Service& service : facts.table->services) {
    const bool is_ipv4 = service.key.address.family == AddressFamily::kIpv4;
    if (!is_ipv4 || service.key.protocol == ipvs::Protocol::kFwmark) continue;
    for (const ipvs::Backend& backend : service.backends) {
      if (backend.forward != ForwardMethod::kMasquerade || GoesNowhere(facts, backend)) continue;
      LookAtRedirectsTo(facts, backend, service.key.address, notebook);
    }
  }
}

void LookAtArpIgnore(const Facts& facts, Notebook& notebook) {
  LookAtArp(facts, &HostInterface::arp_ignore, route::IgnoresArpForOthers, notebook);
}

void LookAtArpAnnounce(const Facts& facts, Notebook& notebook) {
  LookAtArp(facts, &HostInterface::arp_announce, route::AnnouncesNoOthers, notebook);
}

// 1 is strict; 0 is off and 2 loose. IPv6 has no such setting.
void LookAtReversePath(const Facts& facts, Notebook& notebook) {
  if (!facts.interfaces) return notebook.AddUnknown("");
  if (SilentVips(facts).empty()) return;
  for (const HostInterface& interface : *facts.interfaces) {
    if (!interface.is_tunnel) continue;
    notebook.AddIf(interface.name, interface.rp_filter, interface.rp_filter.value_or(0) == 1);
  }
}

}  // namespace lvs::audit
