#include "collectors/probes/raw_socket.h"

#include <netinet/in.h>
#include <sys/random.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace lvs::probes {
namespace {

std::chrono::nanoseconds ToDuration(const timespec& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::optional<std::chrono::nanoseconds> TimeOf(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec time{};
    std::memcpy(&time, CMSG_DATA(part), sizeof time);
    return ToDuration(time);
  }
  return {};
}

}  // namespace

bool AttachFilter(int socket, std::span<const sock_filter> program) {
  const sock_fprog filter{.len = static_cast<unsigned short>(program.size()),
                          .filter = const_cast<sock_filter*>(program.data())};
  return setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
}

Received ReceivePacket(int socket, std::span<std::byte> buffer, ReceivedPacket& packet) {
  alignas(cmsghdr) std::byte control[CMSG_SPACE(sizeof(timespec))];
  iovec piece{.iov_base = buffer.data(), .iov_len = buffer.size()};
  packet = {};
  msghdr message{};
  message.msg_name = &packet.sender;
  message.msg_namelen = sizeof packet.sender;
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t length = -1;
  do {
    length = recvmsg(socket, &message, MSG_DONTWAIT);
  } while (length < 0 && errno == EINTR);
  if (length < 0) return errno == EAGAIN ? Received::kNothing : Received::kFault;
  packet.bytes = buffer.first(std::min(static_cast<std::size_t>(length), buffer.size()));
  packet.time = TimeOf(message);
  return Received::kPacket;
}

std::chrono::nanoseconds SystemTime() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return ToDuration(now);
}

void FillRandom(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t length = getrandom(bytes.data(), bytes.size(), 0);
    if (length > 0) bytes = bytes.subspan(static_cast<std::size_t>(length));
  }
}

socklen_t ToSocketAddress(const Address& address, std::uint16_t port, int interface,
                          sockaddr_storage& storage) {
  storage = {};
  if (address.family == AddressFamily::kIpv4) {
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(port);
    std::memcpy(&ipv4.sin_addr, address.bytes.data(), sizeof ipv4.sin_addr);
    std::memcpy(&storage, &ipv4, sizeof ipv4);
    return sizeof ipv4;
  }
  sockaddr_in6 ipv6{};
  ipv6.sin6_family = AF_INET6;
  ipv6.sin6_port = htons(port);
  std::memcpy(&ipv6.sin6_addr, address.bytes.data(), sizeof ipv6.sin6_addr);
  if (IN6_IS_ADDR_LINKLOCAL(&ipv6.sin6_addr)) {
    ipv6.sin6_scope_id = static_cast<std::uint32_t>(interface);
  }
  std::memcpy(&storage, &ipv6, sizeof ipv6);
  return sizeof ipv6;
}

}  // namespace lvs::probes
