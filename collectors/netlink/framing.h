// Generic netlink framing: requests into datagrams, datagrams into messages, error numbers into
// errors. Pure: no socket and no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "collectors/bytes.h"
#include "collectors/clock.h"
#include "collectors/netlink/transport.h"
#include "collectors/result.h"

namespace lvs::netlink {

// What marks a message as the answer to one request.
struct Expected {
  std::uint16_t family = 0;    // message type: the family's dynamic id
  std::uint32_t sequence = 0;  // the request's
  std::uint32_t own_port = 0;  // port id of the socket that asked
};

// One datagram as it was received.
struct Datagram {
  Bytes bytes;
  std::uint32_t sender_port = 0;  // 0 is the kernel
  bool truncated = false;         // MSG_TRUNC: it was longer than the buffer
};

enum class Progress { kMore, kDone };

// Follows one exchange from datagram to datagram. One thread.
class Conversation {
 public:
  explicit Conversation(const Expected& expected) : expected_(expected) {}

  // Gives the messages of the next datagram to on_message. kDone after the end marker of a dump or
  // the acknowledgement of a single request: nothing more will come.
  // Errors: what the kernel answered (see KernelError); what on_message returned; kInterrupted, at
  // the end of a dump during which the kernel set NLM_F_DUMP_INTR; kConnection for a cut datagram,
  // a sender other than the kernel, a foreign sequence or port, an overrun; kMalformed for a length
  // outside the datagram, an unknown message type or a message shorter than its header.
  Result<Progress> Receive(const Datagram& datagram, const OnMessage& on_message);

  // The error number (positive), or 0 for success, with which the kernel ended the exchange. Absent
  // while it has not: then more may come, and the socket cannot be used for another exchange.
  const std::optional<int>& final_status() const { return final_status_; }

 private:
  Result<Progress> End(Bytes payload);

  Expected expected_;
  bool interrupted_ = false;
  std::optional<int> final_status_;
};

// The bytes of a request to the family, replacing what is in datagram. A single request asks for an
// acknowledgement, so that every exchange has an end.
void EncodeRequest(const Request& request, const Expected& expected, std::uint8_t family_version,
                   std::vector<std::byte>& datagram);

// What a kernel error number (positive, errno.h) means here. EPERM and EACCES: kNoPermission, since
// IPVS wants CAP_NET_ADMIN in the initial user namespace for every command (genl_rcv_msg in
// net/netlink/genetlink.c). ESRCH, ENOENT: kNotFound. EOPNOTSUPP: kNotSupported. EBUSY, ENOBUFS,
// EMSGSIZE: kConnection. ETIMEDOUT: kTimeout. Others: kSystem.
Error KernelError(int number);

// kTimeout: "timed out after 2 s".
Error TimeoutError(Clock::duration waited);

// kStopped: "the exporter is stopping".
Error StoppedError();

}  // namespace lvs::netlink
