#include "collectors/netlink/framing.h"

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace lvs::netlink {
namespace {

Error Lost(std::string why) { return Error{ErrorCode::kConnection, std::move(why)}; }
Error Malformed(std::string why) { return Error{ErrorCode::kMalformed, std::move(why)}; }

}  // namespace

// The payload of NLMSG_ERROR and NLMSG_DONE begins with 0 or a negative error number.
Result<Progress> Conversation::End(Bytes payload) {
  int status = 0;
  if (payload.size() < sizeof status) return Malformed("an end marker without its status");
  std::memcpy(&status, payload.data(), sizeof status);
  constexpr int kMaxErrno = 4095;  // include/linux/err.h; the bound also makes the negation safe
  final_status_ = -std::clamp(status, -kMaxErrno, 0);
  if (*final_status_ != 0) return KernelError(*final_status_);
  if (interrupted_) return Error{ErrorCode::kInterrupted, "the list changed while it was read"};
  return Progress::kDone;
}

Result<Progress> Conversation::Receive(const Datagram& datagram, const OnMessage& on_message) {
  if (datagram.truncated) return Lost("a datagram was longer than the receive buffer");
  if (datagram.sender_port != 0) {
    return Lost("a datagram came from port " + std::to_string(datagram.sender_port) +
                ", not from the kernel");
  }
  Bytes rest = datagram.bytes;
  while (!rest.empty()) {
    nlmsghdr header;
    if (rest.size() < sizeof header) return Malformed("a message shorter than its header");
    std::memcpy(&header, rest.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > rest.size()) {
      return Malformed("a message of " + std::to_string(header.nlmsg_len) + " bytes where " +
                       std::to_string(rest.size()) + " are left");
    }
    const Bytes payload = rest.subspan(sizeof header, header.nlmsg_len - sizeof header);
    const std::size_t padded = NLMSG_ALIGN(std::size_t{header.nlmsg_len});
    rest = rest.subspan(std::min(padded, rest.size()));

    if (header.nlmsg_type == NLMSG_OVERRUN) return Lost("messages were lost: overrun");
    if (header.nlmsg_seq != expected_.sequence || header.nlmsg_pid != expected_.own_port) {
      return Lost("an answer to another request (sequence " + std::to_string(header.nlmsg_seq) +
                  " of port " + std::to_string(header.nlmsg_pid) + ")");
    }
    if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) interrupted_ = true;

    if (header.nlmsg_type == NLMSG_NOOP) continue;
    if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) {
      return End(payload);
    }
    if (header.nlmsg_type != expected_.family) {
      return Malformed("a message of type " + std::to_string(header.nlmsg_type) +
                       ", not of family " + std::to_string(expected_.family));
    }
    if (payload.size() < GENL_HDRLEN) return Malformed("a message shorter than its family header");
    const Result<void> taken = on_message(payload.subspan(GENL_HDRLEN));
    if (!taken.ok()) return taken.error();
  }
  return Progress::kMore;
}

void EncodeRequest(const Request& request, const Expected& expected, std::uint8_t family_version,
                   std::vector<std::byte>& datagram) {
  struct {
    nlmsghdr netlink;
    genlmsghdr generic;
  } header{};
  static_assert(sizeof header == NLMSG_HDRLEN + GENL_HDRLEN);
  const int kind = request.kind == Request::Kind::kDump ? NLM_F_DUMP : NLM_F_ACK;
  header.netlink.nlmsg_len = static_cast<std::uint32_t>(sizeof header + request.attributes.size());
  header.netlink.nlmsg_type = expected.family;
  header.netlink.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | kind);
  header.netlink.nlmsg_seq = expected.sequence;
  header.netlink.nlmsg_pid = expected.own_port;
  header.generic.cmd = request.command;
  header.generic.version = family_version;
  const Bytes head = std::as_bytes(std::span(&header, 1));
  datagram.assign(head.begin(), head.end());
  datagram.insert(datagram.end(), request.attributes.begin(), request.attributes.end());
}

Error KernelError(int number) {
  switch (number) {
    case EPERM:
    case EACCES:
      return {ErrorCode::kNoPermission,
              "permission denied: CAP_NET_ADMIN in the initial user namespace is needed"};
    case ESRCH:
    case ENOENT:
      return {ErrorCode::kNotFound, "it does not exist"};
    case EOPNOTSUPP:
      return {ErrorCode::kNotSupported, "this kernel does not support the command"};
    case EBUSY:
      return Lost("the kernel is still busy with an earlier request of this socket");
    case ENOBUFS:
    case EMSGSIZE:
      return Lost("messages were lost: no buffer space");
    case ETIMEDOUT:
      return {ErrorCode::kTimeout, "timed out in the kernel"};
    default:
      break;
  }
  const char* name = strerrorname_np(number);
  const char* description = strerrordesc_np(number);
  if (name == nullptr || description == nullptr) {
    return {ErrorCode::kSystem, "unknown kernel error " + std::to_string(number)};
  }
  return {ErrorCode::kSystem, std::string(description) + " (" + name + ")"};
}

Error TimeoutError(Clock::duration waited) {
  char text[48];
  std::snprintf(text, sizeof text, "timed out after %.3g s",
                std::chrono::duration<double>(waited).count());
  return {ErrorCode::kTimeout, text};
}

Error StoppedError() { return {ErrorCode::kStopped, "the exporter is stopping"}; }

}  // namespace lvs::netlink
