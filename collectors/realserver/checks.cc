#include "collectors/realserver/checks.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "collectors/address_facts.h"
#include "collectors/route/network_settings.h"

namespace lvs::realserver {
namespace {

using audit::Notebook;
using Setting = std::optional<std::int64_t> HostInterface::*;

// One that others on the link do not see: only then this host must keep it to itself.
bool IsKeptToItself(const Vip& vip) {
  return !vip.interface.empty() && (vip.is_silent || vip.is_tunnel);
}

bool HasIpv4Vip(const Facts& facts) {
  return std::ranges::any_of(facts.vips, [](const Vip& vip) {
    return vip.address.family == AddressFamily::kIpv4 && IsKeptToItself(vip);
  });
}

void LookAtCards(const Facts& facts, Setting setting, bool (*is_right)(std::int64_t),
                 Notebook& notebook) {
  if (!HasIpv4Vip(facts)) return;
  for (const HostInterface& interface : facts.interfaces) {
    if (interface.is_silent || interface.is_tunnel || !interface.speaks_arp) continue;
    const std::optional<std::int64_t>& value = interface.*setting;
    notebook.AddIf(interface.name, value, !is_right(value.value_or(0)));
  }
}

// The device that the kernel makes with the module takes whatever no other tunnel is for: it is the
// usual end of a director's tunnel, and then needs no address.
bool IsBareFallback(const HostInterface& interface) {
  constexpr std::string_view kNames[] = {"tunl0", "gre0", "ip6tnl0", "ip6gre0"};
  return !interface.has_own_address &&
         std::ranges::find(kNames, interface.name) != std::end(kNames);
}

bool CarriesIpv4Vip(const Facts& facts, const HostInterface& interface) {
  return std::ranges::any_of(facts.vips, [&](const Vip& vip) {
    return vip.address.family == AddressFamily::kIpv4 && vip.interface == interface.name;
  });
}

void LookForVips(const Facts& facts, Notebook& notebook) {
  for (const Vip& vip : facts.vips) notebook.Add(ToString(vip.address), vip.interface.empty());
}

void LookAtPrefixes(const Facts& facts, Notebook& notebook) {
  for (const Vip& vip : facts.vips) {
    if (!IsKeptToItself(vip)) continue;
    notebook.Add(ToString(vip.address) + " on " + vip.interface,
                 vip.prefix_length != BitsOf(vip.address.family));
  }
}

void LookAtArpIgnore(const Facts& facts, Notebook& notebook) {
  LookAtCards(facts, &HostInterface::arp_ignore, route::IgnoresArpForOthers, notebook);
}

void LookAtArpAnnounce(const Facts& facts, Notebook& notebook) {
  LookAtCards(facts, &HostInterface::arp_announce, route::AnnouncesNoOthers, notebook);
}

// A tunnel for other things may well be strict. IPv6 has no such setting.
void LookAtReversePath(const Facts& facts, Notebook& notebook) {
  for (const HostInterface& interface : facts.interfaces) {
    if (!interface.is_tunnel) continue;
    if (!CarriesIpv4Vip(facts, interface) && !IsBareFallback(interface)) continue;
    notebook.AddIf(interface.name, interface.rp_filter, interface.rp_filter.value_or(0) == 1);
  }
}

constexpr audit::Check<Facts> kChecks[] = {
    {"realserver_vip_missing", "the addresses of this host",
     "the virtual address is on no interface: packets of direct routing and tunnels are not taken",
     "LVSRealServerSetup", LookForVips},
    {"realserver_vip_prefix", "the addresses of the loopback, dummies and tunnels",
     "the virtual address has a shorter prefix than /32 or /128: this host takes all of that "
     "network "
     "for its own",
     "LVSRealServerSetup", LookAtPrefixes},
    {"realserver_arp_ignore", "net.ipv4.conf.*.arp_ignore",
     "the interface answers ARP for virtual addresses: it needs arp_ignore=1", "LVSRealServerSetup",
     LookAtArpIgnore},
    {"realserver_arp_announce", "net.ipv4.conf.*.arp_announce",
     "the interface may announce virtual addresses by ARP: it needs arp_announce=2",
     "LVSRealServerSetup", LookAtArpAnnounce},
    {"realserver_rp_filter", "net.ipv4.conf.*.rp_filter of tunnel devices",
     "the strict reverse path filter drops what comes out of the tunnel", "LVSRealServerSetup",
     LookAtReversePath},
};

}  // namespace

std::span<const audit::Check<Facts>> RealServerChecks() { return kChecks; }

}  // namespace lvs::realserver
