#include "collectors/realserver/checks.h"

#include <algorithm>

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

void LookAtCards(const Facts& facts, Setting setting, std::int64_t least, Notebook& notebook) {
  if (!HasIpv4Vip(facts)) return;
  for (const HostInterface& interface : facts.interfaces) {
    if (interface.is_silent || interface.is_tunnel) continue;
    const std::optional<std::int64_t>& value = interface.*setting;
    notebook.AddIf(interface.name, value, value.value_or(0) < least);
  }
}

void LookForVips(const Facts& facts, Notebook& notebook) {
  for (const Vip& vip : facts.vips) notebook.Add(ToString(vip.address), vip.interface.empty());
}

void LookAtPrefixes(const Facts& facts, Notebook& notebook) {
  for (const Vip& vip : facts.vips) {
    if (!IsKeptToItself(vip)) continue;
    const unsigned whole = vip.address.family == AddressFamily::kIpv4 ? 32 : 128;
    notebook.Add(ToString(vip.address) + " on " + vip.interface, vip.prefix_length != whole);
  }
}

void LookAtArpIgnore(const Facts& facts, Notebook& notebook) {
  LookAtCards(facts, &HostInterface::arp_ignore, 1, notebook);
}

void LookAtArpAnnounce(const Facts& facts, Notebook& notebook) {
  LookAtCards(facts, &HostInterface::arp_announce, 2, notebook);
}

void LookAtReversePath(const Facts& facts, Notebook& notebook) {
  for (const HostInterface& interface : facts.interfaces) {
    if (!interface.is_tunnel) continue;
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
