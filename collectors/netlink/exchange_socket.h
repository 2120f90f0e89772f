// A netlink socket for questions to the kernel, of any protocol but generic netlink (kernel.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "collectors/bytes.h"
#include "collectors/clock.h"
#include "collectors/descriptor.h"
#include "collectors/netlink/answer.h"
#include "collectors/result.h"

namespace lvs::netlink {

// One request: a single one asks for an acknowledgement, so that every exchange has an end.
struct Question {
  static constexpr std::uint16_t kSingle = 0x0005;  // NLM_F_REQUEST | NLM_F_ACK
  static constexpr std::uint16_t kDump = 0x0301;    // NLM_F_REQUEST | NLM_F_DUMP

  std::uint16_t type = 0;    // RTM_GETROUTE and its like
  std::uint16_t answer = 0;  // of the messages that come: RTM_NEWROUTE
  std::uint16_t flags = kSingle;
  Bytes body;  // what follows the netlink header
};

// Asks the network namespace in which the first question is put. Owned by one thread.
class ExchangeSocket {
 public:
  // protocol: NETLINK_ROUTE and its like. patience: the longest wait of one exchange.
  ExchangeSocket(int protocol, Clock::duration patience, ExplainError explain)
      : protocol_(protocol), patience_(patience), explain_(explain) {}

  // Sends the question and gives every message of the answer to on_message, until its end.
  // Errors: those of Answer, kTimeout, and what explain makes of failed system calls. After any
  // error but kNotFound the socket is opened anew by the next question.
  Result<void> Exchange(const Question& question, const OnMessage& on_message);

 private:
  Result<void> Open(std::uint16_t answer);
  Result<void> Send(const Question& question);
  Result<void> ReceiveAll(const Question& question, Deadline deadline, const OnMessage& on_message);

  int protocol_;
  Clock::duration patience_;
  ExplainError explain_;
  Descriptor socket_;
  std::uint32_t own_port_ = 0;
  std::uint32_t sequence_ = 0;
  std::vector<std::byte> buffer_;  // of one datagram, allocated with the socket
};

}  // namespace lvs::netlink
