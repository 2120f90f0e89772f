#include "collectors/probes/arp_watch.h"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include "collectors/probes/address_claim.h"
#include "collectors/probes/claim_socket.h"

namespace lvs::probes {
namespace {

namespace asio = boost::asio;
using route::Mac;

constexpr auto kCollect = std::chrono::seconds(1);
// The questions reach every host of the link: some at a time.
constexpr std::size_t kQuestionsAtOnce = 32;
constexpr auto kPause = std::chrono::milliseconds(10);

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
  using Question = std::pair<Address, int>;         // virtual address, interface
  using SocketKey = std::pair<int, AddressFamily>;  // interface, and whose protocol

  // What a round asks on one interface.
  struct Asked {
    std::optional<Address> sender;
    std::set<Address> servers;
  };

  void BeginRound();
  bool FindHost();
  void TakeAddresses(std::vector<route::InterfaceAddress> addresses);
  void FindServers();
  void OpenSockets();
  void OpenSocket(const route::Interface& interface, AddressFamily family);
  static SocketKey KeyOf(const Question& question) {
    return {question.second, question.first.family};
  }
  ClaimSocket* SocketFor(const Question& question) const;
  void SendSome();
  void EndRound();
  void After(Clock::time_point time, void (State::*next)());

  bool Drain(ClaimSocket& socket);
  bool Note(const AddressClaim& claim, int interface);

  void KeepWatched(std::map<Question, Asked>& asked) const;
  void JudgeAndTell();
  bool Judge();
  void LearnServerMacs();
  void DoubtOurAddresses();
  bool UpdateRows();
  void AwaitNextSuspect();
  void Report(const SocketFault& fault);

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

  std::map<SocketKey, std::shared_ptr<ClaimSocket>> sockets_;
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
  sockets_.clear();  // closes them, which ends the waits
  round_.clear();
  answered_.clear();
  sightings_.Clear();
  server_macs_.clear();
  rows_.clear();
  fault_.reset();
}

void ArpWatch::State::Watch(std::vector<Subject> subjects, std::vector<Mac> peers,
                            Clock::duration interval) {
  std::erase_if(subjects, [](const Subject& subject) { return subject.servers.empty(); });
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
    OpenSockets();
  }
  for (const auto& [question, asked] : round_) to_send_.push_back(question);
  SendSome();
}

void ArpWatch::State::Report(const SocketFault& fault) {
  if (!round_fault_) round_fault_ = fault;
}

bool ArpWatch::State::FindHost() {
  auto interfaces = routes_.Interfaces();
  auto addresses = routes_.Addresses();
  if (!interfaces.ok() || !addresses.ok()) {
    Report({Reason::kLocalConfig,
            interfaces.ok() ? addresses.error().message : interfaces.error().message});
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
  std::map<Address, std::optional<route::Route>> ways;
  for (const Subject& subject : subjects_) {
    for (const Address& server : subject.servers) {
      const auto [way, is_new] = ways.try_emplace(server);
      if (is_new) {
        auto found = routes_.Lookup(server);
        if (found.ok() && found.value().on_link && !found.value().local) {
          way->second = found.value();
        } else if (!found.ok() && found.error().code != ErrorCode::kNotFound) {
          Report({Reason::kLocalConfig, found.error().message});
        }
      }
      if (!way->second) continue;
      const route::Route& route = *way->second;
      Asked& asked = round_[{subject.vip, route.interface}];
      asked.servers.insert(server);
      if (!asked.sender) asked.sender = ChooseSender(route, server, addresses_, vips_);
    }
  }
}

// Where there are no more questions the socket goes, where there is no socket the questions.
void ArpWatch::State::OpenSockets() {
  std::set<SocketKey> needed;
  for (const auto& [question, asked] : round_) needed.insert(KeyOf(question));
  std::erase_if(sockets_, [&](const auto& entry) {
    return !needed.contains(entry.first) || entry.second->IsGone();
  });
  for (const route::Interface& interface : interfaces_) {
    if (!interface.mac) continue;
    for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
      if (needed.contains({interface.index, family})) OpenSocket(interface, family);
    }
  }
  std::erase_if(round_, [&](const auto& entry) { return SocketFor(entry.first) == nullptr; });
}

void ArpWatch::State::OpenSocket(const route::Interface& interface, AddressFamily family) {
  const SocketKey key = {interface.index, family};
  if (const auto found = sockets_.find(key); found != sockets_.end()) {
    if (const auto fault = found->second->Update(interface, vips_)) {
      Report(*fault);
      sockets_.erase(found);
    }
    return;
  }
  const ClaimSocket::Opened opened = ClaimSocket::Open(loop_, interface, family, vips_);
  if (const auto* fault = std::get_if<SocketFault>(&opened)) {
    Report(*fault);
    return;
  }
  const auto& made = std::get<std::shared_ptr<ClaimSocket>>(opened);
  sockets_[key] = made;
  made->Listen([self = shared_from_this()](ClaimSocket& socket) {
    if (self->Drain(socket)) self->JudgeAndTell();
  });
}

ClaimSocket* ArpWatch::State::SocketFor(const Question& question) const {
  const auto found = sockets_.find(KeyOf(question));
  return found == sockets_.end() ? nullptr : found->second.get();
}

void ArpWatch::State::SendSome() {
  for (std::size_t i = 0; i < kQuestionsAtOnce && !to_send_.empty(); ++i) {
    const Question question = to_send_.back();
    to_send_.pop_back();
    const auto asked = round_.find(question);
    ClaimSocket* const socket = SocketFor(question);
    if (asked == round_.end() || socket == nullptr) continue;
    const auto fault = socket->Ask(question.first, asked->second.sender);
    if (!fault) continue;
    Report(*fault);
    round_.erase(asked);
  }
  if (to_send_.empty()) {
    After(Clock::now() + kCollect, &State::EndRound);
  } else {
    After(Clock::now() + kPause, &State::SendSome);
  }
}

void ArpWatch::State::EndRound() {
  for (const auto& [key, socket] : sockets_) Drain(*socket);
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

// True: news.
bool ArpWatch::State::Drain(ClaimSocket& socket) {
  bool news = false;
  for (const AddressClaim& claim : socket.Receive()) {
    if (Note(claim, socket.interface())) news = true;
  }
  return news;
}

// True: news.
bool ArpWatch::State::Note(const AddressClaim& claim, int interface) {
  if (!vips_.contains(claim.address) || own_macs_.contains(claim.mac) ||
      peers_.contains(claim.mac)) {
    return false;
  }
  return sightings_.Note({claim.address, interface, claim.kind}, claim.mac,
                         own_addresses_.contains(claim.address) ? ArpSightings::Holder::kUs
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
    const ClaimSocket* const socket = SocketFor(question);
    if (socket == nullptr) continue;
    questions.push_back({question.first, question.second, socket->name(), asked.servers});
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
