#include "collectors/probes/icmp.h"

#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "collectors/probes/icmp_packet.h"
#include "collectors/probes/packet_filter.h"
#include "collectors/probes/raw_socket.h"

namespace lvs::probes {
namespace {

namespace asio = boost::asio;
using std::chrono::nanoseconds;

// A socket that has options may be worn out: its interface or namespace made anew, its source gone.
constexpr auto kDistrustAfter = std::chrono::seconds(10);
// Sequence numbers are 16 bits; some stay free, so that finding one is quick.
constexpr std::size_t kMostInFlight = 60'000;
// Runs whose late duplicates are recognized, and addresses for which they are counted.
constexpr std::size_t kRemembered = 1024;
constexpr std::size_t kMostDuplicateCounts = 4096;

// The raw IPv4 socket receives from the IP header on (raw_rcv in net/ipv4/raw.c), the IPv6 one from
// the ICMPv6 header (net/ipv6/raw.c).
std::vector<sock_filter> FilterFor(AddressFamily family, std::uint16_t id) {
  using Width = FilterCondition::Width;
  std::vector<FilterAlternative> alternatives;
  if (family == AddressFamily::kIpv4) {
    constexpr auto kIcmp = FilterCondition::Base::kBehindIpv4;
    alternatives.push_back({{Width::kU8, kIcmp, 0, ICMP_ECHOREPLY}, {Width::kU16, kIcmp, 4, id}});
    for (const int error : {ICMP_DEST_UNREACH, ICMP_TIME_EXCEEDED, ICMP_PARAMETERPROB}) {
      alternatives.push_back({{Width::kU8, kIcmp, 0, static_cast<std::uint32_t>(error)},
                              {Width::kU8, kIcmp, 8, 0x45},  // the quoted IP header
                              {Width::kU8, kIcmp, 8 + 9, IPPROTO_ICMP},
                              {Width::kU8, kIcmp, 8 + 20, ICMP_ECHO},
                              {Width::kU16, kIcmp, 8 + 20 + 4, id}});
    }
    return CompileFilter(alternatives);
  }
  constexpr auto kIcmp = FilterCondition::Base::kStart;
  alternatives.push_back({{Width::kU8, kIcmp, 0, ICMP6_ECHO_REPLY}, {Width::kU16, kIcmp, 4, id}});
  for (unsigned error = ICMP6_DST_UNREACH; error <= ICMP6_PARAM_PROB; ++error) {
    alternatives.push_back({{Width::kU8, kIcmp, 0, error},
                            {Width::kU8, kIcmp, 8 + 6, IPPROTO_ICMPV6},
                            {Width::kU8, kIcmp, 8 + 40, ICMP6_ECHO_REQUEST},
                            {Width::kU16, kIcmp, 8 + 40 + 4, id}});
  }
  return CompileFilter(alternatives);
}

// Types nobody here reads are dropped before the kernel copies them for us (icmp_filter in
// net/ipv4/raw.c, icmpv6_filter in net/ipv6/raw.c).
bool SetTypeFilter(int socket, AddressFamily family) {
  if (family == AddressFamily::kIpv4) {
    const icmp_filter blocked = {.data = ~(1u << ICMP_ECHOREPLY | 1u << ICMP_DEST_UNREACH |
                                           1u << ICMP_TIME_EXCEEDED | 1u << ICMP_PARAMETERPROB)};
    return setsockopt(socket, SOL_RAW, ICMP_FILTER, &blocked, sizeof blocked) == 0;
  }
  icmp6_filter passed;
  ICMP6_FILTER_SETBLOCKALL(&passed);
  ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &passed);
  for (int type = ICMP6_DST_UNREACH; type <= ICMP6_PARAM_PROB; ++type) {
    ICMP6_FILTER_SETPASS(type, &passed);
  }
  return setsockopt(socket, IPPROTO_ICMPV6, ICMP6_FILTER, &passed, sizeof passed) == 0;
}

bool Prepare(int socket, AddressFamily family, std::uint16_t id) {
  constexpr int kOn = 1;
  constexpr int kReceiveBuffer = 1 << 20;  // the kernel takes what net.core.rmem_max allows
  setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  return SetTypeFilter(socket, family) && AttachFilter(socket, FilterFor(family, id)) &&
         setsockopt(socket, SOL_SOCKET, SO_TIMESTAMPNS, &kOn, sizeof kOn) == 0;
}

Address AddressOf(const sockaddr_storage& storage, AddressFamily family) {
  Address address{.family = family, .bytes = {}};
  if (family == AddressFamily::kIpv4) {
    sockaddr_in ipv4;
    std::memcpy(&ipv4, &storage, sizeof ipv4);
    std::memcpy(address.bytes.data(), &ipv4.sin_addr, sizeof ipv4.sin_addr);
  } else {
    sockaddr_in6 ipv6;
    std::memcpy(&ipv6, &storage, sizeof ipv6);
    std::memcpy(address.bytes.data(), &ipv6.sin6_addr, sizeof ipv6.sin6_addr);
  }
  return address;
}

// The kernel's stamp is exact but of the system clock, which somebody may set in between.
float RoundTrip(nanoseconds sent_system, Clock::time_point sent,
                const std::optional<nanoseconds>& received_system) {
  const nanoseconds most = Clock::now() - sent;
  nanoseconds taken = most;
  if (received_system && *received_system >= sent_system && *received_system - sent_system < most) {
    taken = *received_system - sent_system;
  }
  return std::chrono::duration<float>(taken).count();
}

std::string Describe(const EchoError& error, const Address& from) {
  return "ICMP type " + std::to_string(error.type) + " code " + std::to_string(error.code) +
         " from " + ToString(from);
}

// Routes and filters that refuse are told as ConnectFault() tells them.
RunResult FailedSend(int error_number) {
  const std::string text = std::string("send: ") + strerror(error_number);
  switch (error_number) {
    case EPERM:  // the socket is open: no capability is missing
      return Failed(Reason::kLocalConfig, text + " (a filter of this host forbids it)");
    case EACCES:
      return Failed(Reason::kIcmpProhibited, text + " (a route of type prohibit)");
    case EINVAL:
      return Failed(Reason::kNetUnreachable, text + " (a route of type blackhole)");
    case EAGAIN:
      return Failed(Reason::kLocalNoMemory, text + " (the send buffer is full)");
    default:
      return Failed(ReasonOfErrno(error_number), text);
  }
}

}  // namespace

// One echo that waits for its answer; lives in the coroutine of its run. The channel knows it from
// Send() to the destructor.
class IcmpProber::Exchange {
 public:
  Exchange(std::shared_ptr<Channel> channel, const RunRequest& request);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // False: the run has ended without a packet; see ending().
  bool Send();
  // Waits until an answer or the deadline.
  asio::awaitable<void> Wait();
  // What a packet says that carries our sequence number.
  void Take(const EchoReply& reply, const Address& from, const std::optional<nanoseconds>& time);
  void Take(const EchoError& error, const Address& from);

  const Echo& echo() const { return echo_; }
  const Address& address() const { return address_; }
  bool answered() const { return facts_.received > 0; }
  RunResult Finish() const;

 private:
  void End(RunResult ending);

  const std::shared_ptr<Channel> channel_;
  const Address address_;
  asio::steady_timer timer_;
  Echo echo_;
  bool registered_ = false;
  Clock::time_point sent_;
  nanoseconds sent_system_{};
  IcmpFacts facts_;
  bool bad_reply_ = false;
  std::optional<RunResult> ending_;
};

// One raw socket and the echoes in flight on it. Shared by the prober, by the runs and by the wait
// for packets, so that any of them may go first.
class IcmpProber::Channel : public std::enable_shared_from_this<Channel> {
 public:
  Channel(asio::io_context& loop, Descriptor socket, AddressFamily family, std::uint16_t id)
      : family_(family), id_(id), descriptor_(loop, socket.get()), remembered_(kRemembered) {
    socket.Release();  // the stream descriptor's now
  }

  AddressFamily family() const { return family_; }
  std::uint16_t id() const { return id_; }
  int socket() { return descriptor_.native_handle(); }
  asio::any_io_executor executor() { return descriptor_.get_executor(); }
  bool Distrusted() const { return Clock::now() - opened_ > kDistrustAfter; }

  // Makes a sequence number of the exchange's own and listens for it. False: all are in use.
  bool Register(Exchange& exchange, std::uint16_t& sequence) {
    if (waiting_.size() >= kMostInFlight) return false;
    while (!waiting_.try_emplace(next_sequence_, &exchange).second) ++next_sequence_;
    sequence = next_sequence_++;
    if (!armed_) Arm();
    return true;
  }

  void Unregister(const Exchange& exchange) {
    const Echo& echo = exchange.echo();
    waiting_.erase(echo.sequence);
    if (exchange.answered()) {
      remembered_[echo.sequence % kRemembered] = {exchange.address(), echo};
    }
    if (waiting_.empty()) {
      boost::system::error_code ignored;
      descriptor_.cancel(ignored);
    }
  }

  // Reads what is there, some packets at most.
  void Receive() {
    std::array<std::byte, 2048> buffer;
    ReceivedPacket packet;
    for (int i = 0; i < kPacketsPerWakeUp; ++i) {
      const Received received = ReceivePacket(socket(), buffer, packet);
      if (received == Received::kNothing) return;
      if (received == Received::kPacket) Dispatch(packet);
    }
  }

  // Duplicates for the address that came after the end of its run; forgets them.
  std::uint32_t TakeDuplicates(const Address& address) {
    const auto found = duplicates_.extract(address);
    return found.empty() ? 0 : found.mapped();
  }

 private:
  struct Remembered {
    Address address;
    Echo echo;
  };

  void Arm() {
    armed_ = true;
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [self = shared_from_this()](boost::system::error_code) {
                             self->armed_ = false;
                             self->Receive();
                             if (!self->waiting_.empty() && !self->armed_) self->Arm();
                           });
  }

  void Dispatch(const ReceivedPacket& packet) {
    const Address from = AddressOf(packet.sender, family_);
    const IcmpMessage message = ParseIcmp(family_, packet.bytes);
    if (const auto* reply = std::get_if<EchoReply>(&message)) {
      if (reply->id != id_) return;
      const auto found = waiting_.find(reply->sequence);
      if (found == waiting_.end() || found->second->address() != from) {
        CountDuplicate(*reply, from);
      } else {
        found->second->Take(*reply, from, packet.time);
      }
    } else if (const auto* error = std::get_if<EchoError>(&message)) {
      if (error->id != id_) return;
      const auto found = waiting_.find(error->sequence);
      if (found == waiting_.end() || found->second->address() != error->destination) return;
      found->second->Take(*error, from);
    }
  }

  void CountDuplicate(const EchoReply& reply, const Address& from) {
    const Remembered& before = remembered_[reply.sequence % kRemembered];
    if (before.echo.payload_size == 0 || before.echo.sequence != reply.sequence ||
        before.address != from || !IsPayloadOf(before.echo, reply.payload)) {
      return;
    }
    if (duplicates_.size() < kMostDuplicateCounts || duplicates_.contains(from)) {
      ++duplicates_[from];
    }
  }

  const AddressFamily family_;
  const std::uint16_t id_;
  const Clock::time_point opened_ = Clock::now();
  asio::posix::stream_descriptor descriptor_;
  bool armed_ = false;
  std::uint16_t next_sequence_ = 0;
  std::unordered_map<std::uint16_t, Exchange*> waiting_;
  std::vector<Remembered> remembered_;  // answered runs, at sequence modulo size
  std::map<Address, std::uint32_t> duplicates_;
};

IcmpProber::Exchange::Exchange(std::shared_ptr<Channel> channel, const RunRequest& request)
    : channel_(std::move(channel)),
      address_(request.address),
      timer_(channel_->executor(), request.start + request.probe->probe().timeout) {
  echo_.id = channel_->id();
  echo_.payload_size = std::max(request.probe->probe().icmp_size, echo_.cookie.size());
  FillRandom(echo_.cookie);
}

IcmpProber::Exchange::~Exchange() {
  if (registered_) channel_->Unregister(*this);
}

bool IcmpProber::Exchange::Send() {
  if (!channel_->Register(*this, echo_.sequence)) {
    ending_ =
        Failed(Reason::kLocalThrottled, std::to_string(kMostInFlight) + " echoes are in flight");
    return false;
  }
  registered_ = true;
  const std::vector<std::byte> packet = BuildEchoRequest(address_.family, echo_);
  sockaddr_storage destination;
  const socklen_t length = ToSocketAddress(address_, 0, 0, destination);
  sent_ = Clock::now();
  sent_system_ = SystemTime();
  if (sendto(channel_->socket(), packet.data(), packet.size(), MSG_DONTWAIT,
             reinterpret_cast<const sockaddr*>(&destination), length) < 0) {
    ending_ = FailedSend(errno);
    return false;
  }
  facts_.sent = 1;
  facts_.duplicates = channel_->TakeDuplicates(address_);
  return true;
}

asio::awaitable<void> IcmpProber::Exchange::Wait() {
  co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  // After a stall the timer may overtake an answer that is already here.
  if (!ending_) channel_->Receive();
  if (ending_) co_return;
  ending_ = bad_reply_ ? Failed(Reason::kIcmpBadReply, "the answer is not what was sent")
                       : Failed(Reason::kIcmpTimeout);
}

void IcmpProber::Exchange::Take(const EchoReply& reply, [[maybe_unused]] const Address& from,
                                const std::optional<nanoseconds>& time) {
  assert(from == address_ && "the channel compares the addresses");
  if (!IsPayloadOf(echo_, reply.payload)) {
    bad_reply_ = true;
    return;
  }
  if (facts_.received > 0) {
    ++facts_.duplicates;
    return;
  }
  facts_.received = 1;
  facts_.round_trip = RoundTrip(sent_system_, sent_, time);
  RunResult success;
  success.outcome = Outcome::kSuccess;
  End(std::move(success));
}

void IcmpProber::Exchange::Take(const EchoError& error, const Address& from) {
  const bool own_host = from == error.from;
  const Reason reason =
      own_host && IsHostUnreachable(address_.family, error)          ? Reason::kHostUnreachable
      : KindOf(address_.family, error) == EchoErrorKind::kProhibited ? Reason::kIcmpProhibited
                                                                     : Reason::kIcmpUnreachable;
  End(Failed(reason, Describe(error, from)));
}

void IcmpProber::Exchange::End(RunResult ending) {
  if (ending_) return;
  ending_ = std::move(ending);
  timer_.cancel();
}

RunResult IcmpProber::Exchange::Finish() const {
  RunResult result = *ending_;
  if (facts_.sent > 0) result.icmp = facts_;
  return result;
}

IcmpProber::IcmpProber(asio::io_context& loop) : loop_(loop) {}
IcmpProber::~IcmpProber() = default;

std::variant<std::shared_ptr<IcmpProber::Channel>, SocketFault> IcmpProber::ChannelFor(
    const Key& key) {
  if (const auto found = channels_.find(key); found != channels_.end()) return found->second;
  const auto& [family, options] = key;
  const bool ipv4 = family == AddressFamily::kIpv4;
  auto opened = OpenSocket(options, ipv4 ? AF_INET : AF_INET6, SOCK_RAW,
                           ipv4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6});
  if (auto* fault = std::get_if<SocketFault>(&opened)) return std::move(*fault);
  Descriptor socket = std::get<Descriptor>(std::move(opened));
  std::uint16_t id = 0;
  FillRandom(std::as_writable_bytes(std::span(&id, 1)));
  if (!Prepare(socket.get(), family, id)) {
    const int error_number = errno;
    return SocketFault{ReasonOfErrno(error_number),
                       std::string("prepare the ICMP socket: ") + strerror(error_number)};
  }
  auto channel = std::make_shared<Channel>(loop_, std::move(socket), family, id);
  channels_.emplace(key, channel);
  return channel;
}

asio::awaitable<RunResult> IcmpProber::Run(RunRequest request) {
  const Key key = {request.address.family, request.probe->probe().socket};
  auto channel = ChannelFor(key);
  RunResult result;
  if (auto* fault = std::get_if<SocketFault>(&channel)) {
    result = Failed(fault->reason, fault->detail);
  } else {
    auto& open = std::get<std::shared_ptr<Channel>>(channel);
    if (key.second != SocketOptions{} && open->Distrusted()) channels_.erase(key);
    Exchange exchange(open, request);
    if (exchange.Send()) co_await exchange.Wait();
    result = exchange.Finish();
  }
  result.total = Clock::now() - request.start;
  co_return result;
}

}  // namespace lvs::probes
