#include "collectors/netlink/answer.h"

#include <linux/netlink.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>

namespace lvs::netlink {
namespace {

Error Malformed(std::string why) { return {ErrorCode::kMalformed, std::move(why)}; }

}  // namespace

// The payload of NLMSG_ERROR and NLMSG_DONE begins with 0 or a negative error number.
Result<Progress> Answer::End(Bytes payload) const {
  int status = 0;
  if (payload.size() < sizeof status) return Malformed("an end marker without its status");
  std::memcpy(&status, payload.data(), sizeof status);
  constexpr int kMaxErrno = 4095;  // include/linux/err.h; the bound also makes the negation safe
  if (status != 0) return explain_(-std::clamp(status, -kMaxErrno, -1), expected_.type);
  if (interrupted_) return Error{ErrorCode::kInterrupted, "the list changed while it was read"};
  return Progress::kDone;
}

Result<Progress> Answer::Receive(Bytes datagram, const OnMessage& on_message) {
  while (!datagram.empty()) {
    nlmsghdr header;
    if (datagram.size() < sizeof header) return Malformed("a message shorter than its header");
    std::memcpy(&header, datagram.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > datagram.size()) {
      return Malformed("a message of " + std::to_string(header.nlmsg_len) + " bytes where " +
                       std::to_string(datagram.size()) + " are left");
    }
    const Bytes payload = datagram.subspan(sizeof header, header.nlmsg_len - sizeof header);
    const std::size_t padded = NLMSG_ALIGN(std::size_t{header.nlmsg_len});
    datagram = datagram.subspan(std::min(padded, datagram.size()));

    if (header.nlmsg_type == NLMSG_OVERRUN) {
      return Error{ErrorCode::kConnection, "messages were lost: overrun"};
    }
    if (header.nlmsg_seq != expected_.sequence || header.nlmsg_pid != expected_.own_port) {
      return Error{ErrorCode::kConnection, "an answer to another request (sequence " +
                                               std::to_string(header.nlmsg_seq) + " of port " +
                                               std::to_string(header.nlmsg_pid) + ")"};
    }
    if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) interrupted_ = true;
    if (header.nlmsg_type == NLMSG_NOOP) continue;
    if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) return End(payload);
    if (header.nlmsg_type != expected_.type) {
      return Malformed("a message of type " + std::to_string(header.nlmsg_type) + ", not " +
                       std::to_string(expected_.type));
    }
    if (Result<void> taken = on_message(payload); !taken.ok()) return taken.error();
  }
  return Progress::kMore;
}

}  // namespace lvs::netlink
