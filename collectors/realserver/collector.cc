#include "collectors/realserver/collector.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "collectors/address_facts.h"
#include "collectors/realserver/metrics.h"

namespace lvs::realserver {
namespace {

template <class T>
std::optional<T> IfOk(const Result<T>& result) {
  return result.ok() ? std::optional<T>(result.value()) : std::nullopt;
}

// 127.0.0.0/8, ::1, 169.254.0.0/16 and fe80::/10: addresses that every host may have.
bool IsEverybodys(const Address& address) {
  const auto& bytes = address.bytes;
  if (IsLoopback(address)) return true;
  if (address.family == AddressFamily::kIpv4) return bytes[0] == 169 && bytes[1] == 254;
  return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

// Whether an address is a VIP by where it is. A tunnel may also have addresses of its own link;
// those have a network or a peer, which a VIP needs not.
bool LooksLikeVip(const route::Interface& interface, const route::InterfaceAddress& own) {
  if (IsEverybodys(own.address)) return false;
  if (route::IsSilent(interface)) return true;
  return route::IsTunnel(interface) && own.prefix_length == BitsOf(own.address.family) &&
         !own.has_peer;
}

bool HasOwnAddress(const route::Interface& interface, const std::vector<Vip>& vips,
                   const std::vector<route::InterfaceAddress>& addresses) {
  return std::ranges::any_of(addresses, [&](const route::InterfaceAddress& own) {
    return own.interface == interface.index && !IsEverybodys(own.address) &&
           std::ranges::find(vips, own.address, &Vip::address) == vips.end();
  });
}

}  // namespace

std::vector<const MetricInfo*> DescribeRealServer() { return DescribeFacts(); }

std::vector<Vip> FindVips(const std::vector<Address>& wanted,
                          const std::vector<route::Interface>& interfaces,
                          const std::vector<route::InterfaceAddress>& addresses) {
  std::map<int, const route::Interface*> by_index;
  for (const route::Interface& interface : interfaces) by_index[interface.index] = &interface;
  std::vector<Vip> vips;
  std::map<std::pair<int, Address>, std::size_t> places;  // in vips, by interface and address
  for (const route::InterfaceAddress& own : addresses) {
    const auto found = by_index.find(own.interface);
    if (found == by_index.end()) continue;
    const route::Interface& interface = *found->second;
    const bool is_wanted = wanted.empty() ? LooksLikeVip(interface, own)
                                          : std::ranges::find(wanted, own.address) != wanted.end();
    if (!is_wanted) continue;
    const auto [place, is_first] =
        places.emplace(std::pair(own.interface, own.address), vips.size());
    if (is_first) {
      vips.push_back({own.address, interface.name, own.prefix_length, route::IsSilent(interface),
                      route::IsTunnel(interface)});
    }
    unsigned& prefix_length = vips[place->second].prefix_length;
    prefix_length = std::min(prefix_length, own.prefix_length);
  }
  for (const Address& address : wanted) {
    if (std::ranges::find(vips, address, &Vip::address) == vips.end()) {
      vips.push_back({.address = address, .interface = ""});
    }
  }
  return vips;
}

std::vector<HostInterface> FindInterfaces(const std::vector<Vip>& vips,
                                          const std::vector<route::Interface>& interfaces,
                                          const std::vector<route::InterfaceAddress>& addresses) {
  std::vector<HostInterface> found;
  for (const route::Interface& interface : interfaces) {
    if (!interface.up) continue;
    HostInterface& host = found.emplace_back();
    host.name = interface.name;
    host.is_silent = route::IsSilent(interface);
    host.is_tunnel = route::IsTunnel(interface);
    host.speaks_arp = route::SpeaksArp(interface, interfaces);
    host.has_own_address = host.is_tunnel && HasOwnAddress(interface, vips, addresses);
  }
  return found;
}

Result<Facts> RealServerCollector::Read() {
  const auto interfaces = routes_.Interfaces();
  if (!interfaces.ok()) return interfaces.error();
  const auto addresses = routes_.Addresses();
  if (!addresses.ok()) return addresses.error();
  Facts facts;
  facts.vips = FindVips(configuration_.Get()->vips, interfaces.value(), addresses.value());
  facts.interfaces = FindInterfaces(facts.vips, interfaces.value(), addresses.value());
  for (HostInterface& interface : facts.interfaces) {
    interface.arp_ignore = IfOk(settings_.Effective("arp_ignore", interface.name));
    interface.arp_announce = IfOk(settings_.Effective("arp_announce", interface.name));
    interface.rp_filter = IfOk(settings_.Effective("rp_filter", interface.name));
  }
  return facts;
}

Collection RealServerCollector::Collect(Deadline) {
  Result<Facts> facts = Read();
  if (!facts.ok()) return {{}, Error{facts.error().code, "realserver: " + facts.error().message}};
  return {RenderFacts(std::make_shared<const Facts>(std::move(facts.value()))), std::nullopt};
}

}  // namespace lvs::realserver
