#include "collectors/realserver/collector.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "collectors/realserver/metrics.h"

namespace lvs::realserver {
namespace {

template <class T>
std::optional<T> IfOk(const Result<T>& result) {
  return result.ok() ? std::optional<T>(result.value()) : std::nullopt;
}

// 127.0.0.0/8, ::1, 169.254.0.0/16 and fe80::/10: addresses that every host may have.
bool IsOwn(const Address& address) {
  const auto& bytes = address.bytes;
  if (address.family == AddressFamily::kIpv4) {
    return bytes[0] == 127 || (bytes[0] == 169 && bytes[1] == 254);
  }
  Address loopback{AddressFamily::kIpv6, {}};
  loopback.bytes[15] = 1;
  return address == loopback || (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80);
}

}  // namespace

std::vector<const MetricInfo*> DescribeRealServer() { return DescribeFacts(); }

std::vector<Vip> FindVips(const std::vector<Address>& wanted,
                          const std::vector<route::Interface>& interfaces,
                          const std::vector<route::InterfaceAddress>& addresses) {
  std::map<int, const route::Interface*> by_index;
  for (const route::Interface& interface : interfaces) by_index[interface.index] = &interface;
  std::vector<Vip> vips;
  for (const route::InterfaceAddress& own : addresses) {
    const auto found = by_index.find(own.interface);
    if (found == by_index.end()) continue;
    const route::Interface& interface = *found->second;
    const Vip vip = {own.address, interface.name, own.prefix_length, route::IsSilent(interface),
                     route::IsTunnel(interface)};
    const bool is_wanted = wanted.empty() ? (vip.is_silent || vip.is_tunnel) && !IsOwn(own.address)
                                          : std::ranges::find(wanted, own.address) != wanted.end();
    if (is_wanted) vips.push_back(vip);
  }
  for (const Address& address : wanted) {
    if (std::ranges::find(vips, address, &Vip::address) == vips.end()) {
      vips.push_back({.address = address, .interface = ""});
    }
  }
  return vips;
}

Result<Facts> RealServerCollector::Read() {
  const auto interfaces = routes_.Interfaces();
  if (!interfaces.ok()) return interfaces.error();
  const auto addresses = routes_.Addresses();
  if (!addresses.ok()) return addresses.error();
  Facts facts;
  facts.vips = FindVips(configuration_.Get()->vips, interfaces.value(), addresses.value());
  for (const route::Interface& interface : interfaces.value()) {
    if (!interface.up) continue;
    facts.interfaces.push_back(
        {.name = interface.name,
         .is_silent = route::IsSilent(interface),
         .is_tunnel = route::IsTunnel(interface),
         .arp_ignore = IfOk(settings_.Effective("arp_ignore", interface.name)),
         .arp_announce = IfOk(settings_.Effective("arp_announce", interface.name)),
         .rp_filter = IfOk(settings_.Effective("rp_filter", interface.name))});
  }
  return facts;
}

Collection RealServerCollector::Collect(Deadline) {
  Result<Facts> facts = Read();
  if (!facts.ok()) return {{}, Error{facts.error().code, "realserver: " + facts.error().message}};
  return {RenderFacts(std::make_shared<const Facts>(std::move(facts.value()))), std::nullopt};
}

}  // namespace lvs::realserver
