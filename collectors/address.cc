#include "collectors/address.h"

#include <arpa/inet.h>

namespace lvs {

std::string ToString(const Address& address) {
  char text[INET6_ADDRSTRLEN] = "";
  const int family = address.family == AddressFamily::kIpv4 ? AF_INET : AF_INET6;
  inet_ntop(family, address.bytes.data(), text, sizeof text);
  return text;
}

}  // namespace lvs
