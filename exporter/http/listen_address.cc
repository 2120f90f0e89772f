#include "exporter/http/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>
#include <cstddef>
#include <optional>
#include <system_error>
#include <utility>

namespace lvs {
namespace {

Error Invalid(std::string reason) { return {ErrorCode::kInvalidInput, std::move(reason)}; }

std::optional<std::uint16_t> ParsePort(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

}  // namespace

std::string ToString(const ListenAddress& address) {
  return address.address + ":" + std::to_string(address.port);
}

Result<ListenAddress> ParseListenAddress(std::string_view text) {
  const std::size_t colon = text.find(':');
  const bool has_more = colon != text.npos && text.find(':', colon + 1) != text.npos;
  if (has_more && text.find_first_not_of("0123456789abcdefABCDEF:.[]%") == text.npos) {
    return Invalid("IPv6 is not supported, give an IPv4 address or only :PORT");
  }
  if (text.find(',') != text.npos) return Invalid("expected one address; repeat the flag for more");
  if (colon == text.npos || has_more) return Invalid("expected IPV4-ADDRESS:PORT or :PORT");
  const std::optional<std::uint16_t> port = ParsePort(text.substr(colon + 1));
  if (!port) return Invalid("the port must be a number from 0 to 65535");
  if (colon == 0) return ListenAddress{.port = *port};
  std::string host(text.substr(0, colon));
  in_addr parsed{};
  // inet_pton reads strictly four decimal numbers without leading zeros.
  if (host.find('\0') != host.npos || inet_pton(AF_INET, host.c_str(), &parsed) != 1) {
    return Invalid("the host must be a numeric IPv4 address");
  }
  return ListenAddress{.address = std::move(host), .port = *port};
}

}  // namespace lvs
