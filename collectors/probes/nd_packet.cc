#include "collectors/probes/nd_packet.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>

#include "collectors/probes/packet.h"

namespace lvs::probes {
namespace {

constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kMessage = 24;     // type, code, checksum, flags and the target
constexpr std::size_t kOptionUnit = 8;   // option lengths count these
constexpr std::size_t kOptionHead = 2;   // type and length
constexpr std::uint8_t kHopLimit = 255;  // no router has passed it on
constexpr std::uint32_t kSolicited = 0x40000000;
constexpr std::array<std::uint8_t, 13> kSolicitedNodePrefix = {0xff, 2, 0, 0, 0, 0,   0,
                                                               0,    0, 0, 0, 1, 0xff};

bool IsMulticast(const Address& address) { return address.bytes[0] == 0xff; }

bool IsSolicitedNodeGroup(const Address& address) {
  return std::ranges::equal(kSolicitedNodePrefix,
                            std::span(address.bytes).first(kSolicitedNodePrefix.size()));
}

std::uint8_t OptionOf(NdPacket::Kind kind) {
  return kind == NdPacket::Kind::kSolicitation ? ND_OPT_SOURCE_LINKADDR : ND_OPT_TARGET_LINKADDR;
}

std::vector<std::byte> BuildMessage(const NdPacket& packet) {
  PacketWriter message;
  message.U8(static_cast<std::uint8_t>(packet.kind));
  message.U8(0);
  message.U16(0);
  message.U32(packet.solicited ? kSolicited : 0);
  message.Put(packet.target);
  if (packet.mac) {
    message.U8(OptionOf(packet.kind));
    message.U8(1);
    message.Block(std::as_bytes(std::span(*packet.mac)));
  }
  const auto length = static_cast<std::uint32_t>(message.bytes().size());
  const std::uint32_t pseudo =
      PseudoHeaderSum(packet.source, packet.destination, IPPROTO_ICMPV6, length);
  message.SetU16(2, InternetChecksum(message.bytes(), pseudo));
  return std::move(message).Take();
}

// The first option of the type among them, as the kernel takes it (ndisc_parse_options in
// net/ipv6/ndisc.c). False: they are damaged, or it is not an Ethernet's.
bool FindMac(Bytes options, std::uint8_t type, std::optional<route::Mac>& mac) {
  while (!options.empty()) {
    if (options.size() < kOptionHead) return false;
    const std::size_t length = U8At(options, 1) * kOptionUnit;
    if (length == 0 || length > options.size()) return false;
    if (U8At(options, 0) == type && !mac) {
      if (length != kOptionHead + sizeof(route::Mac)) return false;
      std::memcpy(mac.emplace().data(), options.subspan(kOptionHead).data(), sizeof(route::Mac));
    }
    options = options.subspan(length);
  }
  return true;
}

bool IsValid(const NdPacket& packet) {
  if (IsMulticast(packet.target) || IsMulticast(packet.source)) return false;
  if (packet.kind == NdPacket::Kind::kAdvertisement) {
    return !packet.solicited || !IsMulticast(packet.destination);
  }
  const Address unspecified{.family = AddressFamily::kIpv6, .bytes = {}};
  return packet.source != unspecified || (IsSolicitedNodeGroup(packet.destination) && !packet.mac);
}

}  // namespace

std::vector<std::byte> BuildNd(const NdPacket& packet) {
  const std::vector<std::byte> message = BuildMessage(packet);
  PacketWriter writer;
  writer.U32(0x60000000);
  writer.U16(static_cast<std::uint16_t>(message.size()));
  writer.U8(IPPROTO_ICMPV6);
  writer.U8(kHopLimit);
  writer.Put(packet.source);
  writer.Put(packet.destination);
  writer.Block(message);
  return std::move(writer).Take();
}

std::optional<NdPacket> ParseNd(Bytes bytes) {
  if (bytes.size() < kIpv6Header + kMessage || U8At(bytes, 0) >> 4 != 6) return {};
  if (U8At(bytes, 6) != IPPROTO_ICMPV6 || U8At(bytes, 7) != kHopLimit) return {};
  const std::size_t length = U16At(bytes, 4);
  if (length < kMessage || length > bytes.size() - kIpv6Header) return {};
  const Bytes message = bytes.subspan(kIpv6Header, length);
  const std::uint8_t type = U8At(message, 0);
  if (type != ND_NEIGHBOR_SOLICIT && type != ND_NEIGHBOR_ADVERT) return {};
  if (U8At(message, 1) != 0) return {};

  NdPacket packet{.kind = static_cast<NdPacket::Kind>(type),
                  .source = AddressAt(bytes, 8, AddressFamily::kIpv6),
                  .destination = AddressAt(bytes, 24, AddressFamily::kIpv6),
                  .target = AddressAt(message, 8, AddressFamily::kIpv6),
                  .solicited = type == ND_NEIGHBOR_ADVERT && (U32At(message, 4) & kSolicited) != 0,
                  .mac = {}};
  const std::uint32_t pseudo = PseudoHeaderSum(packet.source, packet.destination, IPPROTO_ICMPV6,
                                               static_cast<std::uint32_t>(length));
  if (InternetChecksum(message, pseudo) != 0) return {};
  if (!FindMac(message.subspan(kMessage), OptionOf(packet.kind), packet.mac)) return {};
  if (!IsValid(packet)) return {};
  return packet;
}

Address SolicitedNodeGroup(const Address& address) {
  Address group = address;
  std::ranges::copy(kSolicitedNodePrefix, group.bytes.begin());
  return group;
}

route::Mac MacOfGroup(const Address& group) {
  return {0x33, 0x33, group.bytes[12], group.bytes[13], group.bytes[14], group.bytes[15]};
}

}  // namespace lvs::probes
