#include "collectors/netlink/kernel.h"

#include <linux/genetlink.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <limits>
#include <optional>
#include <utility>

#include "collectors/netlink/attributes.h"

namespace lvs::netlink {
namespace {

constexpr std::uint8_t kControllerVersion = 2;  // of the family "nlctrl"; the kernel ignores it

Error TimedOut(Clock::time_point start, Deadline deadline) {
  return TimeoutError(std::max(deadline - start, Clock::duration::zero()));
}

int MillisecondsUntil(Deadline end) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

// After these statuses the socket has nothing pending and the next request may be answered
// otherwise. EPERM is not among them: the capability is checked for the moment the socket was
// opened, too.
bool LeavesSocketUsable(int status) {
  return status == 0 || status == ENOENT || status == ESRCH || status == EOPNOTSUPP;
}

}  // namespace

void KernelTransport::CloseSocket::operator()(nl_sock* socket) const { nl_socket_free(socket); }

// Room for one recvmmsg, allocated once.
class KernelTransport::ReceiveBuffers {
 public:
  // Data and end marker of a backend dump are two datagrams; a dump of 1,000 services is twelve.
  static constexpr unsigned kCount = 8;
  // The kernel builds no larger one (netlink_recvmsg in net/netlink/af_netlink.c, Linux 6.1).
  static constexpr std::size_t kSize = 32768;

  ReceiveBuffers() : memory_(std::make_unique_for_overwrite<std::byte[]>(kCount * kSize)) {
    for (std::size_t i = 0; i < kCount; ++i) {
      pieces_[i] = {memory_.get() + i * kSize, kSize};
      headers_[i].msg_hdr.msg_iov = &pieces_[i];
      headers_[i].msg_hdr.msg_iovlen = 1;
      headers_[i].msg_hdr.msg_name = &senders_[i];
    }
  }

  // What recvmmsg gives: the number of datagrams, or -1 and errno (EAGAIN: none is there).
  int Fill(int fd) {
    for (mmsghdr& header : headers_) header.msg_hdr.msg_namelen = sizeof(sockaddr_nl);
    return recvmmsg(fd, headers_.data(), kCount, MSG_DONTWAIT, nullptr);
  }

  Datagram At(std::size_t i) const {
    const mmsghdr& header = headers_[i];
    return {.bytes = Bytes(memory_.get() + i * kSize, std::min<std::size_t>(header.msg_len, kSize)),
            .sender_port = senders_[i].nl_pid,
            .truncated = (header.msg_hdr.msg_flags & MSG_TRUNC) != 0};
  }

 private:
  const std::unique_ptr<std::byte[]> memory_;
  std::array<mmsghdr, kCount> headers_{};
  std::array<iovec, kCount> pieces_{};
  std::array<sockaddr_nl, kCount> senders_{};
};

// Once raised it stays so. Any thread.
class KernelTransport::StopSignal {
 public:
  StopSignal() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~StopSignal() {
    if (fd_ >= 0) close(fd_);
  }
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  void Raise() {
    raised_ = true;
    if (fd_ >= 0) eventfd_write(fd_, 1);
  }
  bool raised() const { return raised_; }
  // Readable once raised. -1 when the process was out of descriptors: poll() passes over that, and
  // a wait ends with its deadline.
  int fd() const { return fd_; }

 private:
  const int fd_;
  std::atomic<bool> raised_ = false;
};

KernelTransport::KernelTransport(std::string family, std::uint8_t version)
    : family_name_(std::move(family)),
      family_version_(version),
      buffers_(std::make_unique<ReceiveBuffers>()),
      stop_(std::make_unique<StopSignal>()) {}

KernelTransport::~KernelTransport() = default;

void KernelTransport::Stop() { stop_->Raise(); }

Result<void> KernelTransport::Exchange(const Request& request, const Patience& patience,
                                       const OnMessage& on_message) {
  const Attempt attempt = {Clock::now(), patience};
  if (stop_->raised()) return StoppedError();
  if (attempt.start >= patience.deadline) return TimedOut(attempt.start, patience.deadline);
  if (!socket_) {
    if (Result<void> opened = Open(); !opened.ok()) return opened;
  }
  const bool looked_up_now = family_ == 0;
  if (looked_up_now) {
    if (Result<void> found = FindFamily(attempt); !found.ok()) return found;
  }
  const std::uint16_t family = family_;
  Result<int> status = ExchangeOnce(request, family, family_version_, attempt, on_message);
  if (status.ok() && status.value() == ENOENT && !looked_up_now) {
    if (Result<void> found = FindFamily(attempt); !found.ok()) return found;
    if (family_ != family) {
      status = ExchangeOnce(request, family_, family_version_, attempt, on_message);
    }
  }
  if (!status.ok()) return status.error();
  if (status.value() != 0) return KernelError(status.value());
  return {};
}

Result<void> KernelTransport::Open() {
  socket_.reset(nl_socket_alloc());
  if (!socket_) return Error{ErrorCode::kSystem, "cannot allocate a netlink socket"};
  const int status = genl_connect(socket_.get());
  if (status < 0) {
    socket_.reset();
    const bool refused = status == -NLE_PERM || status == -NLE_NOACCESS;
    return Error{refused ? ErrorCode::kNoPermission : ErrorCode::kSystem,
                 std::string("cannot open a netlink socket: ") + nl_geterror(status)};
  }
  fd_ = nl_socket_get_fd(socket_.get());
  own_port_ = nl_socket_get_local_port(socket_.get());
  return {};
}

Result<void> KernelTransport::FindFamily(const Attempt& attempt) {
  family_ = 0;
  std::uint16_t found = 0;
  const Request list = {CTRL_CMD_GETFAMILY, Request::Kind::kDump, {}};
  const auto compare = [&](Bytes attributes) {
    std::uint16_t id = 0;
    std::string_view name;
    AttributeReader reader(attributes);
    while (reader.Next()) {
      if (reader.type() == CTRL_ATTR_FAMILY_ID) id = reader.U16();
      if (reader.type() == CTRL_ATTR_FAMILY_NAME) name = reader.Text(GENL_NAMSIZ);
    }
    if (reader.ok() && name == family_name_) found = id;
    return reader.result();
  };
  const Result<int> status = ExchangeOnce(list, GENL_ID_CTRL, kControllerVersion, attempt, compare);
  if (!status.ok()) return status.error();
  if (status.value() != 0) return KernelError(status.value());
  if (found == 0) {
    return Error{ErrorCode::kModuleAbsent,
                 "the kernel has no generic netlink family \"" + family_name_ + "\""};
  }
  family_ = found;
  return {};
}

Result<int> KernelTransport::ExchangeOnce(const Request& request, std::uint16_t family,
                                          std::uint8_t version, const Attempt& attempt,
                                          const OnMessage& on_message) {
  const Expected expected = {family, ++sequence_, own_port_};
  EncodeRequest(request, expected, version, request_);
  const Result<int> status = SendAndReceive(expected, attempt, on_message);
  if (!status.ok() || !LeavesSocketUsable(status.value())) socket_.reset();
  return status;
}

Result<int> KernelTransport::SendAndReceive(const Expected& expected, const Attempt& attempt,
                                            const OnMessage& on_message) {
  if (Result<void> sent = Send(); !sent.ok()) return sent.error();
  Conversation conversation(expected);
  while (true) {
    const Result<std::size_t> count = Receive(attempt);
    if (!count.ok()) return count.error();
    for (std::size_t i = 0; i < count.value(); ++i) {
      const Result<Progress> progress = conversation.Receive(buffers_->At(i), on_message);
      const std::optional<int>& status = conversation.final_status();
      if (status.has_value() && *status != 0) return *status;
      if (!progress.ok()) return progress.error();
      if (progress.value() == Progress::kDone) return 0;
    }
    if (stop_->raised()) return StoppedError();
    const Deadline deadline = attempt.patience.deadline;
    if (Clock::now() >= deadline) return TimedOut(attempt.start, deadline);
  }
}

// To the kernel: a socket that is not connected to a port sends to port 0.
Result<void> KernelTransport::Send() {
  while (true) {
    if (send(fd_, request_.data(), request_.size(), 0) >= 0) return {};
    if (errno != EINTR) return KernelError(errno);
  }
}

Result<std::size_t> KernelTransport::Receive(const Attempt& attempt) {
  // Looked at only when there is something to wait for: the answer is nearly always there when
  // send() returns, and reading the clock can cost as much as a system call.
  std::optional<Clock::time_point> waiting_since;
  while (true) {
    const int count = buffers_->Fill(fd_);
    if (count > 0) return static_cast<std::size_t>(count);
    if (count == 0 || errno == EINTR) continue;
    if (errno != EAGAIN) return KernelError(errno);
    if (!waiting_since) waiting_since = Clock::now();
    if (Result<void> ready = WaitForData(attempt, *waiting_since); !ready.ok()) {
      return ready.error();
    }
  }
}

Result<void> KernelTransport::WaitForData(const Attempt& attempt, Clock::time_point waiting_since) {
  const auto& [deadline, silence] = attempt.patience;
  // In this order: the longest silence is longer than the clock can count from now.
  const bool silence_first = waiting_since < deadline && silence < deadline - waiting_since;
  const Clock::time_point end = silence_first ? waiting_since + silence : deadline;
  if (Clock::now() >= end) return TimedOut(silence_first ? waiting_since : attempt.start, end);
  std::array<pollfd, 2> waiting = {{{fd_, POLLIN, 0}, {stop_->fd(), POLLIN, 0}}};
  const int ready = poll(waiting.data(), waiting.size(), MillisecondsUntil(end));
  if (ready < 0 && errno != EINTR) return KernelError(errno);
  if (stop_->raised()) return StoppedError();
  return {};
}

}  // namespace lvs::netlink
