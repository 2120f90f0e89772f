#include "collectors/checker/ledger.h"

#include <algorithm>
#include <set>
#include <utility>

namespace lvs::checker {
namespace {

using probes::Layer;
using probes::Outcome;
using probes::Reason;

// What a run's result says about one layer: a failure at a layer is a success of those below.
Outcome OutcomeFor(Layer layer, const probes::RunResult& result) {
  if (result.outcome != Outcome::kFailure) return result.outcome;
  return probes::LayerOf(result.reason).value_or(Layer::kL3) > layer ? Outcome::kSuccess
                                                                     : Outcome::kFailure;
}

void Count(TargetState& state, Reason reason, std::uint64_t runs = 1) {
  for (auto& [known, count] : state.failures) {
    if (known != reason) continue;
    count += runs;
    return;
  }
  state.failures.emplace_back(reason, runs);
}

// Whether what the run saw of the certificate takes the place of what was known before. Not when
// the run is our own fault, and not when a handshake that did not end would replace one that did.
bool TellsOfCertificate(const TargetState& state, const probes::RunResult& result) {
  if (!result.certificate || result.outcome == Outcome::kInconclusive) return false;
  return result.certificate->complete || !state.certificate || !state.certificate->complete;
}

float Seconds(Clock::duration duration) { return std::chrono::duration<float>(duration).count(); }

void Record(TargetState& state, const probes::RunResult& result, WallTime at) {
  ++state.results[static_cast<std::size_t>(result.outcome)];
  state.last_run = at;
  state.history.Add(
      {at, result.outcome, result.reason, Seconds(result.total),
       result.detail.empty() ? nullptr : std::make_shared<const std::string>(result.detail)});
  if (result.icmp) {
    state.icmp_sent += result.icmp->sent;
    state.icmp_received += result.icmp->received;
    state.icmp_duplicates += result.icmp->duplicates;
    if (result.icmp->round_trip) state.round_trip = result.icmp->round_trip;
  }
  if (TellsOfCertificate(state, result)) state.certificate = result.certificate;
  if (result.reason != Reason::kNone) Count(state, result.reason);
  if (result.outcome == Outcome::kInconclusive) return;
  const double seconds = std::chrono::duration<double>(result.total).count();
  state.duration_seconds += seconds;
  state.phases = result.phases;
  state.total = static_cast<float>(seconds);
  state.http_status = result.http_status;
  state.http_body_bytes = result.http_body_bytes;
  state.drain = result.drain;
  if (result.outcome == Outcome::kFailure) state.last_failure = result.reason;
}

TargetState BornTarget(Clock::time_point now) {
  TargetState state;
  state.layers.fill(Born(now));
  return state;
}

std::string WeightText(const PlannedBackend& backend) {
  return backend.in_table ? std::to_string(backend.weight) : "absent";
}

// The key of a backend that stays the same from plan to plan.
std::pair<ipvs::ServiceKey, ipvs::BackendKey> IdOf(const Plan& plan,
                                                   const PlannedBackend& backend) {
  return {plan.services[backend.service].key, backend.key};
}

}  // namespace

std::vector<Verdict> Ledger::Verdicts() const {
  std::vector<Verdict> verdicts;
  for (const BackendHealth& health : backends_) verdicts.push_back(health.verdict);
  return verdicts;
}

std::vector<std::optional<std::uint32_t>> Ledger::Adopt(std::shared_ptr<const Plan> plan,
                                                        Moment now) {
  const std::shared_ptr<const Plan> before = std::exchange(plan_, std::move(plan));
  const std::vector<std::optional<std::uint32_t>> origins = AdoptTargets(before.get(), now);
  AdoptServices(before.get());
  AdoptBackends(before.get(), now);
  DropParked(now);
  if (before) TellTableChanges(*before, now);
  for (std::uint32_t i = 0; i < targets_.size(); ++i) Expire(i, now);
  for (std::uint32_t i = 0; i < backends_.size(); ++i) JudgeBackend(i, Cause::kPlan, now);
  for (std::uint32_t i = 0; i < services_.size(); ++i) JudgeService(i, now);
  verdicts_changed_ = true;
  return origins;
}

void Ledger::Reweigh(std::shared_ptr<const Plan> plan, Moment now) {
  const std::shared_ptr<const Plan> before = std::exchange(plan_, std::move(plan));
  TellTableChanges(*before, now);
  for (std::uint32_t i = 0; i < services_.size(); ++i) JudgeService(i, now);
  verdicts_changed_ = true;
}

std::vector<std::optional<std::uint32_t>> Ledger::AdoptTargets(const Plan* before, Moment now) {
  std::vector<Held> old = std::exchange(targets_, {});
  std::map<TargetKey, std::uint32_t> old_positions;
  for (std::uint32_t i = 0; i < old.size(); ++i) {
    old_positions.emplace(before->targets[i].key, i);
  }
  std::vector<std::optional<std::uint32_t>> origins;
  for (const Target& target : plan_->targets) {
    const auto known = old_positions.find(target.key);
    if (known != old_positions.end()) {
      const std::uint32_t position = known->second;
      old_positions.erase(known);
      const probes::Probe& old_probe = before->targets[position].probe->probe();
      if (SameQuestion(old_probe, target.probe->probe())) {
        targets_.push_back(std::move(old[position]));
        origins.emplace_back(position);
        // With less patience than before the silence counts from now.
        if (target.probe->probe().stale_after < old_probe.stale_after) {
          TargetState& state = Edit(static_cast<std::uint32_t>(targets_.size() - 1));
          for (Health& health : state.layers) health.last_conclusive = now.steady;
        }
        continue;
      }
    }
    origins.emplace_back();
    const auto parked = parked_targets_.find(target.key);
    if (parked != parked_targets_.end() &&
        SameQuestion(parked->second.probe->probe(), target.probe->probe())) {
      targets_.push_back(std::move(parked->second.held));
      parked_targets_.erase(parked);
    } else {
      targets_.push_back({std::make_shared<TargetState>(BornTarget(now.steady)), snapshots_});
    }
  }
  for (const auto& [key, position] : old_positions) {
    if (parked_targets_.size() >= kMostParked) break;
    parked_targets_.insert_or_assign(
        key, ParkedTarget{std::move(old[position]), before->targets[position].probe, now.steady});
  }
  return origins;
}

void Ledger::AdoptBackends(const Plan* before, Moment now) {
  std::vector<BackendHealth> old = std::exchange(backends_, {});
  std::vector<FlapDetector> old_flaps = std::exchange(flaps_, {});
  for (std::uint32_t i = 0; i < old.size(); ++i) {
    SetState(old[i], old[i].state == BackendState::kDown ? BackendState::kUnknown : old[i].state,
             now);  // the time in state down stops for what leaves
    parked_backends_.insert_or_assign(
        IdOf(*before, before->backends[i]),
        Parked{std::move(old[i]), std::move(old_flaps[i]), now.steady});
  }
  for (const PlannedBackend& backend : plan_->backends) {
    const auto parked = parked_backends_.find(IdOf(*plan_, backend));
    if (parked == parked_backends_.end()) {
      backends_.emplace_back();
      flaps_.emplace_back();
      continue;
    }
    backends_.push_back(std::move(parked->second.health));
    flaps_.push_back(std::move(parked->second.flaps));
    parked_backends_.erase(parked);
  }
}

void Ledger::AdoptServices(const Plan* before) {
  std::vector<ServiceHealth> old = std::exchange(services_, {});
  std::map<ipvs::ServiceKey, std::uint32_t> old_positions;
  for (std::uint32_t i = 0; i < old.size(); ++i) {
    old_positions.emplace(before->services[i].key, i);
  }
  for (const PlannedService& service : plan_->services) {
    const auto known = old_positions.find(service.key);
    services_.push_back(known == old_positions.end() ? ServiceHealth()
                                                     : std::move(old[known->second]));
  }
}

void Ledger::DropParked(Moment now) {
  const Clock::duration retention = plan_->configuration->absent_retention;
  std::erase_if(parked_targets_,
                [&](const auto& entry) { return now.steady - entry.second.since >= retention; });
  std::erase_if(parked_backends_,
                [&](const auto& entry) { return now.steady - entry.second.since >= retention; });
  while (parked_backends_.size() > kMostParked) parked_backends_.erase(parked_backends_.begin());
}

void Ledger::TellTableChanges(const Plan& before, Moment now) {
  std::map<BackendId, const PlannedBackend*> old_backends;
  for (const PlannedBackend& backend : before.backends) {
    old_backends.emplace(IdOf(before, backend), &backend);
  }
  std::map<ipvs::ServiceKey, const PlannedService*> old_services;
  for (const PlannedService& service : before.services) old_services.emplace(service.key, &service);

  const auto tell = [&](const PlannedService& service, std::optional<ipvs::BackendKey> backend,
                        std::string from, std::string to) {
    Event event;
    event.at = now.wall;
    event.kind = Event::Kind::kTable;
    event.service = service.name;
    event.service_key = service.key;
    event.backend = backend;
    event.from = std::move(from);
    event.to = std::move(to);
    Tell(std::move(event));
  };

  for (const PlannedService& service : plan_->services) {
    const auto known = old_services.find(service.key);
    const bool was_in_table = known != old_services.end() && known->second->in_table;
    if (known != old_services.end()) old_services.erase(known);
    if (was_in_table != service.in_table) {
      tell(service, std::nullopt, was_in_table ? "present" : "absent",
           service.in_table ? "present" : "absent");
      continue;  // its backends came or went with it
    }
    for (std::uint32_t i = 0; i < service.backend_count; ++i) {
      const PlannedBackend& backend = plan_->backends[service.first_backend + i];
      const auto old = old_backends.find({service.key, backend.key});
      const std::string from = old == old_backends.end() ? "absent" : WeightText(*old->second);
      const std::string to = WeightText(backend);
      if (from != to) tell(service, backend.key, from, to);
    }
  }
  for (const auto& [key, service] : old_services) {
    if (service->in_table) tell(*service, std::nullopt, "present", "absent");
  }
}

TargetState& Ledger::Edit(std::uint32_t target) {
  Held& held = targets_[target];
  if (held.taken != snapshots_) held = {std::make_shared<TargetState>(*held.state), snapshots_};
  return *held.state;
}

void Ledger::Finish(std::uint32_t target, const probes::RunResult& result, Moment now) {
  const Target& planned = plan_->targets[target];
  TargetState& state = Edit(target);
  const HealthRules rules = RulesOf(planned.probe->probe());
  const auto layers = probes::LayersOf(planned.probe->probe().type);
  const Verdict before = TopHealth(planned, state).verdict;
  const bool drain_before = state.drain;
  const Reason reason_before = state.last_failure;

  Record(state, result, now.wall);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    state.layers[i] = Advance(state.layers[i], OutcomeFor(layers[i], result), rules, now.steady);
  }

  if (result.outcome != Outcome::kInconclusive) {
    const double seconds = std::chrono::duration<double>(result.total).count();
    for (const std::uint32_t user : planned.users) {
      const PlannedBackend& backend = plan_->backends[user];
      const bool gating = std::ranges::any_of(backend.targets, [&](const TargetUse& use) {
        return use.target == target && use.gating;
      });
      if (gating) services_[backend.service].durations.Add(kDurationBounds, seconds);
    }
  }
  const Verdict after = TopHealth(planned, state).verdict;
  const bool reason_changed = after == Verdict::kDown && state.last_failure != reason_before;
  if (after == before && state.drain == drain_before && !reason_changed) return;
  JudgeUsers(target, now);
}

void Ledger::JudgeUsers(std::uint32_t target, Moment now) {
  verdicts_changed_ = true;
  std::set<std::uint32_t> services;
  for (const std::uint32_t user : plan_->targets[target].users) {
    JudgeBackend(user, Cause::kResults, now);
    services.insert(plan_->backends[user].service);
  }
  for (const std::uint32_t service : services) JudgeService(service, now);
}

void Ledger::Lose(std::uint32_t target, std::uint64_t slots, Reason reason, Moment now) {
  TargetState& state = Edit(target);
  state.results[static_cast<std::size_t>(Outcome::kInconclusive)] += slots;
  Count(state, reason, slots);
  state.history.Add({now.wall, Outcome::kInconclusive, reason, 0, nullptr});
}

void Ledger::Pass(Moment now) {
  for (std::uint32_t i = 0; i < targets_.size(); ++i) {
    const Verdict before = TopHealth(plan_->targets[i], target(i)).verdict;
    Expire(i, now);
    if (TopHealth(plan_->targets[i], target(i)).verdict != before) JudgeUsers(i, now);
  }
  for (std::size_t i = 0; i < flaps_.size(); ++i) {
    backends_[i].flapping = flaps_[i].Flapping(plan_->configuration->flap, now.steady);
  }
}

void Ledger::Expire(std::uint32_t index, Moment now) {
  const HealthRules rules = RulesOf(plan_->targets[index].probe->probe());
  for (std::size_t layer = 0; layer < target(index).layers.size(); ++layer) {
    const Health& before = target(index).layers[layer];
    const Health expired = checker::Expire(before, rules, now.steady);
    if (expired != before) Edit(index).layers[layer] = expired;
  }
}

void Ledger::SetActive(std::uint32_t service, std::optional<bool> active) {
  if (services_[service].active == active) return;
  services_[service].active = active;
  verdicts_changed_ = true;
}

void Ledger::JudgeBackend(std::uint32_t backend, Cause cause, Moment now) {
  const PlannedBackend& planned = plan_->backends[backend];
  BackendHealth& health = backends_[backend];
  std::vector<Verdict> gating;
  bool drain = false;
  std::optional<Layer> lowest;
  for (const TargetUse& use : planned.targets) {
    const TargetState& state = target(use.target);
    const Verdict verdict = TopHealth(plan_->targets[use.target], state).verdict;
    drain = drain || (state.drain && verdict == Verdict::kUp);
    if (!use.gating) continue;
    gating.push_back(verdict);
    const std::optional<Layer> layer = probes::LayerOf(state.last_failure);
    if (verdict != Verdict::kDown || !layer || (lowest && *layer >= *lowest)) continue;
    lowest = layer;
    health.down_reason = state.last_failure;
    health.down_target = use.target;
  }
  SetVerdict(backend, BackendVerdict(gating), cause, now);
  SetState(health, StateOf(health.verdict, drain, planned.maintenance), now);
}

void Ledger::SetVerdict(std::uint32_t backend, Verdict verdict, Cause cause, Moment now) {
  BackendHealth& health = backends_[backend];
  if (verdict == health.verdict) return;
  health.verdict = verdict;
  health.known_since.reset();
  if (verdict == Verdict::kUnknown) return;
  health.known_since = now.wall;
  const bool is_first = !health.last_known;
  const bool is_other = IsTransition(health.last_known, verdict);
  const bool is_transition = is_other && cause == Cause::kResults;
  health.last_known = verdict;
  if (is_transition) {
    ++(verdict == Verdict::kUp ? health.transitions_up : health.transitions_down);
    health.last_transition = now.wall;
    const FlapRules& rules = plan_->configuration->flap;
    flaps_[backend].Transition(rules, now.steady);
    health.flapping = flaps_[backend].Flapping(rules, now.steady);
  }
  if (is_first || is_other) TellVerdict(backend, verdict, is_transition, now);
}

void Ledger::SetState(BackendHealth& health, BackendState state, Moment now) {
  health.state = state;
  if (state == BackendState::kDown) {
    if (!health.down_since) health.down_since = now.steady;
    return;
  }
  health.down_seconds = DownSeconds(health, now.steady);
  health.down_since.reset();
}

void Ledger::TellVerdict(std::uint32_t backend, Verdict verdict, bool transition, Moment now) {
  const PlannedBackend& planned = plan_->backends[backend];
  const BackendHealth& health = backends_[backend];
  // Who decided: the target that failed, or for good news the one that ran last.
  std::uint32_t decider = health.down_target;
  if (verdict == Verdict::kUp && !planned.targets.empty()) {
    decider = std::ranges::max(planned.targets, {}, [this](const TargetUse& use) {
                return std::pair(use.gating, target(use.target).last_run);
              }).target;
  }
  Event event;
  event.at = now.wall;
  event.kind = Event::Kind::kBackend;
  event.transition = transition;
  event.service = plan_->services[planned.service].name;
  event.service_key = plan_->services[planned.service].key;
  event.backend = planned.key;
  event.to = Name(verdict);
  if (transition) event.from = Name(verdict == Verdict::kUp ? Verdict::kDown : Verdict::kUp);
  if (verdict == Verdict::kDown) event.reason = health.down_reason;
  event.target = ToString(plan_->targets[decider].key);
  const RunHistory& history = target(decider).history;
  for (std::size_t i = 0; i < history.size(); ++i) event.results.push_back(history[i]);
  Tell(std::move(event));
}

void Ledger::JudgeService(std::uint32_t service, Moment now) {
  const PlannedService& planned = plan_->services[service];
  ServiceHealth& health = services_[service];
  std::vector<Member> members;
  health.standings.fill(0);
  for (std::uint32_t i = 0; i < planned.backend_count; ++i) {
    const std::uint32_t backend = planned.first_backend + i;
    const Member member = MemberOf(plan_->backends[backend], backends_[backend]);
    members.push_back(member);
    if (member.role == Role::kReal) {
      ++health.standings[static_cast<std::size_t>(StandingOf(member))];
    }
  }
  const std::uint64_t weight = health.quorum_lost ? UsableWeight(members) : PossibleWeight(members);
  health.quorum_lost = QuorumLost(planned.quorum, weight, health.quorum_lost);
  const ServiceState state =
      plan_->table_known ? StateOf(members, health.quorum_lost) : ServiceState::kUnknown;
  const ServiceState before = std::exchange(health.state, state);
  if (health.state == before) return;
  Event event;
  event.at = now.wall;
  event.kind = Event::Kind::kService;
  event.transition = before != ServiceState::kUnknown;
  event.service = planned.name;
  event.service_key = planned.key;
  event.from = Name(before);
  event.to = Name(health.state);
  Tell(std::move(event));
}

void Ledger::Tell(Event event) {
  const auto shared = std::make_shared<const Event>(std::move(event));
  events_.push_front(shared);
  while (events_.size() > EventsToKeep()) events_.pop_back();
  shared_events_.reset();
  if (on_event_) on_event_(*shared);
}

std::size_t Ledger::EventsToKeep() const {
  const std::size_t changing = plan_ ? plan_->backends.size() + plan_->services.size() : 0;
  return std::clamp(changing, kLeastEvents, kMostEvents);
}

Snapshot Ledger::Take(Moment now) const {
  Snapshot snapshot;
  snapshot.plan = plan_;
  snapshot.at = now.wall;
  snapshot.steady = now.steady;
  ++snapshots_;
  snapshot.targets.reserve(targets_.size());
  for (const Held& held : targets_) snapshot.targets.push_back(held.state);
  snapshot.backends = backends_;
  snapshot.services = services_;
  for (std::uint32_t i = 0; i < plan_->services.size(); ++i) {
    snapshot.services[i].distinct_certificates = DistinctCertificates(i);
  }
  if (!shared_events_) {
    shared_events_ = std::make_shared<const Events>(events_.begin(), events_.end());
  }
  snapshot.events = shared_events_;
  return snapshot;
}

// Of the probe that sees most: probes may ask for different names.
std::optional<std::uint64_t> Ledger::DistinctCertificates(std::uint32_t service) const {
  const PlannedService& planned = plan_->services[service];
  std::map<std::string_view, std::set<std::array<std::uint8_t, 32>>> leaves;  // by probe
  std::size_t most = 0;
  for (std::uint32_t i = 0; i < planned.backend_count; ++i) {
    const PlannedBackend& backend = plan_->backends[planned.first_backend + i];
    if (backend.role != Role::kReal || !backend.in_table) continue;
    for (const TargetUse& use : backend.targets) {
      const TargetState& state = target(use.target);
      if (!state.certificate) continue;
      auto& of_probe = leaves[plan_->targets[use.target].key.probe];
      of_probe.insert(state.certificate->leaf_sha256);
      most = std::max(most, of_probe.size());
    }
  }
  if (most == 0) return std::nullopt;
  return most;
}

}  // namespace lvs::checker
