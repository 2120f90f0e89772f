#include "collectors/address.h"

#include <arpa/inet.h>

namespace lvs {

std::string ToString(const Address& address) {
  char text[INET6_ADDRSTRLEN] = "";
  const int family = address.family == AddressFamily::kIpv4 ? AF_INET : AF_INET6;
  inet_ntop(family, address.bytes.data(), text, sizeof text);
  return text;
}

std::optional<Address> ParseAddress(const std::string& text) {
  Address address;
  if (text.find('\0') != std::string::npos) return std::nullopt;  // it would end there
  if (inet_pton(AF_INET, text.c_str(), address.bytes.data()) == 1) return address;
  address.family = AddressFamily::kIpv6;
  if (inet_pton(AF_INET6, text.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

}  // namespace lvs
