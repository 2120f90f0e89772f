#include "collectors/netfilter/nft_conditions.h"

#include <linux/if_ether.h>
#include <netinet/in.h>
// After <netinet/in.h>, or both would define its types.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include "collectors/netfilter/networks.h"

namespace lvs::netfilter {
namespace {

using Kind = NftValue::Kind;
using Key = std::vector<std::uint8_t>;

// Where the fields are in a network header; the port is in a transport header.
struct Layout {
  std::size_t destination;
  std::size_t protocol;
};
constexpr Layout LayoutOf(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? Layout{16, 9} : Layout{24, 6};
}
constexpr std::size_t kPortOffset = 2;
constexpr std::size_t kPortLength = 2;

std::size_t LengthOf(NftField field) {
  switch (field) {
    case NftField::kDestination4:
      return 4;
    case NftField::kDestination6:
      return 16;
    case NftField::kPort:
      return kPortLength;
    case NftField::kProtocol:
      break;
  }
  return 1;
}

NftField DestinationOf(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? NftField::kDestination4 : NftField::kDestination6;
}

Key KeyOf(Bytes bytes) {
  Key key(bytes.size());
  std::ranges::transform(bytes, key.begin(),
                         [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
  return key;
}

std::uint16_t PortOf(const Key& key) { return static_cast<std::uint16_t>(key[0] << 8 | key[1]); }

Range<Address> AddressesOf(NftField field, const KeyInterval& keys) {
  const AddressFamily family =
      field == NftField::kDestination4 ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
  return {AddressOf(family, std::as_bytes(std::span(keys.first))),
          AddressOf(family, std::as_bytes(std::span(keys.last)))};
}

// The key before this one; absent before the first.
std::optional<Key> Before(Key key) {
  for (std::size_t i = key.size(); i-- > 0;) {
    if (key[i]-- != 0) return key;
  }
  return {};
}

std::optional<Key> After(Key key) {
  for (std::size_t i = key.size(); i-- > 0;) {
    if (++key[i] != 0) return key;
  }
  return {};
}

// What follows op; empty for one that is not an interval.
std::vector<KeyInterval> IntervalOf(std::uint32_t op, const Key& key) {
  const Key lowest(key.size(), 0);
  const Key highest(key.size(), 0xff);
  std::optional<Key> end;
  switch (op) {
    case NFT_CMP_EQ:
      return {{key, key}};
    case NFT_CMP_LTE:
      return {{lowest, key}};
    case NFT_CMP_GTE:
      return {{key, highest}};
    case NFT_CMP_LT:
      if ((end = Before(key))) return {{lowest, *end}};
      return {};
    case NFT_CMP_GT:
      if ((end = After(key))) return {{*end, highest}};
      return {};
    default:
      return {};
  }
}

// Some bytes of a header that must be equal to data under the mask, and which of them have been
// made conditions.
class EqualBytes {
 public:
  EqualBytes(const NftValue& value, Bytes data) : value_(value), data_(data) {}

  // The part of the field that is compared, from the field's begin on: empty if that is not.
  Bytes Data(std::size_t offset, std::size_t length) { return Part(data_, offset, length); }
  // The same of the mask; ones where there is none.
  std::vector<std::byte> Mask(std::size_t offset, std::size_t length) {
    const Bytes part = Part(value_.bytes, offset, length);
    if (value_.bytes.empty()) return std::vector<std::byte>(length, std::byte{0xff});
    return {part.begin(), part.end()};
  }
  void Took(std::size_t bytes) { taken_ += bytes; }
  bool all_taken() const { return taken_ == data_.size(); }

 private:
  Bytes Part(Bytes bytes, std::size_t offset, std::size_t length) const {
    if (offset < value_.offset || offset - value_.offset >= bytes.size()) return {};
    const Bytes rest = bytes.subspan(offset - value_.offset);
    return rest.first(std::min(rest.size(), length));
  }

  const NftValue& value_;
  Bytes data_;
  std::size_t taken_ = 0;
};

void RequireDestinationBytes(AddressFamily family, EqualBytes& equal, Conditions& conditions) {
  const std::size_t offset = LayoutOf(family).destination;
  const Bytes data = equal.Data(offset, BitsOf(family) / 8);
  if (data.empty()) return;
  const std::vector<std::byte> mask = equal.Mask(offset, data.size());
  const std::optional<unsigned> length = PrefixLengthOf(mask);
  if (!length || mask.size() != data.size()) return;
  conditions.RequireDestinations({RangeOf(AddressOf(family, data), *length)});
  equal.Took(data.size());
}

bool IsWhole(const std::vector<std::byte>& mask, std::size_t length) {
  return mask.size() == length &&
         std::ranges::all_of(mask, [](std::byte byte) { return byte == std::byte{0xff}; });
}

void RequireExactBytes(NftField field, std::size_t offset, EqualBytes& equal,
                       Conditions& conditions) {
  const std::size_t length = LengthOf(field);
  const Bytes data = equal.Data(offset, length);
  if (data.size() != length || !IsWhole(equal.Mask(offset, length), length)) return;
  RequireIntervals(field, {{KeyOf(data), KeyOf(data)}}, conditions);
  equal.Took(length);
}

// nft makes one comparison of fields that are neighbours: "ip saddr A ip daddr B" is one of eight
// bytes (payload_try_merge in its src/payload.c, version 1.0.6); and one of fewer bytes than an
// address has where a prefix ends between bytes.
void RequireEqualPayload(const NftValue& value, Bytes data, Conditions& conditions) {
  EqualBytes equal(value, data);
  if (value.base == NFT_PAYLOAD_NETWORK_HEADER && conditions.family) {
    RequireExactBytes(NftField::kProtocol, LayoutOf(*conditions.family).protocol, equal,
                      conditions);
    RequireDestinationBytes(*conditions.family, equal, conditions);
  }
  if (value.base == NFT_PAYLOAD_TRANSPORT_HEADER) {
    RequireExactBytes(NftField::kPort, kPortOffset, equal, conditions);
  }
  if (!equal.all_taken()) conditions.narrowed = true;
}

std::optional<AddressFamily> FamilyFrom(const NftValue& value, Bytes data) {
  const Key key = KeyOf(data);
  if (value.kind == Kind::kNetfilterFamily && key.size() == 1) {
    if (key[0] == NFPROTO_IPV4) return AddressFamily::kIpv4;
    if (key[0] == NFPROTO_IPV6) return AddressFamily::kIpv6;
  }
  if (value.kind == Kind::kEthertype && key.size() == 2) {
    if (PortOf(key) == ETH_P_IP) return AddressFamily::kIpv4;
    if (PortOf(key) == ETH_P_IPV6) return AddressFamily::kIpv6;
  }
  return {};
}

}  // namespace

std::optional<NftField> FieldOf(const NftValue& value, std::optional<AddressFamily> family) {
  if (value.kind == Kind::kProtocol && value.length == 1) return NftField::kProtocol;
  if (value.kind != Kind::kPayload || !value.bytes.empty()) return {};
  const auto is = [&](NftField field, std::size_t offset) {
    return value.offset == offset && value.length == LengthOf(field);
  };
  if (value.base == NFT_PAYLOAD_TRANSPORT_HEADER && is(NftField::kPort, kPortOffset)) {
    return NftField::kPort;
  }
  if (value.base != NFT_PAYLOAD_NETWORK_HEADER || !family) return {};
  if (is(NftField::kProtocol, LayoutOf(*family).protocol)) return NftField::kProtocol;
  const NftField destination = DestinationOf(*family);
  if (is(destination, LayoutOf(*family).destination)) return destination;
  return {};
}

void RequireComparison(const NftValue& value, std::uint32_t op, Bytes data,
                       Conditions& conditions) {
  const std::optional<AddressFamily> family = FamilyFrom(value, data);
  if (op == NFT_CMP_EQ && family) {
    conditions.RequireFamily(*family);
    return;
  }
  if (op == NFT_CMP_EQ && value.kind == Kind::kPayload) {
    RequireEqualPayload(value, data, conditions);
    return;
  }
  const std::optional<NftField> field = FieldOf(value, conditions.family);
  const std::vector<KeyInterval> interval = IntervalOf(op, KeyOf(data));
  if (field && !interval.empty()) {
    RequireIntervals(*field, interval, conditions);
  } else {
    conditions.narrowed = true;
  }
}

void RequireRange(const NftValue& value, Bytes from, Bytes to, Conditions& conditions) {
  if (const std::optional<NftField> field = FieldOf(value, conditions.family)) {
    RequireIntervals(*field, {{KeyOf(from), KeyOf(to)}}, conditions);
  } else {
    conditions.narrowed = true;
  }
}

void RequireIntervals(NftField field, const std::vector<KeyInterval>& intervals,
                      Conditions& conditions) {
  const auto fits = [length = LengthOf(field)](const KeyInterval& keys) {
    return keys.first.size() == length && keys.last.size() == length && keys.first <= keys.last;
  };
  if (!std::ranges::all_of(intervals, fits)) {
    conditions.narrowed = true;
    return;
  }
  Ranges<Address> addresses;
  Ranges<std::uint8_t> protocols;
  Ranges<std::uint16_t> ports;
  for (const KeyInterval& keys : intervals) {
    if (field == NftField::kProtocol) {
      protocols.push_back({keys.first[0], keys.last[0]});
    } else if (field == NftField::kPort) {
      ports.push_back({PortOf(keys.first), PortOf(keys.last)});
    } else {
      addresses.push_back(AddressesOf(field, keys));
    }
  }
  if (field == NftField::kProtocol) {
    conditions.RequireProtocols(std::move(protocols));
  } else if (field == NftField::kPort) {
    conditions.RequirePorts(std::move(ports));
  } else {
    conditions.RequireDestinations(std::move(addresses));
  }
}

// An interval begins with its first key and ends before the next mark, be that an end or another
// begin; or never. The kernel gives them in any order.
std::optional<std::vector<KeyInterval>> IntervalsOf(std::uint32_t set_flags,
                                                    std::vector<NftElement> elements) {
  constexpr std::uint32_t kOthers = NFT_SET_CONCAT | NFT_SET_TIMEOUT | NFT_SET_EVAL;
  if ((set_flags & kOthers) != 0) return {};
  std::ranges::sort(elements, {}, [](const NftElement& element) {
    return std::pair(element.key, !element.ends_interval);
  });
  std::vector<KeyInterval> intervals;
  bool open = false;
  for (const NftElement& element : elements) {
    if (element.key.empty() || intervals.size() > Conditions::kMaxRanges) return {};
    if (open) intervals.back().last = Before(element.key).value_or(element.key);
    open = false;
    if (element.ends_interval) continue;
    intervals.push_back({element.key, element.key});
    if (!element.key_end.empty()) intervals.back().last = element.key_end;
    open = (set_flags & NFT_SET_INTERVAL) != 0 && element.key_end.empty();
  }
  if (open) std::ranges::fill(intervals.back().last, std::uint8_t{0xff});
  if (intervals.size() > Conditions::kMaxRanges) return {};
  return intervals;
}

}  // namespace lvs::netfilter
