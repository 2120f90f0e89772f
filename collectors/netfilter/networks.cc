#include "collectors/netfilter/networks.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

namespace lvs::netfilter {
namespace {

bool BitOf(const Address& address, unsigned place) {
  return (address.bytes[place / 8] >> (7 - place % 8) & 1) != 0;
}

// The address after this one; absent after the last.
std::optional<Address> Next(Address address) {
  for (unsigned i = BitsOf(address.family) / 8; i-- > 0;) {
    if (++address.bytes[i] != 0) return address;
  }
  return {};
}

// The largest network that begins with the address and ends at or before last.
unsigned ShortestPrefix(const Address& address, const Address& last) {
  unsigned length = BitsOf(address.family);
  while (length > 0 && !BitOf(address, length - 1) && RangeOf(address, length - 1).last <= last) {
    --length;
  }
  return length;
}

}  // namespace

Address AddressOf(AddressFamily family, Bytes bytes) {
  Address address{.family = family, .bytes = {}};
  const std::size_t length = std::min<std::size_t>(bytes.size(), BitsOf(family) / 8);
  if (length > 0) std::memcpy(address.bytes.data(), bytes.data(), length);
  return address;
}

Range<Address> RangeOf(const Address& address, unsigned prefix_length) {
  Range<Address> range{address, address};
  for (unsigned place = prefix_length; place < BitsOf(address.family); ++place) {
    const auto bit = static_cast<std::uint8_t>(1u << (7 - place % 8));
    range.first.bytes[place / 8] &= static_cast<std::uint8_t>(~bit);
    range.last.bytes[place / 8] |= bit;
  }
  return range;
}

std::optional<unsigned> PrefixLengthOf(Bytes mask) {
  unsigned length = 0;
  bool ended = false;
  for (const std::byte byte : mask) {
    const auto ones = static_cast<unsigned>(std::countl_one(std::to_integer<std::uint8_t>(byte)));
    const auto set = static_cast<unsigned>(std::popcount(std::to_integer<std::uint8_t>(byte)));
    if (ones != set || (ended && set != 0)) return {};
    ended = ended || ones != 8;
    length += ones;
  }
  return length;
}

std::optional<std::vector<Network>> NetworksOf(const Range<Address>& range, std::size_t limit) {
  std::vector<Network> networks;
  for (std::optional<Address> next = range.first; next && *next <= range.last;) {
    if (networks.size() == limit) return {};
    const unsigned length = ShortestPrefix(*next, range.last);
    networks.push_back({*next, length});
    next = Next(RangeOf(*next, length).last);
  }
  return networks;
}

std::string ToString(const Network& network) {
  const std::string address = ToString(network.address);
  if (network.prefix_length == BitsOf(network.address.family)) return address;
  return address + "/" + std::to_string(network.prefix_length);
}

}  // namespace lvs::netfilter
