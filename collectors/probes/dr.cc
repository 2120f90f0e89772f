#include "collectors/probes/dr.h"

#include <linux/if_ether.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <unordered_map>

#include "collectors/probes/own_address.h"
#include "collectors/probes/packet_filter.h"
#include "collectors/probes/packet_socket.h"
#include "collectors/probes/raw_socket.h"
#include "collectors/probes/tcp_packet.h"

// GCC 12 takes Asio's own allocator of coroutine frames, where it inlines only one half of it, for
// a mistake.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace lvs::probes {
namespace {

namespace asio = boost::asio;
using route::Mac;
using std::chrono::milliseconds;

constexpr std::uint16_t kFirstPort = 0xef00;
constexpr std::uint16_t kPortMask = 0xff00;
constexpr std::uint16_t kDiscardPort = 9;  // RFC 863
constexpr Clock::duration kRepeatAfter = std::chrono::seconds(1);
constexpr milliseconds kFirstLook{5};
constexpr milliseconds kLongestLook{100};

std::uint16_t EtherTypeOf(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? ETH_P_IP : ETH_P_IPV6;
}

using Width = FilterCondition::Width;

// Packets begin with the IP header. A segment in fragments is nobody's answer to a SYN.
std::vector<FilterAlternative> Ipv4Alternatives() {
  constexpr auto kIp = FilterCondition::Base::kStart;
  constexpr auto kPayload = FilterCondition::Base::kBehindIpv4;
  const FilterCondition whole = {Width::kU16, kIp, 6, 0, 0x3fff};
  std::vector<FilterAlternative> alternatives;
  alternatives.push_back({{Width::kU8, kIp, 9, IPPROTO_TCP},
                          whole,
                          {Width::kU16, kPayload, 2, kFirstPort, kPortMask}});
  for (const int type : {ICMP_DEST_UNREACH, ICMP_TIME_EXCEEDED, ICMP_REDIRECT}) {
    alternatives.push_back({{Width::kU8, kIp, 9, IPPROTO_ICMP},
                            whole,
                            {Width::kU8, kPayload, 0, static_cast<std::uint32_t>(type)},
                            {Width::kU8, kPayload, 8, 0x45},  // the quoted IP header
                            {Width::kU8, kPayload, 8 + 9, IPPROTO_TCP},
                            {Width::kU16, kPayload, 8 + 20, kFirstPort, kPortMask}});
  }
  return alternatives;
}

std::vector<FilterAlternative> Ipv6Alternatives() {
  constexpr auto kIp = FilterCondition::Base::kStart;
  constexpr std::uint32_t kPayload = 40;
  const auto quote_at = [](std::uint32_t offset, FilterAlternative conditions) {
    conditions.push_back({Width::kU8, kIp, offset + 6, IPPROTO_TCP});
    conditions.push_back({Width::kU16, kIp, offset + 40, kFirstPort, kPortMask});
    return conditions;
  };
  const FilterCondition icmp = {Width::kU8, kIp, 6, IPPROTO_ICMPV6};
  const FilterCondition redirect = {Width::kU8, kIp, kPayload, ND_REDIRECT};
  std::vector<FilterAlternative> alternatives;
  alternatives.push_back(
      {{Width::kU8, kIp, 6, IPPROTO_TCP}, {Width::kU16, kIp, kPayload + 2, kFirstPort, kPortMask}});
  for (const int type : {ICMP6_DST_UNREACH, ICMP6_TIME_EXCEEDED}) {
    alternatives.push_back(quote_at(
        kPayload + 8, {icmp, {Width::kU8, kIp, kPayload, static_cast<std::uint32_t>(type)}}));
  }
  // Behind the 40 bytes of a redirect comes the redirected header, perhaps after the router's
  // choice of MAC, which is 8 bytes long (ndisc_send_redirect in net/ipv6/ndisc.c).
  constexpr std::uint32_t kOptions = kPayload + 40;
  alternatives.push_back(quote_at(
      kOptions + 8, {icmp, redirect, {Width::kU8, kIp, kOptions, ND_OPT_REDIRECTED_HEADER}}));
  alternatives.push_back(
      quote_at(kOptions + 8 + 8, {icmp,
                                  redirect,
                                  {Width::kU8, kIp, kOptions, ND_OPT_TARGET_LINKADDR},
                                  {Width::kU8, kIp, kOptions + 1, 1},
                                  {Width::kU8, kIp, kOptions + 8, ND_OPT_REDIRECTED_HEADER}}));
  return alternatives;
}

std::vector<sock_filter> FilterFor(AddressFamily family) {
  return CompileFilter(family == AddressFamily::kIpv4 ? Ipv4Alternatives() : Ipv6Alternatives());
}

template <class T>
T Random() {
  T value{};
  FillRandom(std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

RunResult NotAdjacent(std::string why) { return Failed(Reason::kDrNotAdjacent, std::move(why)); }

Reason ReasonOfSend(int error_number) {
  switch (error_number) {
    case ENETDOWN:
    case ENXIO:
    case ENODEV:
      return Reason::kDrNotAdjacent;
    case EAGAIN:  // the send buffer is full
      return Reason::kLocalNoMemory;
    default:
      return ReasonOfErrno(error_number);
  }
}

// How a run gets to its server.
struct Way {
  int interface = 0;
  Address source;
};

using WayOrEnd = std::variant<Way, RunResult>;

WayOrEnd FindSource(const RunRequest& request, const route::Route& route,
                    route::RouteReader& routes) {
  const SocketOptions& options = request.probe->probe().socket;
  if (options.source && options.source->family != request.via->family) {
    return Failed(Reason::kLocalConfig, "source and VIP are of different families");
  }
  const std::optional<Address> source = options.source ? options.source : route.source;
  if (source && *source != *request.via) return Way{route.interface, *source};
  // On a director that holds the VIP, the kernel may prefer it; the server would never answer.
  const auto addresses = routes.Addresses();
  if (!addresses.ok()) return Failed(Reason::kLocalConfig, addresses.error().message);
  const std::array vip = {*request.via};
  const auto own = ChooseSource(addresses.value(), route.interface, request.address, vip);
  if (!own) return Failed(Reason::kLocalConfig, "this host has no address there beside the VIP");
  return Way{route.interface, *own};
}

WayOrEnd FindWay(const RunRequest& request, route::RouteReader& routes) {
  const SocketOptions& options = request.probe->probe().socket;
  if (!request.via) return Failed(Reason::kLocalConfig, "no VIP to ask for");
  if (!options.netns.empty()) return Failed(Reason::kLocalConfig, "dr cannot use a netns");
  if (request.via->family != request.address.family) {
    return Failed(Reason::kLocalConfig, "VIP and server are of different families");
  }
  const auto found = routes.Lookup(request.address);
  if (!found.ok()) {
    return found.error().code == ErrorCode::kNotFound
               ? NotAdjacent(found.error().message)
               : Failed(Reason::kLocalConfig, found.error().message);
  }
  const route::Route& route = found.value();
  if (route.local) return NotAdjacent("the server is this host");
  if (!route.on_link) return NotAdjacent("behind the gateway " + ToString(*route.gateway));
  if (!options.interface.empty() &&
      if_nametoindex(options.interface.c_str()) != static_cast<unsigned>(route.interface)) {
    return NotAdjacent("the route does not use " + options.interface);
  }
  return FindSource(request, route, routes);
}

// Makes the kernel resolve the address, or doubt what it knows: it does so for ordinary traffic
// only, and asking it by netlink (NTF_USE) would take CAP_NET_ADMIN.
void Poke(const Address& server, int interface) {
  const int domain = server.family == AddressFamily::kIpv4 ? AF_INET : AF_INET6;
  const auto opened = OpenSocket(SocketOptions{}, domain, SOCK_DGRAM, 0);
  const Descriptor* socket = std::get_if<Descriptor>(&opened);
  if (socket == nullptr) return;
  sockaddr_storage address;
  const socklen_t length = ToSocketAddress(server, kDiscardPort, interface, address);
  const char nothing = 0;
  sendto(socket->get(), &nothing, sizeof nothing, MSG_DONTWAIT,
         reinterpret_cast<const sockaddr*>(&address), length);
}

}  // namespace

// One SYN that waits for its answer; lives in the coroutine of its run. The channel knows it as
// long as it lives.
class DrProber::Exchange {
 public:
  Exchange(std::shared_ptr<Channel> channel, const RunRequest& request, const Way& way,
           std::vector<Mac> accept_macs, route::RouteReader& routes);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  asio::awaitable<RunResult> Perform();
  // What an answer says that knows our sequence number and path, and from which MAC it came.
  void Take(const TcpAnswer& answer, const Mac& from);
  void Take(const TcpError& error, const Mac& from);

  const TcpPath& path() const { return path_; }
  std::uint32_t sequence() const { return sequence_; }

 private:
  asio::awaitable<void> Resolve();
  bool LookUpMac();
  void SendSyn();
  void SendReset(const Mac& to);
  asio::awaitable<void> WaitUntil(Deadline deadline);
  bool IsServer(const Mac& mac) const;
  void End(RunResult ending);

  const std::shared_ptr<Channel> channel_;
  const RunRequest request_;
  const Way way_;
  const std::vector<Mac> accept_macs_;
  route::RouteReader& routes_;
  const Deadline deadline_;
  asio::steady_timer timer_;
  TcpPath path_;
  std::uint32_t sequence_ = 0;
  std::optional<Mac> mac_;
  std::optional<RunResult> ending_;
};

// One packet socket and the SYNs in flight on it. Shared by the prober, by the runs and by the wait
// for packets, so that any of them may go first.
class DrProber::Channel : public std::enable_shared_from_this<Channel> {
 public:
  Channel(asio::io_context& loop, Descriptor socket, int interface, AddressFamily family)
      : family_(family), interface_(interface), descriptor_(loop, socket.get()) {
    socket.Release();  // the stream descriptor's now
  }

  asio::any_io_executor executor() { return descriptor_.get_executor(); }
  // Forgets that the interface was down for a while. False: a new socket is needed.
  bool Revive() {
    int error_number = 0;
    socklen_t length = sizeof error_number;
    getsockopt(descriptor_.native_handle(), SOL_SOCKET, SO_ERROR, &error_number, &length);
    return LinkOf(descriptor_.native_handle()) != LinkState::kGone;
  }
  bool IsEthernet() { return LinkOf(descriptor_.native_handle()) == LinkState::kEthernet; }
  bool IsForgotten() {
    return waiting_.empty() && LinkOf(descriptor_.native_handle()) == LinkState::kGone;
  }

  // Makes a sequence number of the exchange's own and listens for it.
  std::uint32_t Register(Exchange& exchange) {
    auto sequence = Random<std::uint32_t>();
    while (!waiting_.try_emplace(sequence, &exchange).second) ++sequence;
    if (!armed_) Arm();
    return sequence;
  }

  void Unregister(const Exchange& exchange) {
    waiting_.erase(exchange.sequence());
    if (waiting_.empty()) {
      boost::system::error_code ignored;
      descriptor_.cancel(ignored);
    }
  }

  // 0 or an error number.
  int Send(const Mac& to, Bytes packet) {
    return SendFrame(descriptor_.native_handle(), interface_, EtherTypeOf(family_), to, packet);
  }

  // Reads what is there, some packets at most.
  void Receive() {
    std::array<std::byte, 512> buffer;  // headers and the longest quote are all that is read
    ReceivedPacket packet;
    for (int i = 0; i < kPacketsPerWakeUp; ++i) {
      const Received received = ReceivePacket(descriptor_.native_handle(), buffer, packet);
      if (received == Received::kNothing) return;
      if (received == Received::kPacket) Dispatch(packet);
    }
  }

 private:
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
    const std::optional<FrameSender> sender = SenderOf(packet);
    if (!sender || sender->target != FrameTarget::kUs) return;
    const DrMessage message = ParseDr(family_, packet.bytes);
    if (const auto* answer = std::get_if<TcpAnswer>(&message)) {
      if (!answer->acknowledges) return;
      Exchange* exchange = Find(answer->acknowledgement - 1);
      if (exchange != nullptr && IsAnswerTo(exchange->path(), answer->path)) {
        exchange->Take(*answer, sender->mac);
      }
    } else if (const auto* error = std::get_if<TcpError>(&message)) {
      Exchange* exchange = Find(error->sequence);
      if (exchange != nullptr && error->path == exchange->path()) {
        exchange->Take(*error, sender->mac);
      }
    }
  }

  static bool IsAnswerTo(const TcpPath& ours, const TcpPath& theirs) {
    return theirs == TcpPath{.source = ours.destination,
                             .destination = ours.source,
                             .source_port = ours.destination_port,
                             .destination_port = ours.source_port};
  }

  Exchange* Find(std::uint32_t sequence) const {
    const auto found = waiting_.find(sequence);
    return found == waiting_.end() ? nullptr : found->second;
  }

  const AddressFamily family_;
  const int interface_;
  asio::posix::stream_descriptor descriptor_;
  bool armed_ = false;
  std::unordered_map<std::uint32_t, Exchange*> waiting_;
};

DrProber::Exchange::Exchange(std::shared_ptr<Channel> channel, const RunRequest& request,
                             const Way& way, std::vector<Mac> accept_macs,
                             route::RouteReader& routes)
    : channel_(std::move(channel)),
      request_(request),
      way_(way),
      accept_macs_(std::move(accept_macs)),
      routes_(routes),
      deadline_(request.start + request.probe->probe().timeout),
      timer_(channel_->executor()),
      path_{.source = way.source,
            .destination = *request.via,
            .source_port = static_cast<std::uint16_t>(kFirstPort | Random<std::uint8_t>()),
            .destination_port = request.port} {
  sequence_ = channel_->Register(*this);
}

DrProber::Exchange::~Exchange() { channel_->Unregister(*this); }

asio::awaitable<RunResult> DrProber::Exchange::Perform() {
  co_await Resolve();
  if (ending_) co_return *ending_;
  SendSyn();
  const Clock::duration half = request_.probe->probe().timeout / 2;
  co_await WaitUntil(std::min(Clock::now() + std::min(kRepeatAfter, half), deadline_));
  if (!ending_ && Clock::now() < deadline_) {
    // Our frames do not wear the kernel's entry out: one packet of its own, so that it notices a
    // server that moved to another MAC, or is gone.
    Poke(request_.address, way_.interface);
    LookUpMac();
    SendSyn();
    co_await WaitUntil(deadline_);
  }
  co_return ending_ ? *ending_ : Failed(Reason::kDrNoReply, "nobody answers for the VIP");
}

// After one try the kernel goes on by itself; we look until the deadline.
asio::awaitable<void> DrProber::Exchange::Resolve() {
  if (LookUpMac() || ending_) co_return;
  Poke(request_.address, way_.interface);
  for (milliseconds pause = kFirstLook; !ending_ && !LookUpMac() && Clock::now() < deadline_;
       pause = std::min(2 * pause, kLongestLook)) {
    co_await WaitUntil(std::min(Clock::now() + pause, deadline_));
  }
  if (!mac_) End(Failed(Reason::kDrNeighbourUnresolved, "no MAC for the server"));
}

// True: mac_ is what the kernel would use now.
bool DrProber::Exchange::LookUpMac() {
  const auto found = routes_.FindNeighbour(way_.interface, request_.address);
  if (!found.ok()) {
    End(Failed(Reason::kLocalConfig, found.error().message));
    return false;
  }
  const std::optional<route::Neighbour>& neighbour = found.value();
  if (!neighbour || !neighbour->resolved || !neighbour->mac) return false;
  mac_ = neighbour->mac;
  return true;
}

void DrProber::Exchange::SendSyn() {
  if (ending_) return;
  const SocketOptions& options = request_.probe->probe().socket;
  const int error_number = channel_->Send(*mac_, BuildTcp({.path = path_,
                                                           .kind = TcpSegment::Kind::kSyn,
                                                           .sequence = sequence_,
                                                           .ttl = options.ttl.value_or(1),
                                                           .tos = options.tos.value_or(0)}));
  if (error_number == 0) return;
  End(Failed(ReasonOfSend(error_number), std::string("send: ") + strerror(error_number)));
}

// So that no half-open connection stays; lost, it costs the server a few repeated SYN-ACKs.
void DrProber::Exchange::SendReset(const Mac& to) {
  const SocketOptions& options = request_.probe->probe().socket;
  channel_->Send(to, BuildTcp({.path = path_,
                               .kind = TcpSegment::Kind::kReset,
                               .sequence = sequence_ + 1,
                               .ttl = options.ttl.value_or(1),
                               .tos = options.tos.value_or(0)}));
}

asio::awaitable<void> DrProber::Exchange::WaitUntil(Deadline deadline) {
  if (ending_) co_return;
  timer_.expires_at(deadline);
  co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  // After a stall the timer may overtake an answer that is already here.
  if (!ending_) channel_->Receive();
}

bool DrProber::Exchange::IsServer(const Mac& mac) const {
  return mac == mac_ || std::ranges::find(accept_macs_, mac) != accept_macs_.end();
}

void DrProber::Exchange::Take(const TcpAnswer& answer, const Mac& from) {
  if (ending_ || answer.kind == TcpAnswer::Kind::kOther) return;
  const bool accepted = answer.kind == TcpAnswer::Kind::kSynAck;
  if (accepted) SendReset(IsServer(from) ? *mac_ : from);
  if (!IsServer(from)) {
    End(Failed(Reason::kDrWrongMac, route::ToString(from) + " answers for the VIP, the server is " +
                                        route::ToString(*mac_)));
  } else if (accepted) {
    RunResult success;
    success.outcome = Outcome::kSuccess;
    success.phases.connect = std::chrono::duration<float>(Clock::now() - request_.start).count();
    End(std::move(success));
  } else {
    End(Failed(Reason::kDrPortClosed, "the VIP refuses the port"));
  }
}

// An error that the VIP itself sends comes from a packet filter of the one who holds it.
void DrProber::Exchange::Take(const TcpError& error, const Mac& from) {
  if (ending_) return;
  const std::string who = ToString(error.reporter) + " (" + route::ToString(from) + ")";
  if (error.kind == TcpError::Kind::kUnreachable && error.reporter == path_.destination) {
    End(Failed(Reason::kDrPortClosed, "an ICMP error from " + who));
    return;
  }
  const char* what = error.kind == TcpError::Kind::kRedirect       ? "redirected"
                     : error.kind == TcpError::Kind::kTimeExceeded ? "routed on"
                                                                   : "found unreachable";
  End(Failed(Reason::kDrForwarded, std::string(what) + " by " + who));
}

void DrProber::Exchange::End(RunResult ending) {
  if (ending_) return;
  ending_ = std::move(ending);
  timer_.cancel();
}

DrProber::DrProber(asio::io_context& loop, route::RouteReader& routes)
    : loop_(loop), routes_(routes) {}
DrProber::~DrProber() = default;

std::variant<std::shared_ptr<DrProber::Channel>, SocketFault> DrProber::ChannelFor(
    int interface, AddressFamily family) {
  const Key key = {interface, family};
  const auto found = channels_.find(key);
  if (found != channels_.end() && found->second->Revive()) return found->second;
  std::erase_if(channels_, [&](const auto& entry) {
    return entry.first == key || entry.second->IsForgotten();
  });
  auto opened = OpenPacketSocket(interface, EtherTypeOf(family), FilterFor(family));
  if (auto* fault = std::get_if<SocketFault>(&opened)) return std::move(*fault);
  auto channel =
      std::make_shared<Channel>(loop_, std::get<Descriptor>(std::move(opened)), interface, family);
  channels_.emplace(key, channel);
  return channel;
}

asio::awaitable<RunResult> DrProber::Run(RunRequest request, std::vector<Mac> accept_macs) {
  RunResult result;
  WayOrEnd way = FindWay(request, routes_);
  if (auto* end = std::get_if<RunResult>(&way)) {
    result = std::move(*end);
  } else {
    const Way& found = std::get<Way>(way);
    auto channel = ChannelFor(found.interface, request.address.family);
    if (auto* fault = std::get_if<SocketFault>(&channel)) {
      result = Failed(fault->reason, fault->detail);
    } else if (auto& open = std::get<std::shared_ptr<Channel>>(channel); !open->IsEthernet()) {
      result = NotAdjacent("the server is not on an Ethernet");
    } else {
      Exchange exchange(open, request, found, std::move(accept_macs), routes_);
      result = co_await exchange.Perform();
    }
  }
  result.total = Clock::now() - request.start;
  co_return result;
}

}  // namespace lvs::probes
