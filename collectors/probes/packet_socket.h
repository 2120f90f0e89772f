// Sockets that see and send what follows the Ethernet header, on one interface (packet(7)).
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "collectors/bytes.h"
#include "collectors/probes/raw_socket.h"
#include "collectors/probes/socket.h"
#include "collectors/route/types.h"

namespace lvs::probes {

// A socket that receives what arrives on the interface with the EtherType (host order), and passes
// the filter from its first packet on. It never sees what this host sends: the kernel shows that
// to sockets of all types only (dev_queue_xmit_nit in net/core/dev.c). Needs CAP_NET_RAW.
std::variant<Descriptor, SocketFault> OpenPacketSocket(int interface, std::uint16_t ether_type,
                                                       std::span<const sock_filter> filter);

// Whether the socket's interface is still there (packet_notifier in net/packet/af_packet.c takes it
// away), and an Ethernet.
enum class LinkState { kEthernet, kOther, kGone };
LinkState LinkOf(int socket);

// Sends what follows the Ethernet header, without waiting; the kernel writes the header, from the
// interface's own MAC. 0 or an error number.
int SendFrame(int socket, int interface, std::uint16_t ether_type, const route::Mac& destination,
              Bytes packet);

// Whom the frame was for, of those that arrive here.
enum class FrameTarget { kUs, kEverybody, kOthers };

struct FrameSender {
  route::Mac mac{};
  FrameTarget target = FrameTarget::kOthers;
};

// From a received packet's sender; empty if it has no Ethernet address.
std::optional<FrameSender> SenderOf(const ReceivedPacket& packet);

}  // namespace lvs::probes
