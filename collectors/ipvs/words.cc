#include "collectors/ipvs/words.h"

#include <array>
#include <cstddef>

namespace lvs::ipvs {

std::string_view PersistenceKind(const Service& service) {
  if ((service.flags & kServicePersistent) == 0) return "none";
  if (service.key.protocol == Protocol::kFwmark) return "pfwmc";
  if (service.key.port == 0) return "pcc";
  return service.key.port == 21 ? "ftp" : "ppc";
}

std::string FlagsText(const Service& service) {
  const bool named = service.scheduler == "sh" || service.scheduler == "mh";
  const std::array<std::string, 4> words = {
      "ops", named ? service.scheduler + "-fallback" : "flag-1",
      named ? service.scheduler + "-port" : "flag-2", "flag-3"};
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if ((service.flags & (kServiceOnePacket << i)) == 0) continue;
    if (!text.empty()) text += ',';
    text += words[i];
  }
  return text;
}

std::string NetmaskText(const Service& service) {
  if (service.key.address.family == AddressFamily::kIpv6) return std::to_string(service.netmask);
  Address mask;
  for (std::size_t i = 0; i < 4; ++i) {
    mask.bytes[i] = static_cast<std::uint8_t>(service.netmask >> (24 - 8 * i));
  }
  return ToString(mask);
}

std::string_view ForwardText(ForwardMethod forward) {
  switch (forward) {
    case ForwardMethod::kMasquerade:
      return "masquerade";
    case ForwardMethod::kLocal:
      return "local";
    case ForwardMethod::kTunnel:
      return "tunnel";
    case ForwardMethod::kRoute:
      return "route";
    case ForwardMethod::kBypass:
      return "bypass";
  }
  return "unknown";
}

std::string_view TunnelText(const Backend& backend) {
  if (backend.forward != ForwardMethod::kTunnel) return "";
  switch (backend.tunnel_type) {
    case TunnelType::kIpip:
      return "ipip";
    case TunnelType::kGue:
      return "gue";
    case TunnelType::kGre:
      return "gre";
  }
  return "unknown";
}

std::string_view TunnelFlagsText(const Backend& backend) {
  switch (backend.tunnel_flags & (kTunnelChecksum | kTunnelRemoteChecksum)) {
    case kTunnelChecksum:
      return "csum";
    case kTunnelRemoteChecksum:
      return "remcsum";
    case kTunnelChecksum | kTunnelRemoteChecksum:
      return "csum,remcsum";
    default:
      return "";
  }
}

}  // namespace lvs::ipvs
