#include "collectors/probes/connect_error.h"

// Before linux/errqueue.h, which wants struct timespec.
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

namespace lvs::probes {
namespace {

void SetReceiveErrors(int descriptor, const Address& peer, int on) {
  const bool is_v6 = peer.family == AddressFamily::kIpv6;
  // Without it the reason is less exact, and that is all.
  setsockopt(descriptor, is_v6 ? IPPROTO_IPV6 : IPPROTO_IP, is_v6 ? IPV6_RECVERR : IP_RECVERR, &on,
             sizeof on);
}

// Of a sockaddr_in or sockaddr_in6; absent for any other.
std::optional<Address> AddressIn(const sockaddr_storage& name) {
  Address address;
  if (name.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(name);
    std::memcpy(address.bytes.data(), &v4.sin_addr, sizeof v4.sin_addr);
    return address;
  }
  if (name.ss_family != AF_INET6) return std::nullopt;
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(name);
  address.family = AddressFamily::kIpv6;
  std::memcpy(address.bytes.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
  return address;
}

// The address that the socket was connecting from.
std::optional<Address> OwnAddress(int descriptor) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&name), &size) != 0) return std::nullopt;
  return AddressIn(name);
}

struct Received {
  IcmpError error;
  std::optional<Address> from;
};

std::optional<Received> FromControl(const cmsghdr& header) {
  const bool is_error = (header.cmsg_level == IPPROTO_IP && header.cmsg_type == IP_RECVERR) ||
                        (header.cmsg_level == IPPROTO_IPV6 && header.cmsg_type == IPV6_RECVERR);
  sock_extended_err error{};
  if (!is_error || header.cmsg_len < CMSG_LEN(sizeof error)) return std::nullopt;
  std::memcpy(&error, CMSG_DATA(&header), sizeof error);
  Received received{{AddressFamily::kIpv4, error.ee_type, error.ee_code}, std::nullopt};
  if (error.ee_origin == SO_EE_ORIGIN_ICMP6) {
    received.error.family = AddressFamily::kIpv6;
  } else if (error.ee_origin != SO_EE_ORIGIN_ICMP) {
    return std::nullopt;
  }
  // Its sender's address follows (SO_EE_OFFENDER).
  sockaddr_storage sender{};
  const std::size_t length = header.cmsg_len - CMSG_LEN(sizeof error);
  std::memcpy(&sender, CMSG_DATA(&header) + sizeof error, std::min(length, sizeof sender));
  received.from = AddressIn(sender);
  return received;
}

}  // namespace

void KeepIcmpErrors(int descriptor, const Address& peer) { SetReceiveErrors(descriptor, peer, 1); }

void DropIcmpErrors(int descriptor, const Address& peer) { SetReceiveErrors(descriptor, peer, 0); }

std::optional<IcmpError> TakeIcmpError(int descriptor, const Address& peer) {
  std::optional<IcmpError> newest;
  const std::optional<Address> own = OwnAddress(descriptor);
  // The kernel keeps what fits into the receive buffer; more than this a connect cannot collect.
  for (int i = 0; i < 16; ++i) {
    alignas(cmsghdr) char control[512];
    char quoted[128];
    iovec payload{quoted, sizeof quoted};
    msghdr message{};
    message.msg_iov = &payload;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (recvmsg(descriptor, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) break;
    for (cmsghdr* at = CMSG_FIRSTHDR(&message); at != nullptr; at = CMSG_NXTHDR(&message, at)) {
      const auto received = FromControl(*at);
      if (!received.has_value()) continue;
      newest = received->error;
      newest->from_here = received->from.has_value() && received->from == own && own != peer;
    }
  }
  return newest;
}

bool IsFromPacketFilter(const IcmpError& error) {
  if (error.family == AddressFamily::kIpv4) {
    return error.type == ICMP_DEST_UNREACH &&
           (error.code == ICMP_PORT_UNREACH || error.code == ICMP_NET_ANO ||
            error.code == ICMP_HOST_ANO || error.code == ICMP_PKT_FILTERED);
  }
  constexpr std::uint8_t kPolicyFailed = 5;  // RFC 4443, section 3.1
  constexpr std::uint8_t kRejectRoute = 6;
  return error.type == ICMP6_DST_UNREACH &&
         (error.code == ICMP6_DST_UNREACH_ADMIN || error.code == ICMP6_DST_UNREACH_NOPORT ||
          error.code == kPolicyFailed || error.code == kRejectRoute);
}

SocketFault ConnectFault(int error_number, const std::optional<IcmpError>& icmp) {
  const std::string text = std::string("connect: ") + std::strerror(error_number);
  if (icmp.has_value()) {
    const std::string detail =
        text + (icmp->family == AddressFamily::kIpv6 ? " (ICMPv6 type " : " (ICMP type ") +
        std::to_string(icmp->type) + " code " + std::to_string(icmp->code) + ")";
    if (IsFromPacketFilter(*icmp)) {
      if (icmp->from_here) return {Reason::kLocalConfig, detail + " from a filter of this host"};
      return {Reason::kConnectProhibited, detail};
    }
    const Reason reason = ReasonOfErrno(error_number);
    // Whatever number the kernel made of it, it came over the network.
    return {IsLocal(reason) ? Reason::kHostUnreachable : reason, detail};
  }
  switch (error_number) {
    case EPERM:
      return {Reason::kLocalConfig, text + " (a filter of this host forbids it)"};
    // What fib_props of net/ipv4/fib_semantics.c makes of such routes, IPv6 alike. The server
    // cannot be reached, as with no route at all.
    case EACCES:
      return {Reason::kNetUnreachable, text + " (a route of type prohibit)"};
    case EINVAL:
      return {Reason::kNetUnreachable, text + " (a route of type blackhole)"};
    default:
      return {ReasonOfErrno(error_number), text};
  }
}

}  // namespace lvs::probes
