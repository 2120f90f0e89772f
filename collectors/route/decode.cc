#include "collectors/route/decode.h"

#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "collectors/netlink/attributes.h"

namespace lvs::route {
namespace {

using netlink::AttributeReader;
using netlink::AttributeWriter;

Error Malformed(std::string why) { return {ErrorCode::kMalformed, std::move(why)}; }

std::uint8_t NumberOf(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? AF_INET : AF_INET6;
}

std::optional<AddressFamily> FamilyOf(int number) {
  if (number == AF_INET) return AddressFamily::kIpv4;
  if (number == AF_INET6) return AddressFamily::kIpv6;
  return {};
}

std::size_t LengthOf(AddressFamily family) { return family == AddressFamily::kIpv4 ? 4 : 16; }

Address AddressOf(AddressFamily family, Bytes bytes) {
  Address address{.family = family, .bytes = {}};
  // Empty after an error, and then without a place that memcpy might be given.
  if (!bytes.empty()) {
    std::memcpy(address.bytes.data(), bytes.data(), std::min(bytes.size(), LengthOf(family)));
  }
  return address;
}

Address ReadAddress(AttributeReader& reader, AddressFamily family) {
  return AddressOf(family, reader.Block(LengthOf(family)));
}

// RTA_VIA (struct rtvia): the family of the gateway in host order, then its address.
std::optional<Address> ReadVia(AttributeReader& reader) {
  const Bytes value = reader.value();
  std::uint16_t number = 0;
  if (value.size() < sizeof number) {
    reader.Fail("a family and an address");
    return {};
  }
  std::memcpy(&number, value.data(), sizeof number);
  const std::optional<AddressFamily> family = FamilyOf(number);
  if (!family || value.size() != sizeof number + LengthOf(*family)) {
    reader.Fail("an IPv4 or IPv6 address");
    return {};
  }
  return AddressOf(*family, value.subspan(sizeof number));
}

// An index is positive in the kernel; a negative number stays one and matches nothing.
int ReadIndex(AttributeReader& reader) { return static_cast<int>(reader.U32()); }

// A value of six bytes; a link with longer or shorter addresses has none that we could use.
std::optional<Mac> MacOf(Bytes value) {
  Mac mac{};
  if (value.size() != mac.size()) return {};
  std::memcpy(mac.data(), value.data(), mac.size());
  return mac;
}

// Takes the header of a message away from the front of payload.
template <class Header>
Result<Header> TakeHeader(Bytes& payload) {
  Header header{};
  if (payload.size() < sizeof header) {
    return Malformed("a message shorter than its header of " + std::to_string(sizeof header) +
                     " bytes");
  }
  std::memcpy(&header, payload.data(), sizeof header);
  payload = payload.subspan(std::min<std::size_t>(NLMSG_ALIGN(sizeof header), payload.size()));
  return header;
}

template <class Header>
std::vector<std::byte> Join(const Header& header, Bytes attributes) {
  static_assert(sizeof header % NLMSG_ALIGNTO == 0);
  const Bytes head = std::as_bytes(std::span(&header, 1));
  std::vector<std::byte> bytes(head.begin(), head.end());
  bytes.insert(bytes.end(), attributes.begin(), attributes.end());
  return bytes;
}

Bytes BytesOf(const Address& address) {
  return std::as_bytes(std::span(address.bytes)).first(LengthOf(address.family));
}

// IFLA_INFO_KIND: the name of the module that made it, at most MODULE_NAME_LEN.
std::string ReadKind(AttributeReader& link_info) {
  std::string kind;
  AttributeReader reader = link_info.Nested();
  while (reader.Next()) {
    if (reader.type() == IFLA_INFO_KIND) kind = reader.Text(64);
  }
  return kind;
}

// An IPv6 address whose uniqueness is not proven, or is disproved, is listed, but its local route
// is missing and no packet is delivered to it, unless it is optimistic (RFC 4429;
// addrconf_dad_begin and addrconf_dad_stop in net/ipv6/addrconf.c, Linux 6.1).
bool IsDelivered(AddressFamily family, std::uint32_t flags) {
  if (family == AddressFamily::kIpv4) return true;
  const bool is_tentative = (flags & IFA_F_TENTATIVE) != 0 && (flags & IFA_F_OPTIMISTIC) == 0;
  return !is_tentative && (flags & IFA_F_DADFAILED) == 0;
}

}  // namespace

std::string ToString(const Mac& mac) {
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
                mac[4], mac[5]);
  return text;
}

Error KernelError(int number) {
  const char* name = strerrorname_np(number);
  const char* description = strerrordesc_np(number);
  const std::string text = name == nullptr || description == nullptr
                               ? "unknown kernel error " + std::to_string(number)
                               : std::string(description) + " (" + name + ")";
  switch (number) {
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return {ErrorCode::kNotFound, text};
    case EACCES:
      return {ErrorCode::kNotFound, "a route prohibits it"};
    case EPERM:
      return {ErrorCode::kNoPermission, text};
    case EBUSY:
    case ENOBUFS:
      return {ErrorCode::kConnection, text};
    default:
      return {ErrorCode::kSystem, text};
  }
}

// Our question is right; what is invalid is a way through a route of type blackhole (fib_props in
// net/ipv4/fib_semantics.c, fib6_prop in net/ipv6/route.c, Linux 6.1).
Error ExplainError(int number, std::uint16_t answer) {
  if (number == EINVAL && answer == RTM_NEWROUTE) {
    return {ErrorCode::kNotFound, "a blackhole route drops it"};
  }
  return KernelError(number);
}

std::vector<std::byte> EncodeRouteRequest(const Address& destination, std::uint32_t mark) {
  rtmsg header{};
  header.rtm_family = NumberOf(destination.family);
  header.rtm_dst_len = static_cast<std::uint8_t>(8 * LengthOf(destination.family));
  AttributeWriter attributes;
  attributes.Add(RTA_DST, BytesOf(destination));
  if (mark != 0) attributes.AddU32(RTA_MARK, mark);
  return Join(header, attributes.bytes());
}

std::vector<std::byte> EncodeNeighbourRequest(int interface, const Address& address) {
  ndmsg header{};
  header.ndm_family = NumberOf(address.family);
  header.ndm_ifindex = interface;
  AttributeWriter attributes;
  attributes.Add(NDA_DST, BytesOf(address));
  return Join(header, attributes.bytes());
}

std::vector<std::byte> EncodeNeighbourDump(int interface) {
  AttributeWriter attributes;
  attributes.AddU32(NDA_IFINDEX, static_cast<std::uint32_t>(interface));
  return Join(ndmsg{}, attributes.bytes());
}

std::vector<std::byte> EncodeAddressDump() { return Join(ifaddrmsg{}, {}); }

std::vector<std::byte> EncodeInterfaceDump() {
  AttributeWriter attributes;
  attributes.AddU32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  return Join(ifinfomsg{}, attributes.bytes());
}

Result<void> DecodeRoute(Bytes payload, Route& route) {
  const Result<rtmsg> header = TakeHeader<rtmsg>(payload);
  if (!header.ok()) return header.error();
  const std::optional<AddressFamily> family = FamilyOf(header.value().rtm_family);
  if (!family) return Malformed("a route of another family");
  route = {};
  route.local = header.value().rtm_type == RTN_LOCAL;
  AttributeReader reader(payload);
  while (reader.Next()) {
    if (reader.type() == RTA_OIF) route.interface = ReadIndex(reader);
    if (reader.type() == RTA_PREFSRC) route.source = ReadAddress(reader, *family);
    if (reader.type() == RTA_GATEWAY) route.gateway = ReadAddress(reader, *family);
    if (reader.type() == RTA_VIA) route.gateway = ReadVia(reader);
  }
  route.on_link = !route.gateway.has_value();
  return reader.result();
}

Result<void> DecodeInterface(Bytes payload, Interface& interface) {
  const Result<ifinfomsg> header = TakeHeader<ifinfomsg>(payload);
  if (!header.ok()) return header.error();
  interface = {};
  interface.index = header.value().ifi_index;
  interface.loopback = (header.value().ifi_flags & IFF_LOOPBACK) != 0;
  interface.up = (header.value().ifi_flags & IFF_UP) != 0;
  interface.no_arp = (header.value().ifi_flags & IFF_NOARP) != 0;
  AttributeReader reader(payload);
  while (reader.Next()) {
    if (reader.type() == IFLA_IFNAME) interface.name = reader.Text(IFNAMSIZ - 1);
    if (reader.type() == IFLA_LINKINFO) interface.kind = ReadKind(reader);
    if (reader.type() == IFLA_MASTER) interface.master = ReadIndex(reader);
    if (reader.type() == IFLA_ADDRESS && header.value().ifi_type == ARPHRD_ETHER) {
      interface.mac = MacOf(reader.value());
    }
  }
  return reader.result();
}

Result<void> DecodeAddress(Bytes payload, InterfaceAddress& address) {
  const Result<ifaddrmsg> header = TakeHeader<ifaddrmsg>(payload);
  if (!header.ok()) return header.error();
  const std::optional<AddressFamily> family = FamilyOf(header.value().ifa_family);
  if (!family) return Malformed("an address of another family");
  std::optional<Address> local;
  std::optional<Address> peer;
  std::uint32_t flags = header.value().ifa_flags;
  AttributeReader reader(payload);
  while (reader.Next()) {
    // IFA_ADDRESS is the other end on a point-to-point link; IFA_LOCAL is then ours (if_addr.h).
    if (reader.type() == IFA_LOCAL) local = ReadAddress(reader, *family);
    if (reader.type() == IFA_ADDRESS) peer = ReadAddress(reader, *family);
    // All of the flags, of which the header holds the first eight.
    if (reader.type() == IFA_FLAGS) flags = reader.U32();
  }
  if (!reader.ok()) return reader.result();
  if (!local) local = peer;
  if (!local) return Malformed("an address message without an address");
  address = {.address = *local,
             .interface = static_cast<int>(header.value().ifa_index),
             .prefix_length = header.value().ifa_prefixlen,
             .has_peer = peer.has_value() && *peer != *local,
             .delivered = IsDelivered(*family, flags)};
  return {};
}

Result<bool> DecodeNeighbour(Bytes payload, NeighbourEntry& entry) {
  const Result<ndmsg> header = TakeHeader<ndmsg>(payload);
  if (!header.ok()) return header.error();
  const std::optional<AddressFamily> family = FamilyOf(header.value().ndm_family);
  if (!family) return false;
  constexpr unsigned kResolved = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;
  const unsigned state = header.value().ndm_state;
  entry = {};
  entry.interface = header.value().ndm_ifindex;
  entry.neighbour.resolved = (state & kResolved) != 0;
  entry.neighbour.failed = (state & (NUD_INCOMPLETE | NUD_FAILED)) != 0;
  std::optional<Address> address;
  AttributeReader reader(payload);
  while (reader.Next()) {
    if (reader.type() == NDA_DST) address = ReadAddress(reader, *family);
    if (reader.type() == NDA_LLADDR) entry.neighbour.mac = MacOf(reader.value());
  }
  if (!reader.ok()) return reader.result().error();
  if (!address) return Malformed("a neighbour without an address");
  entry.address = *address;
  return true;
}

}  // namespace lvs::route
