#include "collectors/ipvs/table.h"

#include <algorithm>
#include <cstdio>

namespace lvs::ipvs {

std::string_view Name(Protocol protocol) {
  switch (protocol) {
    case Protocol::kFwmark:
      return "FWM";
    case Protocol::kTcp:
      return "TCP";
    case Protocol::kUdp:
      return "UDP";
    case Protocol::kSctp:
      return "SCTP";
  }
  return "unknown";
}

std::string ToString(const ServiceKey& key) {
  if (key.protocol == Protocol::kFwmark) {
    char mark[9];
    std::snprintf(mark, sizeof mark, "%08X", key.fwmark);
    return std::string("mark ") + mark + " " + Name(key.address.family);
  }
  const bool ipv6 = key.address.family == AddressFamily::kIpv6;
  const std::string address = ToString(key.address);
  return (ipv6 ? "[" + address + "]" : address) + ":" + std::to_string(key.port) + "/" +
         std::string(Name(key.protocol));
}

std::string ToString(const BackendKey& key) {
  const std::string address = ToString(key.address);
  if (key.port == 0) return address;
  const bool ipv6 = key.address.family == AddressFamily::kIpv6;
  return (ipv6 ? "[" + address + "]" : address) + ":" + std::to_string(key.port);
}

std::vector<const Service*> InOrder(const Table& table) {
  std::vector<const Service*> services;
  for (const Service& service : table.services) services.push_back(&service);
  std::ranges::sort(services, {}, [](const Service* service) { return service->key; });
  return services;
}

}  // namespace lvs::ipvs
