// The answer to one request over netlink (netlink(7)), of any protocol but generic netlink, which
// has a header of its own (framing.h): datagrams into messages. Pure: no socket and no clock.
#pragma once

#include <cstdint>

#include "collectors/bytes.h"
#include "collectors/netlink/framing.h"
#include "collectors/netlink/transport.h"
#include "collectors/result.h"

namespace lvs::netlink {

// What marks a message as part of the answer to one request.
struct ExpectedAnswer {
  std::uint16_t type = 0;      // RTM_NEWROUTE and its like
  std::uint32_t sequence = 0;  // the request's
  std::uint32_t own_port = 0;  // port id of the socket that asked
};

// What a kernel error number (positive, errno.h) means where answers of the given type are awaited.
using ExplainError = Error (*)(int number, std::uint16_t answer);

// Follows one exchange from datagram to datagram. One thread.
class Answer {
 public:
  Answer(const ExpectedAnswer& expected, ExplainError explain)
      : expected_(expected), explain_(explain) {}

  // Gives the messages of the next datagram to on_message, without their netlink headers. kDone
  // after the end marker of a dump or the acknowledgement of a single request.
  // Errors: what the kernel answered, explained; what on_message returned; kInterrupted at the end
  // of a dump that the kernel marked NLM_F_DUMP_INTR; kMalformed for a length outside the datagram
  // or an unknown type; kConnection for a message of another exchange.
  Result<Progress> Receive(Bytes datagram, const OnMessage& on_message);

 private:
  Result<Progress> End(Bytes payload) const;

  ExpectedAnswer expected_;
  ExplainError explain_;
  bool interrupted_ = false;
};

}  // namespace lvs::netlink
