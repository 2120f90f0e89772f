// The checker's memory: what results have made of every target, backend and service of the plan.
// No socket, clock or thread inside; time comes as an argument.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "collectors/checker/plan.h"
#include "collectors/checker/snapshot.h"
#include "collectors/clock.h"

namespace lvs::checker {

// Both clocks of one moment.
struct Moment {
  Clock::time_point steady;
  WallTime wall;
};

// Owned by the checker's loop.
class Ledger {
 public:
  // Events kept for /api/v1/events: as many as there are when everything changes once, inside these
  // limits.
  static constexpr std::size_t kLeastEvents = 1000;
  static constexpr std::size_t kMostEvents = 10'000;
  // Targets and backends that have left the plan and are remembered in case they come back.
  static constexpr std::size_t kMostParked = 65'536;

  // on_event is called for every event as it happens; it may be empty.
  explicit Ledger(std::function<void(const Event&)> on_event) : on_event_(std::move(on_event)) {}

  // Goes over to a new plan. The state of a target is kept where its key and its question are
  // unchanged, that of a backend where service and backend are. What is new is born now. What left
  // is remembered for the configuration's absent_retention. Gives for every target of the plan its
  // position in the plan before; absent for a target that starts anew.
  std::vector<std::optional<std::uint32_t>> Adopt(std::shared_ptr<const Plan> plan, Moment now);

  // Goes over to a plan with the same members at the same positions and other weights.
  void Reweigh(std::shared_ptr<const Plan> plan, Moment now);

  // Never null after the first Adopt.
  const std::shared_ptr<const Plan>& plan() const { return plan_; }
  const TargetState& target(std::uint32_t target) const { return *targets_[target].state; }

  Verdict verdict(std::uint32_t backend) const { return backends_[backend].verdict; }
  // Of all backends of the plan, by position.
  std::vector<Verdict> Verdicts() const;

  // Whether something else than counters and times of results has changed since the last call.
  bool TakeVerdictsChanged() { return std::exchange(verdicts_changed_, false); }

  // A run of a target has ended.
  void Finish(std::uint32_t target, const probes::RunResult& result, Moment now);

  // Slots of a target that were not used through our own fault: so many inconclusive results.
  void Lose(std::uint32_t target, std::uint64_t slots, probes::Reason reason, Moment now);

  // What the passing of time does: verdicts go stale, flapping ends.
  void Pass(Moment now);

  // Whether this director carries the service's traffic; absent: not known.
  void SetActive(std::uint32_t service, std::optional<bool> active);

  // Tells on_event and remembers; the ledger itself tells what it finds out.
  void Tell(Event event);

  // Everything but the loop's facts and the ARP rows, which the caller adds.
  Snapshot Take(Moment now) const;

 private:
  // The state of a target, and the snapshot up to which it may be in others' hands.
  struct Held {
    std::shared_ptr<TargetState> state;
    std::uint64_t taken = 0;
  };
  struct ParkedTarget {
    Held held;
    ProbePointer probe;
    Clock::time_point since;
  };
  struct Parked {
    BackendHealth health;
    FlapDetector flaps;
    Clock::time_point since;
  };
  using BackendId = std::pair<ipvs::ServiceKey, ipvs::BackendKey>;

  // The state to be changed: a copy where a snapshot has it, too.
  TargetState& Edit(std::uint32_t target);
  void DropParked(Moment now);
  std::vector<std::optional<std::uint32_t>> AdoptTargets(const Plan* before, Moment now);
  void AdoptBackends(const Plan* before, Moment now);
  void AdoptServices(const Plan* before);
  void TellTableChanges(const Plan& before, Moment now);
  // Why a verdict is judged: what comes from a new plan is our own doing and no transition.
  enum class Cause : std::uint8_t { kResults, kPlan };
  void JudgeBackend(std::uint32_t backend, Cause cause, Moment now);
  // The backends that use a target, then each of their services once.
  void JudgeUsers(std::uint32_t target, Moment now);
  void Expire(std::uint32_t target, Moment now);
  void JudgeService(std::uint32_t service, Moment now);
  void SetVerdict(std::uint32_t backend, Verdict verdict, Cause cause, Moment now);
  void SetState(BackendHealth& health, BackendState state, Moment now);
  void TellVerdict(std::uint32_t backend, Verdict verdict, bool transition, Moment now);
  std::size_t EventsToKeep() const;
  std::optional<std::uint64_t> DistinctCertificates(std::uint32_t service) const;

  const std::function<void(const Event&)> on_event_;
  std::shared_ptr<const Plan> plan_;
  std::vector<Held> targets_;  // by position in the plan, as the next three
  std::vector<BackendHealth> backends_;
  std::vector<FlapDetector> flaps_;
  std::vector<ServiceHealth> services_;
  std::map<TargetKey, ParkedTarget> parked_targets_;
  std::map<BackendId, Parked> parked_backends_;
  std::deque<std::shared_ptr<const Event>> events_;      // newest first
  mutable std::shared_ptr<const Events> shared_events_;  // of events_; null: made anew when asked
  bool verdicts_changed_ = false;
  mutable std::uint64_t snapshots_ = 0;  // taken so far
};

}  // namespace lvs::checker
