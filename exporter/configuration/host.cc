#include "exporter/configuration/host.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <set>

namespace lvs {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

Address AddressOf(const addrinfo& found) {
  Address address;
  if (found.ai_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(found.ai_addr);
    std::memcpy(address.bytes.data(), &in->sin_addr, sizeof in->sin_addr);
  } else {
    const auto* in = reinterpret_cast<const sockaddr_in6*>(found.ai_addr);
    address.family = AddressFamily::kIpv6;
    std::memcpy(address.bytes.data(), &in->sin6_addr, sizeof in->sin6_addr);
  }
  return address;
}

int FamilyHint(std::optional<AddressFamily> family) {
  if (!family) return AF_UNSPEC;
  return *family == AddressFamily::kIpv4 ? AF_INET : AF_INET6;
}

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<std::array<std::uint8_t, 6>> ParseMac(std::string_view text) {
  std::array<std::uint8_t, 6> mac{};
  if (text.size() != 17) return std::nullopt;
  for (std::size_t i = 0; i < mac.size(); ++i) {
    const int high = HexDigit(text[3 * i]);
    const int low = HexDigit(text[3 * i + 1]);
    if (high < 0 || low < 0 || (i > 0 && text[3 * i - 1] != ':')) return std::nullopt;
    mac[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return mac;
}

bool IsHostName(std::string_view text) {
  const bool is_plain = std::ranges::all_of(text, [](char c) {
    return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
           c == '.';
  });
  if (text.empty() || text.size() > 253 || !is_plain) return false;
  const std::size_t last = text.rfind('.', text.size() - 2) + 1;  // npos + 1 is 0
  return last < text.size() && !IsDigit(text[last]) && text[last] != '.';
}

Result<Address> ResolveHost(const std::string& name, std::optional<AddressFamily> family) {
  addrinfo hints{};
  hints.ai_family = FamilyHint(family);
  hints.ai_socktype = SOCK_STREAM;  // else every address comes once for each type
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(name.c_str(), nullptr, &hints, &found); error != 0) {
    return Error{ErrorCode::kInvalidInput, name + ": " + gai_strerror(error)};
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  std::set<Address> addresses;  // IPv4 first
  for (; found != nullptr; found = found->ai_next) {
    if (found->ai_family == AF_INET || found->ai_family == AF_INET6) {
      addresses.insert(AddressOf(*found));
    }
  }
  if (addresses.empty()) return Error{ErrorCode::kInvalidInput, name + ": no address"};
  const Address first = *addresses.begin();
  std::erase_if(addresses, [&](const Address& a) { return a.family != first.family; });
  if (addresses.size() > 1) {
    return Error{ErrorCode::kInvalidInput,
                 name + ": " + std::to_string(addresses.size()) + " addresses; give one of them"};
  }
  return first;
}

}  // namespace lvs
