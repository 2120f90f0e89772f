#include "collectors/probes/arp_watch.h"

#include <linux/if_ether.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include "collectors/probes/arp_packet.h"
#include "collectors/probes/own_address.h"
#include "collectors/probes/packet_filter.h"
#include "collectors/probes/packet_socket.h"
#include "collectors/probes/raw_socket.h"

namespace lvs::probes {
namespace {

namespace asio = boost::asio;
using route::Mac;

constexpr auto kCollect = std::chrono::seconds(1);
// Broadcasts reach every host of the link: some at a time.
constexpr std::size_t kQuestionsAtOnce = 32;
constexpr auto kPause = std::chrono::milliseconds(10);
constexpr Mac kBroadcast = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

constexpr std::uint32_t kSenderAddress = 14;    // in an ARP packet of Ethernet and IPv4
constexpr std::size_t kMostVipsInFilter = 100;  // see CompileFilter

std::uint32_t NumberOf(const Address& ipv4) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number = number << 8 | ipv4.bytes[i];
  return number;
}

// ARP whose sender is one of the addresses. Where these are too many for one filter it passes any
// ARP of IPv4, and Note() drops what is not asked for.
std::vector<sock_filter> FilterFor(const std::set<Address>& vips) {
  using Width = FilterCondition::Width;
  using Base = FilterCondition::Base;
  if (vips.size() > kMostVipsInFilter) {
    return CompileFilter({{{Width::kU16, Base::kStart, 2, ETH_P_IP}}});
  }
  std::vector<FilterAlternative> alternatives;
  for (const Address& vip : vips) {
    alternatives.push_back({{Width::kU32, Base::kStart, kSenderAddress, NumberOf(vip)}});
  }
  return CompileFilter(alternatives);
}

}  // namespace

// Shared by the watch and by what waits on the loop, so that either may go first.
class ArpWatch::State : public std::enable_shared_from_this<State> {
 public:
  State(asio::io_context& loop, route::RouteReader& routes, std::function<void()> changed)
      : loop_(loop), routes_(routes), changed_(std::move(changed)), timer_(loop), settling_(loop) {}

  void Watch(std::vector<Subject> subjects, std::vector<Mac> peers, Clock::duration interval);
  void Stop();

  const std::vector<Row>& rows() const { return rows_; }
  const std::optional<SocketFault>& fault() const { return fault_; }

 private:
  // One interface on which there are servers.
  struct Link : std::enable_shared_from_this<Link> {
    Link(asio::io_context& loop, Descriptor socket) : descriptor(loop, socket.get()) {
      socket.Release();  // the stream descriptor's now
    }

    asio::posix::stream_descriptor descriptor;
    int interface = 0;
    std::string name;
    Mac mac{};
  };
  using Question = std::pair<Address, int>;  // virtual address, interface

  // What a round asks on one interface.
  struct Asked {
    Address sender;
    std::set<Address> servers;
  };

  void BeginRound();
  bool FindHost();
  void TakeAddresses(std::vector<route::InterfaceAddress> addresses);
  void FindServers();
  void OpenLinks();
  void OpenLink(const route::Interface& interface, const std::vector<sock_filter>& filter);
  void SendSome();
  void EndRound();
  void After(Clock::time_point time, void (State::*next)());

  void Listen(Link& link);
  bool Drain(Link& link);
  bool Note(const Link& link, const ReceivedPacket& packet);

  void KeepWatched(std::map<Question, Asked>& asked) const;
  void JudgeAndTell();
  bool Judge();
  void LearnServerMacs();
  void DoubtOurAddresses();
  bool UpdateRows();
  void AwaitNextSuspect();
  void Report(Reason reason, const std::string& detail);

  asio::io_context& loop_;
  route::RouteReader& routes_;
  std::function<void()> changed_;
  asio::steady_timer timer_;
  std::uint64_t generation_ = 0;  // of the timer: a handler of an earlier one does nothing
  asio::steady_timer settling_;   // until the next stranger may be accused

  std::vector<Subject> subjects_;
  std::map<Address, std::set<Address>> servers_;  // of each virtual address
  std::set<Address> vips_;
  std::set<Mac> peers_;
  Clock::duration interval_{};

  std::map<int, std::shared_ptr<Link>> links_;
  // Of this host, as of the round's begin; the addresses also as of the last time they mattered.
  std::vector<route::Interface> interfaces_;
  std::vector<route::InterfaceAddress> addresses_;
  std::set<Address> own_addresses_;
  std::set<Mac> own_macs_;

  bool running_ = false;
  bool in_round_ = false;
  Clock::time_point round_start_;
  std::map<Question, Asked> round_;
  std::vector<Question> to_send_;
  std::optional<SocketFault> round_fault_;

  std::map<Question, Asked> answered_;  // what the last complete round asked
  ArpSightings sightings_;
  std::map<Address, Mac> server_macs_;
  std::vector<Row> rows_;
  std::optional<SocketFault> fault_;
};

void ArpWatch::State::Stop() {
  running_ = in_round_ = false;
  ++generation_;
  timer_.cancel();
  settling_.cancel();
  links_.clear();  // closes the sockets, which ends the waits
  round_.clear();
  answered_.clear();
  sightings_.Clear();
  server_macs_.clear();
  rows_.clear();
  fault_.reset();
}

void ArpWatch::State::Watch(std::vector<Subject> subjects, std::vector<Mac> peers,
                            Clock::duration interval) {
  std::erase_if(subjects, [](const Subject& subject) {
    return subject.vip.family != AddressFamily::kIpv4 || subject.servers.empty();
  });
  std::set<Mac> new_peers(peers.begin(), peers.end());
  if (subjects == subjects_ && new_peers == peers_ && interval == interval_) return;
  subjects_ = std::move(subjects);
  servers_.clear();
  vips_.clear();
  for (const Subject& subject : subjects_) {
    vips_.insert(subject.vip);
    servers_[subject.vip].insert(subject.servers.begin(), subject.servers.end());
  }
  peers_ = std::move(new_peers);
  interval_ = interval;
  if (subjects_.empty() || interval <= Clock::duration::zero()) {
    Stop();
    return;
  }
  sightings_.Keep(vips_, peers_);
  KeepWatched(answered_);
  UpdateRows();
  if (in_round_) return;
  const Clock::time_point next = running_ ? round_start_ + interval_ : Clock::now();
  running_ = true;
  After(next, &State::BeginRound);
}

void ArpWatch::State::KeepWatched(std::map<Question, Asked>& asked) const {
  for (auto& [question, what] : asked) {
    const auto watched = servers_.find(question.first);
    std::erase_if(what.servers, [&](const Address& server) {
      return watched == servers_.end() || !watched->second.contains(server);
    });
  }
  std::erase_if(asked, [](const auto& entry) { return entry.second.servers.empty(); });
}

void ArpWatch::State::After(Clock::time_point time, void (State::*next)()) {
  timer_.expires_at(time);
  timer_.async_wait(
      [self = shared_from_this(), next, mine = ++generation_](boost::system::error_code) {
        if (mine == self->generation_) (self.get()->*next)();
      });
}

void ArpWatch::State::BeginRound() {
  in_round_ = true;
  round_start_ = Clock::now();
  round_fault_.reset();
  round_.clear();
  to_send_.clear();
  if (FindHost()) {
    FindServers();
    OpenLinks();
  }
  for (const auto& [question, asked] : round_) to_send_.push_back(question);
  SendSome();
}

void ArpWatch::State::Report(Reason reason, const std::string& detail) {
  if (!round_fault_) round_fault_ = SocketFault{reason, detail};
}

bool ArpWatch::State::FindHost() {
  auto interfaces = routes_.Interfaces();
  auto addresses = routes_.Addresses();
  if (!interfaces.ok() || !addresses.ok()) {
    Report(Reason::kLocalConfig,
           interfaces.ok() ? addresses.error().message : interfaces.error().message);
    return false;
  }
  interfaces_ = std::move(interfaces.value());
  TakeAddresses(std::move(addresses.value()));
  own_macs_.clear();
  for (const route::Interface& interface : interfaces_) {
    if (interface.mac) own_macs_.insert(*interface.mac);
  }
  return true;
}

void ArpWatch::State::TakeAddresses(std::vector<route::InterfaceAddress> addresses) {
  addresses_ = std::move(addresses);
  own_addresses_.clear();
  for (const route::InterfaceAddress& own : addresses_) own_addresses_.insert(own.address);
  sightings_.ExcuseStrangers(own_addresses_);
}

// Which virtual address to ask for on which interface, and from which address.
void ArpWatch::State::FindServers() {
  const std::vector<Address> vips(vips_.begin(), vips_.end());
  std::map<Address, std::optional<route::Route>> ways;
  for (const Subject& subject : subjects_) {
    for (const Address& server : subject.servers) {
      const auto [way, is_new] = ways.try_emplace(server);
      if (is_new) {
        auto found = routes_.Lookup(server);
        if (found.ok() && found.value().on_link && !found.value().local) {
          way->second = found.value();
        } else if (!found.ok() && found.error().code != ErrorCode::kNotFound) {
          Report(Reason::kLocalConfig, found.error().message);
        }
      }
      if (!way->second) continue;
      const route::Route& route = *way->second;
      Asked& asked = round_[{subject.vip, route.interface}];
      asked.servers.insert(server);
      // Without an address of our own 0.0.0.0, which changes nobody's table either (RFC 5227).
      if (asked.sender != Address{}) continue;
      const bool usable = route.source && !vips_.contains(*route.source);
      asked.sender =
          usable ? *route.source
                 : ChooseSource(addresses_, route.interface, server, vips).value_or(Address{});
    }
  }
}

// Interfaces that have no more questions lose their socket, those that cannot have one their
// questions.
void ArpWatch::State::OpenLinks() {
  std::set<int> needed;
  for (const auto& [question, asked] : round_) needed.insert(question.second);
  std::erase_if(links_, [&](const auto& entry) {
    return !needed.contains(entry.first) ||
           LinkOf(entry.second->descriptor.native_handle()) == LinkState::kGone;
  });
  const std::vector<sock_filter> filter = FilterFor(vips_);
  for (const route::Interface& interface : interfaces_) {
    if (needed.contains(interface.index) && interface.mac) OpenLink(interface, filter);
  }
  std::erase_if(round_, [&](const auto& entry) { return !links_.contains(entry.first.second); });
}

void ArpWatch::State::OpenLink(const route::Interface& interface,
                               const std::vector<sock_filter>& filter) {
  const auto found = links_.find(interface.index);
  if (found != links_.end()) {
    Link& link = *found->second;
    link.name = interface.name;
    link.mac = *interface.mac;
    int error_number = 0;  // read, so that an interface that was down for a while is forgiven
    socklen_t length = sizeof error_number;
    getsockopt(link.descriptor.native_handle(), SOL_SOCKET, SO_ERROR, &error_number, &length);
    AttachFilter(link.descriptor.native_handle(), filter);
    return;
  }
  auto opened = OpenPacketSocket(interface.index, ETH_P_ARP, filter);
  if (const auto* fault = std::get_if<SocketFault>(&opened)) {
    Report(fault->reason, interface.name + ": " + fault->detail);
    return;
  }
  const auto link = std::make_shared<Link>(loop_, std::get<Descriptor>(std::move(opened)));
  link->interface = interface.index;
  link->name = interface.name;
  link->mac = *interface.mac;
  links_[interface.index] = link;
  Listen(*link);
}

void ArpWatch::State::SendSome() {
  for (std::size_t i = 0; i < kQuestionsAtOnce && !to_send_.empty(); ++i) {
    const Question question = to_send_.back();
    to_send_.pop_back();
    const auto asked = round_.find(question);
    const auto link = links_.find(question.second);
    if (asked == round_.end() || link == links_.end()) continue;
    const std::vector<std::byte> packet = BuildArp({.operation = ArpPacket::Operation::kRequest,
                                                    .sender_mac = link->second->mac,
                                                    .sender = asked->second.sender,
                                                    .target_mac = {},
                                                    .target = question.first});
    const int error_number = SendFrame(link->second->descriptor.native_handle(), question.second,
                                       ETH_P_ARP, kBroadcast, packet);
    if (error_number == 0) continue;
    Report(ReasonOfErrno(error_number), link->second->name + ": send: " + strerror(error_number));
    round_.erase(asked);
  }
  if (to_send_.empty()) {
    After(Clock::now() + kCollect, &State::EndRound);
  } else {
    After(Clock::now() + kPause, &State::SendSome);
  }
}

void ArpWatch::State::EndRound() {
  for (const auto& [index, link] : links_) Drain(*link);
  std::set<Question> asked;
  for (const auto& [question, unused] : round_) asked.insert(question);
  sightings_.EndRound(asked);
  answered_ = std::move(round_);
  round_.clear();
  KeepWatched(answered_);  // Watch() may have taken something away meanwhile
  in_round_ = false;
  const bool fault_changed = fault_.has_value() != round_fault_.has_value() ||
                             (fault_ && (fault_->reason != round_fault_->reason ||
                                         fault_->detail != round_fault_->detail));
  fault_ = round_fault_;
  const bool rows_changed = Judge();
  After(std::max(round_start_ + interval_, Clock::now()), &State::BeginRound);
  if ((fault_changed || rows_changed) && changed_) changed_();
}

// The wait does not keep the link: with the link its socket is closed, which ends the wait.
void ArpWatch::State::Listen(Link& link) {
  link.descriptor.async_wait(
      asio::posix::stream_descriptor::wait_read,
      [self = shared_from_this(), weak = link.weak_from_this()](boost::system::error_code error) {
        const std::shared_ptr<Link> open = weak.lock();
        if (error || !open) return;
        self->Listen(*open);
        if (self->Drain(*open)) self->JudgeAndTell();
      });
}

// Reads what is there, some packets at most. True: news.
bool ArpWatch::State::Drain(Link& link) {
  std::array<std::byte, 64> buffer;
  ReceivedPacket packet;
  bool news = false;
  for (int i = 0; i < kPacketsPerWakeUp; ++i) {
    const Received received = ReceivePacket(link.descriptor.native_handle(), buffer, packet);
    if (received == Received::kNothing) break;
    if (received == Received::kPacket && Note(link, packet)) news = true;
  }
  return news;
}

// True: news.
bool ArpWatch::State::Note(const Link& link, const ReceivedPacket& packet) {
  const std::optional<FrameSender> frame = SenderOf(packet);
  const std::optional<ArpPacket> arp = ParseArp(packet.bytes);
  if (!frame || !arp || frame->target == FrameTarget::kOthers) return false;
  const Mac& mac = arp->sender_mac;
  if (!vips_.contains(arp->sender) || own_macs_.contains(mac) || peers_.contains(mac)) return false;
  const bool answer =
      arp->operation == ArpPacket::Operation::kReply && frame->target == FrameTarget::kUs;
  return sightings_.Note(
      {arp->sender, link.interface, answer ? ArpLeak::Kind::kAnswers : ArpLeak::Kind::kAnnounces},
      mac,
      own_addresses_.contains(arp->sender) ? ArpSightings::Holder::kUs
                                           : ArpSightings::Holder::kOthers,
      Clock::now());
}

void ArpWatch::State::JudgeAndTell() {
  if (Judge() && changed_) changed_();
}

// True: rows_ changed.
bool ArpWatch::State::Judge() {
  LearnServerMacs();
  DoubtOurAddresses();
  const bool changed = UpdateRows();
  AwaitNextSuspect();
  return changed;
}

// What was ours when the round began may be the new VRRP master's by now.
void ArpWatch::State::DoubtOurAddresses() {
  if (!sightings_.HasSuspects()) return;
  auto addresses = routes_.Addresses();
  if (addresses.ok()) TakeAddresses(std::move(addresses.value()));
}

void ArpWatch::State::AwaitNextSuspect() {
  const std::optional<Clock::time_point> next = sightings_.NextSuspect(Clock::now());
  if (!next) return;
  settling_.expires_at(*next);
  settling_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error && self->running_) self->JudgeAndTell();
  });
}

// Kept when the kernel forgets: a server does not become a stranger by being silent.
void ArpWatch::State::LearnServerMacs() {
  std::set<Address> servers;
  for (const Subject& subject : subjects_) {
    servers.insert(subject.servers.begin(), subject.servers.end());
  }
  std::erase_if(server_macs_, [&](const auto& entry) { return !servers.contains(entry.first); });
  for (const int interface : sightings_.interfaces()) {
    const auto neighbours = routes_.Neighbours(interface);
    if (!neighbours.ok()) continue;  // those known so far stay
    for (const route::NeighbourEntry& entry : neighbours.value()) {
      if (!servers.contains(entry.address) || !entry.neighbour.resolved || !entry.neighbour.mac) {
        continue;
      }
      server_macs_[entry.address] = *entry.neighbour.mac;
    }
  }
}

// True: they changed.
bool ArpWatch::State::UpdateRows() {
  std::vector<ArpQuestion> questions;
  for (const auto& [question, asked] : answered_) {
    const auto link = links_.find(question.second);
    if (link == links_.end()) continue;
    questions.push_back({question.first, question.second, link->second->name, asked.servers});
  }
  std::vector<Row> rows = JudgeArp(questions, sightings_, server_macs_, Clock::now());
  const bool changed = rows != rows_;
  rows_ = std::move(rows);
  return changed;
}

ArpWatch::ArpWatch(asio::io_context& loop, route::RouteReader& routes,
                   std::function<void()> changed)
    : state_(std::make_shared<State>(loop, routes, std::move(changed))) {}

ArpWatch::~ArpWatch() { state_->Stop(); }

void ArpWatch::Watch(std::vector<Subject> subjects, std::vector<Mac> peers,
                     Clock::duration interval) {
  state_->Watch(std::move(subjects), std::move(peers), interval);
}

const std::vector<ArpWatch::Row>& ArpWatch::rows() const { return state_->rows(); }
std::optional<SocketFault> ArpWatch::fault() const { return state_->fault(); }

}  // namespace lvs::probes
