#include "collectors/probes/address_claim.h"

#include <linux/if_ether.h>

#include <cassert>

#include "collectors/probes/arp_packet.h"
#include "collectors/probes/nd_packet.h"
#include "collectors/probes/own_address.h"

namespace lvs::probes {
namespace {

using route::Mac;

constexpr Mac kBroadcast = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
constexpr Address kUnspecified6{.family = AddressFamily::kIpv6, .bytes = {}};
constexpr Address kLinkLocal{.family = AddressFamily::kIpv6, .bytes = {0xfe, 0x80}};

Frame BuildArpQuestion(const Address& address, const std::optional<Address>& sender,
                       const Mac& sender_mac) {
  // Without an address of our own from 0.0.0.0, which changes nobody's table either (RFC 5227).
  return {kBroadcast, BuildArp({.operation = ArpPacket::Operation::kRequest,
                                .sender_mac = sender_mac,
                                .sender = sender.value_or(Address{}),
                                .target_mac = {},
                                .target = address})};
}

// From :: it would be duplicate address detection, and a host that is about to take the address
// would give it up (RFC 4862 5.4.3).
std::optional<Frame> BuildNdQuestion(const Address& address, const std::optional<Address>& sender,
                                     const Mac& sender_mac) {
  if (!sender) return {};
  const Address group = SolicitedNodeGroup(address);
  return Frame{MacOfGroup(group), BuildNd({.kind = NdPacket::Kind::kSolicitation,
                                           .source = *sender,
                                           .destination = group,
                                           .target = address,
                                           .solicited = false,
                                           .mac = sender_mac})};
}

std::optional<AddressClaim> ParseArpClaim(Bytes packet, const FrameSender& frame) {
  const std::optional<ArpPacket> arp = ParseArp(packet);
  if (!arp) return {};
  const bool answers =
      arp->operation == ArpPacket::Operation::kReply && frame.target == FrameTarget::kUs;
  return AddressClaim{arp->sender, arp->sender_mac,
                      answers ? ArpLeak::Kind::kAnswers : ArpLeak::Kind::kAnnounces};
}

// A solicitation claims its source, an advertisement its target. One from :: claims nothing: it is
// duplicate address detection, whose address is not yet its sender's (RFC 4862 5.4), and nobody
// remembers anything of it (RFC 4861 7.2.3). Who takes the address after it will answer.
std::optional<AddressClaim> ParseNdClaim(Bytes packet, const FrameSender& frame) {
  const std::optional<NdPacket> nd = ParseNd(packet);
  if (!nd) return {};
  const Mac mac = nd->mac.value_or(frame.mac);
  if (nd->kind == NdPacket::Kind::kSolicitation) {
    if (nd->source == kUnspecified6) return {};
    return AddressClaim{nd->source, mac, ArpLeak::Kind::kAnnounces};
  }
  const bool answers = nd->solicited && frame.target == FrameTarget::kUs;
  return AddressClaim{nd->target, mac,
                      answers ? ArpLeak::Kind::kAnswers : ArpLeak::Kind::kAnnounces};
}

}  // namespace

std::uint16_t EtherTypeOf(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? ETH_P_ARP : ETH_P_IPV6;
}

std::optional<Address> ChooseSender(const route::Route& to_server, const Address& server,
                                    const std::vector<route::InterfaceAddress>& own,
                                    const std::set<Address>& vips) {
  const std::vector<Address> forbidden(vips.begin(), vips.end());
  const auto choose = [&](const Address& peer) {
    return ChooseSource(own, to_server.interface, peer, forbidden);
  };
  if (server.family == AddressFamily::kIpv4) {
    if (to_server.source && !vips.contains(*to_server.source)) return to_server.source;
    return choose(server);
  }
  // As the kernel asks for itself (ndisc_send_ns in net/ipv6/ndisc.c): the sender must be of this
  // interface (RFC 4861 4.3), and this one stays where VRRP moves others.
  const std::optional<Address> link_local = choose(kLinkLocal);
  return link_local ? link_local : choose(server);
}

std::optional<Frame> BuildQuestion(const Address& address, const std::optional<Address>& sender,
                                   const Mac& sender_mac) {
  assert((!sender || sender->family == address.family) && "one packet, one family");
  return address.family == AddressFamily::kIpv4 ? BuildArpQuestion(address, sender, sender_mac)
                                                : BuildNdQuestion(address, sender, sender_mac);
}

std::optional<AddressClaim> ParseClaim(AddressFamily family, Bytes packet,
                                       const FrameSender& frame) {
  if (frame.target == FrameTarget::kOthers) return {};
  return family == AddressFamily::kIpv4 ? ParseArpClaim(packet, frame)
                                        : ParseNdClaim(packet, frame);
}

}  // namespace lvs::probes
