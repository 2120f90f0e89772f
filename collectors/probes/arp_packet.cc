#include "collectors/probes/arp_packet.h"

#include <linux/if_ether.h>
#include <net/if_arp.h>

#include <cstring>
#include <utility>

#include "collectors/probes/packet.h"

namespace lvs::probes {
namespace {

constexpr std::size_t kLength = 28;  // two hardware and two IPv4 addresses behind 8 bytes

route::Mac MacAt(Bytes bytes, std::size_t offset) {
  route::Mac mac{};
  const Bytes part = bytes.subspan(offset, mac.size());
  std::memcpy(mac.data(), part.data(), part.size());
  return mac;
}

}  // namespace

std::vector<std::byte> BuildArp(const ArpPacket& packet) {
  PacketWriter writer;
  writer.U16(ARPHRD_ETHER);
  writer.U16(ETH_P_IP);
  writer.U8(static_cast<std::uint8_t>(packet.sender_mac.size()));
  writer.U8(static_cast<std::uint8_t>(AddressLength(AddressFamily::kIpv4)));
  writer.U16(static_cast<std::uint16_t>(packet.operation));
  writer.Block(std::as_bytes(std::span(packet.sender_mac)));
  writer.Put(packet.sender);
  writer.Block(std::as_bytes(std::span(packet.target_mac)));
  writer.Put(packet.target);
  return std::move(writer).Take();
}

std::optional<ArpPacket> ParseArp(Bytes bytes) {
  if (bytes.size() < kLength) return {};
  if (U16At(bytes, 0) != ARPHRD_ETHER || U16At(bytes, 2) != ETH_P_IP) return {};
  if (U8At(bytes, 4) != 6 || U8At(bytes, 5) != 4) return {};
  const std::uint16_t operation = U16At(bytes, 6);
  if (operation != ARPOP_REQUEST && operation != ARPOP_REPLY) return {};
  return ArpPacket{.operation = static_cast<ArpPacket::Operation>(operation),
                   .sender_mac = MacAt(bytes, 8),
                   .sender = AddressAt(bytes, 14, AddressFamily::kIpv4),
                   .target_mac = MacAt(bytes, 18),
                   .target = AddressAt(bytes, 24, AddressFamily::kIpv4)};
}

}  // namespace lvs::probes
