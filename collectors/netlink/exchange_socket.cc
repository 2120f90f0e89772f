#include "collectors/netlink/exchange_socket.h"

#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <span>
#include <string>
#include <utility>

namespace lvs::netlink {
namespace {

// The kernel builds no larger datagram (netlink_recvmsg in net/netlink/af_netlink.c, Linux 6.1).
constexpr std::size_t kDatagramSize = 32768;

static_assert(Question::kSingle == (NLM_F_REQUEST | NLM_F_ACK));
static_assert(Question::kDump == (NLM_F_REQUEST | NLM_F_DUMP));

}  // namespace

Result<void> ExchangeSocket::Open(std::uint16_t answer) {
  Descriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol_));
  if (!socket.valid()) return explain_(errno, answer);
  sockaddr_nl own{};
  own.nl_family = AF_NETLINK;
  socklen_t length = sizeof own;
  if (bind(socket.get(), reinterpret_cast<sockaddr*>(&own), sizeof own) != 0 ||
      getsockname(socket.get(), reinterpret_cast<sockaddr*>(&own), &length) != 0) {
    return explain_(errno, answer);
  }
  own_port_ = own.nl_pid;
  buffer_.resize(kDatagramSize);
  socket_ = std::move(socket);
  return {};
}

// A socket with an unfinished exchange could give its rest to the next one: it goes with the error.
Result<void> ExchangeSocket::Exchange(const Question& question, const OnMessage& on_message) {
  if (!socket_.valid()) {
    if (Result<void> opened = Open(question.answer); !opened.ok()) return opened;
  }
  const Deadline deadline = Clock::now() + patience_;
  ++sequence_;
  Result<void> done = Send(question);
  if (done.ok()) done = ReceiveAll(question, deadline, on_message);
  if (!done.ok() && done.error().code != ErrorCode::kNotFound) socket_ = Descriptor();
  return done;
}

Result<void> ExchangeSocket::Send(const Question& question) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(sizeof header + question.body.size());
  header.nlmsg_type = question.type;
  header.nlmsg_flags = question.flags;
  header.nlmsg_seq = sequence_;
  header.nlmsg_pid = own_port_;
  const Bytes head = std::as_bytes(std::span(&header, 1));
  std::vector<std::byte> datagram(head.begin(), head.end());
  datagram.insert(datagram.end(), question.body.begin(), question.body.end());
  while (send(socket_.get(), datagram.data(), datagram.size(), 0) < 0) {
    if (errno != EINTR) return explain_(errno, question.answer);
  }
  return {};
}

// The kernel has put the answer, or the first part of a dump, into the socket before send()
// returns; poll() is for the day it does not. What is there is read however late it is: it may be
// this process that was stopped, or send() that waited for a lock of the kernel.
Result<void> ExchangeSocket::ReceiveAll(const Question& question, Deadline deadline,
                                        const OnMessage& on_message) {
  Answer answer({.type = question.answer, .sequence = sequence_, .own_port = own_port_}, explain_);
  while (true) {
    sockaddr_nl sender{};
    socklen_t sender_length = sizeof sender;
    const ssize_t length =
        recvfrom(socket_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT | MSG_TRUNC,
                 reinterpret_cast<sockaddr*>(&sender), &sender_length);
    if (length < 0 && errno != EINTR && errno != EAGAIN) return explain_(errno, question.answer);
    if (length > static_cast<ssize_t>(buffer_.size())) {
      return Error{ErrorCode::kConnection, "a datagram was longer than the receive buffer"};
    }
    if (length > 0 && sender.nl_pid == 0) {  // others than the kernel may send here, unasked
      const Bytes datagram = Bytes(buffer_).first(static_cast<std::size_t>(length));
      const Result<Progress> progress = answer.Receive(datagram, on_message);
      if (!progress.ok()) return progress.error();
      if (progress.value() == Progress::kDone) return {};
      continue;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) {
      const auto patience = std::chrono::ceil<std::chrono::milliseconds>(patience_);
      return Error{ErrorCode::kTimeout,
                   "timed out after " + std::to_string(patience.count()) + " ms"};
    }
    if (length > 0) continue;
    pollfd waiting{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, static_cast<int>(left.count())) < 0 && errno != EINTR) {
      return explain_(errno, question.answer);
    }
  }
}

}  // namespace lvs::netlink
