#include "collectors/probes/packet_socket.h"

#include <arpa/inet.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace lvs::probes {
namespace {

SocketFault Fault(const char* step, int error_number) {
  return {ReasonOfErrno(error_number), std::string(step) + ": " + strerror(error_number)};
}

sockaddr_ll LinkAddress(int interface, std::uint16_t ether_type) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ether_type);
  address.sll_ifindex = interface;
  return address;
}

}  // namespace

std::variant<Descriptor, SocketFault> OpenPacketSocket(int interface, std::uint16_t ether_type,
                                                       std::span<const sock_filter> filter) {
  // Protocol 0 receives nothing until bind().
  auto opened = OpenSocket(SocketOptions{}, AF_PACKET, SOCK_DGRAM, 0);
  const Descriptor* socket = std::get_if<Descriptor>(&opened);
  if (socket == nullptr) return opened;
  if (!AttachFilter(socket->get(), filter)) return Fault("attach a packet filter", errno);
  const sockaddr_ll address = LinkAddress(interface, ether_type);
  if (bind(socket->get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return Fault("bind a packet socket", errno);
  }
  return opened;
}

LinkState LinkOf(int socket) {
  sockaddr_ll address{};
  socklen_t length = sizeof address;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0 ||
      address.sll_ifindex <= 0) {
    return LinkState::kGone;
  }
  return address.sll_hatype == ARPHRD_ETHER ? LinkState::kEthernet : LinkState::kOther;
}

int SendFrame(int socket, int interface, std::uint16_t ether_type, const route::Mac& destination,
              Bytes packet) {
  sockaddr_ll address = LinkAddress(interface, ether_type);
  address.sll_halen = ETH_ALEN;
  std::memcpy(address.sll_addr, destination.data(), destination.size());
  const ssize_t sent = sendto(socket, packet.data(), packet.size(), MSG_DONTWAIT,
                              reinterpret_cast<const sockaddr*>(&address), sizeof address);
  return sent < 0 ? errno : 0;
}

std::optional<FrameSender> SenderOf(const ReceivedPacket& packet) {
  sockaddr_ll address;
  static_assert(sizeof address <= sizeof packet.sender);
  std::memcpy(&address, &packet.sender, sizeof address);
  if (address.sll_family != AF_PACKET || address.sll_halen != ETH_ALEN) return {};
  FrameSender sender;
  std::memcpy(sender.mac.data(), address.sll_addr, sender.mac.size());
  sender.target =
      address.sll_pkttype == PACKET_HOST ? FrameTarget::kUs
      : address.sll_pkttype == PACKET_BROADCAST || address.sll_pkttype == PACKET_MULTICAST
          ? FrameTarget::kEverybody
          : FrameTarget::kOthers;
  return sender;
}

}  // namespace lvs::probes
