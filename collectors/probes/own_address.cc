#include "collectors/probes/own_address.h"

#include <algorithm>

#include "collectors/probes/packet.h"

namespace lvs::probes {
namespace {

bool InPrefix(const Address& address, const Address& prefix, unsigned length) {
  if (address.family != prefix.family || length > 8 * AddressLength(prefix.family)) return false;
  const std::size_t whole = length / 8;
  for (std::size_t i = 0; i < whole; ++i) {
    if (address.bytes[i] != prefix.bytes[i]) return false;
  }
  if (length % 8 == 0) return true;
  const unsigned difference = address.bytes[whole] ^ unsigned { prefix.bytes[whole] };
  return difference >> (8 - length % 8) == 0;
}

}  // namespace

std::optional<Address> ChooseSource(const std::vector<route::InterfaceAddress>& addresses,
                                    int interface, const Address& peer,
                                    std::span<const Address> forbidden) {
  for (const route::InterfaceAddress& own : addresses) {
    if (own.interface != interface || !InPrefix(peer, own.address, own.prefix_length)) continue;
    if (std::ranges::find(forbidden, own.address) == forbidden.end()) return own.address;
  }
  return {};
}

}  // namespace lvs::probes
