#include "collectors/checker/engine.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <map>
#include <random>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>

#include "collectors/checker/arp_events.h"
#include "collectors/checker/kin.h"
#include "collectors/checker/lateness.h"
#include "collectors/checker/ledger.h"
#include "collectors/checker/plan.h"
#include "collectors/checker/schedule.h"
#include "collectors/checker/set_up_events.h"
#include "collectors/checker/start_limits.h"
#include "collectors/checker/start_queue.h"
#include "collectors/probes/arp_watch.h"
#include "collectors/probes/tls_memory.h"

namespace lvs::checker {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using probes::Outcome;
using probes::Reason;
using probes::RunResult;

constexpr auto kHeartbeat = 100ms;
// How soon after the last one a snapshot follows that shows a change, or only newer numbers.
constexpr Clock::duration kPublishChange = 200ms;
constexpr Clock::duration kPublishNumbers = 1s;
constexpr auto kPass = 1s;
// How long the first plan waits for the first reading of the kernel's table.
constexpr auto kTablePatience = 5s;
// For how many pauses between two readings the last table holds, where they are long.
constexpr int kReadingsMissed = 3;
// Starts in one go, before the loop looks at sockets and timers again.
constexpr int kStartsAtOnce = 64;

Moment Now() { return {Clock::now(), std::chrono::system_clock::now()}; }

double SecondsOf(Clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// The same at every start of the program, so that the spread of the first runs is, too (FNV-1a).
std::uint64_t HashOf(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace

// Everything that lives on the engine's thread, which makes and ends it.
class Engine::Loop {
 public:
  // Both must outlive this.
  Loop(const EngineSources& sources, Published<Snapshot>& published)
      : sources_(sources),
        published_(published),
        ledger_(sources_.on_event),
        runner_(sources_.make_runner ? sources_.make_runner(context_, routes_)
                                     : probes::MakeRunner(context_, routes_)),
        arp_watch_(context_, routes_, [this] { TellArp(); }),
        heartbeat_(context_),
        wake_(context_),
        started_(Clock::now()) {
    next_beat_ = started_;
    ScheduleBeat();
  }

  // Returns after Stop(), which is for any thread.
  void Run() { context_.run(); }
  void Stop() { context_.stop(); }

 private:
  // What the schedule knows of a target, by position in the plan.
  struct Slot {
    Timing timing;
    Clock::duration interval{};        // the probe's, when due was set
    std::optional<std::uint64_t> run;  // in flight
    std::shared_ptr<probes::TlsMemory> tls_memory;
  };
  struct Flight {
    std::uint32_t target = 0;
    Clock::time_point start;
  };

  void ScheduleBeat() {
    next_beat_ += kHeartbeat;
    lateness_.Expect(next_beat_);
    heartbeat_.expires_at(next_beat_);
    heartbeat_.async_wait([this](const boost::system::error_code& error) {
      if (!error) Beat();
    });
  }

  void Beat() {
    const Moment now = Now();
    facts_.lag.Add(kDelayBounds, SecondsOf(lateness_.Beat(now.steady)));
    lateness_.Forget(now.steady - longest_timeout_ - 1s);
    // Beats that were missed are not made up.
    while (next_beat_ + kHeartbeat <= now.steady) next_beat_ += kHeartbeat;
    ScheduleBeat();

    UpdatePlan(now);
    if (!ledger_.plan()) return;
    if (now.steady - passed_ >= kPass) Pass(now);
    Publish(now);
  }

  void Pass(Moment now) {
    passed_ = now.steady;
    ledger_.Pass(now);
    director_ = sources_.director ? sources_.director() : nullptr;
    const auto audit = sources_.audit ? sources_.audit() : nullptr;
    const bool audit_is_new = audit != audit_;
    audit_ = audit;
    LookForVips();
    if (director_) Tell(set_up_events_.Changes(*director_, now.wall));
    if (audit_ && audit_is_new) Tell(set_up_events_.Changes(*audit_, now.wall));
  }

  void Tell(std::vector<Event> events) {
    for (Event& event : events) ledger_.Tell(std::move(event));
  }

  // Whether this director carries a service: one of its VIPs is local, as an address or by a local
  // route, and VRRP does not say otherwise. A mark whose VIPs nobody tells goes with the role.
  void LookForVips() {
    std::map<std::pair<Address, std::uint32_t>, std::optional<bool>> carried;  // with its mark
    const Plan& plan = *ledger_.plan();
    for (std::uint32_t i = 0; i < plan.services.size(); ++i) {
      const PlannedService& service = plan.services[i];
      const bool is_mark = service.key.protocol == ipvs::Protocol::kFwmark;
      const bool is_open = is_mark && service.vips.empty();
      const std::span<const Address> vips = is_open ? FedVips(service.key) : service.vips;
      std::optional<bool> active;
      for (const Address& vip : vips) {
        const auto [entry, is_new] = carried.try_emplace({vip, service.key.fwmark});
        if (is_new) entry->second = IsCarried(vip, service.key.fwmark);
        if (entry->second) active = active.value_or(false) || *entry->second;
      }
      if (!active && is_mark) active = IsMaster();
      ledger_.SetActive(i, active);
    }
  }

  // The addresses whose packets get a mark, as far as rules name single ones.
  std::span<const Address> FedVips(const ipvs::ServiceKey& key) const {
    return audit_ ? audit::FedAddresses(*audit_, key) : std::span<const Address>();
  }

  std::optional<bool> IsMaster() const {
    if (!director_ || director_->conclusion.role == director::Role::kUnknown) return std::nullopt;
    return director_->conclusion.role == director::Role::kMaster;
  }

  // What the director collector knows need not be asked again.
  std::optional<bool> IsKnownLocal(const Address& vip) const {
    if (!director_ || !director_->vips) return std::nullopt;
    const auto found = std::ranges::lower_bound(*director_->vips, vip, {}, &director::Vip::address);
    return found != director_->vips->end() && found->address == vip ? found->is_local
                                                                    : std::nullopt;
  }

  // mark: of a mark service, else 0. Policy routing may deliver marked packets to an address that
  // is nowhere here.
  std::optional<bool> IsCarried(const Address& vip, std::uint32_t mark) {
    std::optional<bool> local = IsKnownLocal(vip);
    if (!local) local = IsLocal(vip, 0);
    if (mark != 0 && local && !*local) local = IsLocal(vip, mark);
    if (!local || !*local || !director_) return local;
    return director::Carries(*director_, vip);
  }

  std::optional<bool> IsLocal(const Address& address, std::uint32_t mark) {
    const Result<route::Route> route = routes_.Lookup(address, mark);
    if (route.ok()) return route.value().local;
    if (route.error().code == ErrorCode::kNotFound) return false;  // no route at all
    return std::nullopt;
  }

  void UpdatePlan(Moment now) {
    const std::shared_ptr<const Configuration> configuration = sources_.configuration.Get();
    const std::shared_ptr<const ipvs::LatestReading> latest = sources_.table.Get();
    const std::shared_ptr<const ipvs::Table> table = latest ? latest->table : nullptr;
    const Plan* before = ledger_.plan().get();
    const bool read_failed = latest && latest->error;
    if (before == nullptr && !table && !read_failed && now.steady - started_ < kTablePatience) {
      return;
    }

    const bool is_known = table && IsCurrent(latest, now.steady);
    const std::shared_ptr<const ipvs::Table> old_table = std::exchange(table_, table);
    const bool same_members =
        table == old_table || (table && old_table && SameMembers(*table, *old_table));
    const bool expired = before != nullptr && IsExpired(*before, now.steady);
    if (before == nullptr || !same_members || expired || before->table_known != is_known ||
        before->configuration != configuration) {
      Adopt(
          MakePlan(configuration, {table.get(), is_known}, before, now.steady, ledger_.Verdicts()),
          now);
    } else if (table && table != old_table && !SameWeights(*table, *old_table)) {
      ledger_.Reweigh(WithWeights(*before, *table), now);
    }
  }

  // Whether something that the plan retains is to be forgotten.
  bool IsExpired(const Plan& plan, Clock::time_point now) const {
    return (plan.next_expiry && *plan.next_expiry <= now) ||
           std::ranges::any_of(plan.kept_down, [this](std::uint32_t backend) {
             return ledger_.verdict(backend) == Verdict::kUp;
           });
  }

  // Whether the last table still tells how things are. A reading that fails now and then does not
  // matter; one that never ends does. latest is never null.
  bool IsCurrent(const std::shared_ptr<const ipvs::LatestReading>& latest, Clock::time_point now) {
    // While this process stands still nobody else in it reads: that time does not count.
    const Clock::duration passed = now - std::exchange(looked_at_, now);
    if (silence_) *silence_ += std::min<Clock::duration>(passed, kPass);
    const bool is_new = std::exchange(reading_, latest) != latest;
    if (is_new && latest->current) silence_ = Clock::duration::zero();
    if (latest->error && latest->error->code == ErrorCode::kModuleAbsent) return false;
    return silence_ &&
           *silence_ < std::max(sources_.table_patience, kReadingsMissed * latest->next_after);
  }

  void Adopt(std::shared_ptr<const Plan> plan, Moment now) {
    const Birth birth = ledger_.plan() ? Birth::kLater : Birth::kAtStart;
    const std::vector<std::optional<std::uint32_t>> origins = ledger_.Adopt(std::move(plan), now);
    const Plan& adopted = *ledger_.plan();
    std::vector<Slot> old = std::exchange(slots_, {});
    std::unordered_map<std::uint64_t, Flight> old_runs = std::exchange(runs_, {});
    queue_.Clear();
    const FittingLimits fitting = LimitsFor(adopted, DescriptorsForProbes());
    queue_.SetLimits(fitting.limits);
    if (!fitting.note.empty()) TellNote(fitting.note);
    runner_->SetMaxPerAddress(adopted.configuration->limits.max_per_address);
    kin_ = Kin(adopted);
    longest_timeout_ = {};
    for (std::uint32_t i = 0; i < adopted.targets.size(); ++i) {
      const probes::Probe& probe = adopted.targets[i].probe->probe();
      longest_timeout_ = std::max<Clock::duration>(longest_timeout_, probe.timeout);
      if (origins[i]) {
        Slot& slot = old[*origins[i]];
        // A shorter interval holds from now on, not only after the longer one has passed.
        if (probe.interval < slot.interval) {
          slot.timing.due = std::min(slot.timing.due,
                                     FirstStart(PeriodsOf(probe), HashOf(adopted.targets[i].labels),
                                                Birth::kLater, now.steady));
          slot.timing.regular.reset();
        }
        slot.interval = probe.interval;
        KeepSlot(i, std::move(slot), old_runs);
      } else {
        Slot slot;
        slot.timing.due =
            FirstStart(PeriodsOf(probe), HashOf(adopted.targets[i].labels), birth, now.steady);
        slot.timing.period = slot.interval = probe.interval;
        if (probes::HasTls(probe.type)) slot.tls_memory = probes::MakeTlsMemory();
        slots_.push_back(std::move(slot));
        Enqueue(i);
      }
    }
    TellNotes(adopted);
    arp_watch_.Watch(ArpSubjects(adopted), {}, adopted.configuration->arp_leak_interval);
    Pass(now);
    Pump();
  }

  void KeepSlot(std::uint32_t target, Slot slot,
                const std::unordered_map<std::uint64_t, Flight>& old_runs) {
    slots_.push_back(std::move(slot));
    const std::optional<std::uint64_t>& run = slots_.back().run;
    if (!run) {
      Enqueue(target);
      return;
    }
    Flight moved = old_runs.at(*run);
    moved.target = target;
    runs_.emplace(*run, moved);
  }

  void TellNotes(const Plan& plan) {
    for (const std::string& note : plan.notes) TellNote(note);
  }

  void TellNote(const std::string& note) {
    constexpr std::size_t kMostNotes = 10'000;
    if (told_notes_.size() == kMostNotes) return;
    if (told_notes_.insert(note).second && sources_.on_note) sources_.on_note(note);
  }

  // What is new about ARP: leaks that begin or end, and why we cannot look.
  void TellArp() {
    verdicts_changed_ = true;
    if (const auto fault = arp_watch_.fault()) {
      const bool may_not = fault->reason == Reason::kLocalPermission;
      TellNote("ARP is not watched: " + std::string(probes::Name(fault->reason)) +
               (may_not ? " (CAP_NET_RAW), " : ", ") + fault->detail);
    }
    Tell(arp_events_.Changes(arp_watch_.rows(), std::chrono::system_clock::now()));
  }

  void Enqueue(std::uint32_t target) {
    const Health& health = TopHealth(ledger_.plan()->targets[target], ledger_.target(target));
    queue_.Add(target, slots_[target].timing.due,
               IsPending(health) ? Urgency::kPending : Urgency::kNormal);
  }

  // Starts what is due, a little at a time, and sets the timer for the rest.
  void Pump() {
    const Clock::time_point now = Clock::now();
    for (int started = 0; started < kStartsAtOnce; ++started) {
      const std::optional<StartQueue::Start> start = queue_.Take(now, in_flight_);
      if (!start) break;
      StartRun(*start);
    }
    const std::optional<Clock::time_point> wake = queue_.WakeAt(now, in_flight_);
    if (wake == wake_at_) return;
    wake_at_ = wake;
    if (!wake) {
      wake_.cancel();
      return;
    }
    wake_.expires_at(*wake);
    wake_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      wake_at_.reset();
      Pump();
    });
  }

  void StartRun(const StartQueue::Start& start) {
    const Moment now = Now();
    const std::uint32_t index = start.target;
    Slot& slot = slots_[index];
    facts_.start_delay.Add(kDelayBounds, SecondsOf(now.steady - start.due));
    if (const std::uint64_t lost = LostSlots(start.due, now.steady, slot.timing.period); lost > 0) {
      (start.throttled ? facts_.skipped_throttled : facts_.skipped_late) += lost;
      ledger_.Lose(index, lost, start.throttled ? Reason::kLocalThrottled : Reason::kLocalOverload,
                   now);
      slot.timing.due += static_cast<Clock::rep>(lost) * slot.timing.period;
    }
    const Target& target = ledger_.plan()->targets[index];
    const std::uint64_t run = ++last_run_;
    slot.run = run;
    runs_.emplace(run, Flight{index, now.steady});
    ++in_flight_;
    runner_->Start({target.probe, target.key.address, target.key.port, target.key.via, now.steady,
                    slot.tls_memory},
                   target.accept_macs,
                   [this, run](RunResult result) { Finish(run, std::move(result)); });
  }

  void Finish(std::uint64_t run, RunResult result) {
    --in_flight_;
    const auto found = runs_.find(run);
    if (found == runs_.end()) {  // its target has left the plan
      Pump();
      return;
    }
    const Flight ended = found->second;
    runs_.erase(found);
    const Moment now = Now();
    const Target& target = ledger_.plan()->targets[ended.target];
    result.total = now.steady - ended.start;
    ExcuseServer(target, ended, now.steady, result);
    if (result.reason == Reason::kLocalPermission) {
      const probes::ProbeType type = target.probe->probe().type;
      const bool is_raw = type == probes::ProbeType::kIcmp || type == probes::ProbeType::kDr;
      TellNote("probe " + target.key.probe + " lacks a permission" +
               (is_raw ? " (CAP_NET_RAW): " : ": ") + result.detail);
    }
    const Health before = TopHealth(target, ledger_.target(ended.target));
    ledger_.Finish(ended.target, result, now);
    const Health& after = TopHealth(target, ledger_.target(ended.target));
    Slot& slot = slots_[ended.target];
    slot.run.reset();
    slot.timing = TimingAfter(slot.timing, PeriodsOf(target.probe->probe()), before, after,
                              result.outcome, now.steady, chance_(random_));
    Enqueue(ended.target);
    if (IsFirstSign(before, after)) BringKinForward(ended.target, before.verdict, now.steady);
    Pump();
  }

  // Servers that die together are to be called down together, not each in its own rhythm: whoever
  // reads the page in between sees half a failure. The same when they come back.
  void BringKinForward(std::uint32_t target, Verdict verdict, Clock::time_point now) {
    const Plan& plan = *ledger_.plan();
    for (const std::uint32_t kin : kin_.Of(plan, target)) {
      Slot& slot = slots_[kin];
      const Target& planned = plan.targets[kin];
      const Health& health = TopHealth(planned, ledger_.target(kin));
      if (slot.run || health.verdict != verdict) continue;
      if (const auto timing = BroughtForward(slot.timing, PeriodsOf(planned.probe->probe()), health,
                                             HashOf(planned.labels), now)) {
        slot.timing = *timing;
        Enqueue(kin);
      }
    }
  }

  // A time-out that we may have made ourselves says nothing about the server, and neither does a
  // connection that it ended while we stood still.
  void ExcuseServer(const Target& target, const Flight& run, Clock::time_point now,
                    RunResult& result) {
    if (!probes::MayComeOfAStall(result.reason)) return;
    const Clock::duration timeout = target.probe->probe().timeout;
    const Clock::duration late =
        std::max(lateness_.Since(run.start, now), now - (run.start + timeout));
    if (late > timeout / 4) {
      Excuse(result, Reason::kLocalOverload);
    } else if (target.masqueraded && probes::IsTimeout(result.reason) && NatDropsOurAnswers()) {
      Excuse(result, Reason::kLocalConfig);
    }
  }

  static void Excuse(RunResult& result, Reason reason) {
    result.detail = std::string(probes::Name(result.reason)) + " through our own fault";
    result.outcome = Outcome::kInconclusive;
    result.reason = reason;
  }

  // With nat_icmp_send the kernel drops what a masqueraded server answers to the director's own
  // connections (seen on Linux 6.1).
  bool NatDropsOurAnswers() const {
    return table_ && std::ranges::any_of(table_->sysctls, [](const ipvs::Sysctl& sysctl) {
             return sysctl.name == "nat_icmp_send" && sysctl.value != 0;
           });
  }

  void Publish(Moment now) {
    verdicts_changed_ = ledger_.TakeVerdictsChanged() || verdicts_changed_;
    const Clock::duration age = now.steady - published_at_;
    if (age < (verdicts_changed_ ? kPublishChange : kPublishNumbers)) return;
    Snapshot snapshot = ledger_.Take(now);
    facts_.in_flight = in_flight_;
    snapshot.loop = facts_;
    snapshot.arp = arp_watch_.rows();
    published_.Set(std::make_shared<const Snapshot>(std::move(snapshot)));
    published_at_ = now.steady;
    verdicts_changed_ = false;
  }

  const EngineSources& sources_;
  Published<Snapshot>& published_;
  // What runs use comes before the context, which drops them at the end.
  route::RouteReader routes_;
  Ledger ledger_;
  std::vector<Slot> slots_;
  // In flight, of targets of the plan. Of others, too, until they end: in_flight_ counts both.
  std::unordered_map<std::uint64_t, Flight> runs_;
  std::size_t in_flight_ = 0;
  StartQueue queue_;
  Kin kin_;  // of the plan
  Lateness lateness_;
  LoopFacts facts_;
  std::shared_ptr<const ipvs::Table> table_;            // the plan's, or one with the same members
  std::shared_ptr<const ipvs::LatestReading> reading_;  // the last that was looked at
  Clock::time_point looked_at_;
  // How long no reading has given the table; absent: none ever has.
  std::optional<Clock::duration> silence_;
  std::set<std::string> told_notes_;
  ArpEvents arp_events_;
  SetUpEvents set_up_events_;
  std::shared_ptr<const director::Snapshot> director_;  // null while nobody knows
  std::shared_ptr<const audit::Report> audit_;          // the same
  Clock::duration longest_timeout_{};
  Clock::time_point next_beat_;
  Clock::time_point passed_;
  Clock::time_point published_at_;
  std::uint64_t last_run_ = 0;
  bool verdicts_changed_ = false;
  std::minstd_rand random_{std::random_device{}()};
  std::uniform_real_distribution<double> chance_{0, 1};

  asio::io_context context_{1};
  std::unique_ptr<probes::Runner> runner_;
  probes::ArpWatch arp_watch_;
  asio::steady_timer heartbeat_;
  asio::steady_timer wake_;
  std::optional<Clock::time_point> wake_at_;  // while wake_ is set
  const Clock::time_point started_;
};

Engine::Engine(EngineSources sources, Published<Snapshot>& published)
    : sources_(std::move(sources)), published_(published), thread_([this] { Run(); }) {}

Engine::~Engine() {
  Stop();
  thread_.join();
}

void Engine::Stop() {
  const std::scoped_lock lock(mutex_);
  stopping_ = true;
  if (loop_ != nullptr) loop_->Stop();
  wake_.notify_one();
}

// Thread entry. An exception is missing memory, and what it interrupted is half done: better no
// word than a wrong one.
void Engine::Run() {
  do {
    try {
      return RunOnce();
    } catch (const std::exception&) {
      failed_ = true;
      published_.Set(nullptr);
    }
  } while (Rest());
}

// Returns after Stop().
void Engine::RunOnce() {
  Loop loop(sources_, published_);
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_) return;
    loop_ = &loop;
  }
  struct Leave {
    Engine& engine;
    ~Leave() {
      const std::scoped_lock lock(engine.mutex_);
      engine.loop_ = nullptr;
    }
  } leave{*this};
  failed_ = false;
  loop.Run();
}

// False: it is over.
bool Engine::Rest() {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, sources_.rest, [this] { return stopping_; });
}

}  // namespace lvs::checker
