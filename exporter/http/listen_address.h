// Where the exporter listens: --web.listen-address as people write it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "collectors/result.h"

namespace lvs {

struct ListenAddress {
  std::string address = "0.0.0.0";  // numeric IPv4, dotted
  std::uint16_t port = 0;           // 0: any free port

  bool operator==(const ListenAddress&) const = default;
};

// "127.0.0.1:10211".
std::string ToString(const ListenAddress& address);

// Reads "host:port" or ":port" (all addresses); host is a numeric IPv4 address, port 0 to 65535 in
// decimal. Error kInvalidInput otherwise, with its own sentence for IPv6, without which Debian 12
// builds its civetweb 1.15.
Result<ListenAddress> ParseListenAddress(std::string_view text);

}  // namespace lvs
