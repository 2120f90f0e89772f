#include "collectors/checker/verdicts.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <limits>

namespace lvs::checker {
namespace {

bool IsReal(const Member& member) { return member.role == Role::kReal; }

// What the kernel sends new clients to, whatever we think of it.
bool IsActive(const Member& member) { return member.in_table && member.weight > 0; }

bool IsTakenOut(const Member& member) {
  return member.state == BackendState::kDrain || member.state == BackendState::kMaintenance;
}

// A real server that may well carry clients, only that we cannot say so.
bool IsActiveUnknown(const Member& member) {
  return IsReal(member) && IsActive(member) && member.verdict == Verdict::kUnknown;
}

bool IsMissed(const Member& member) {
  if (!IsReal(member)) return false;
  const Standing standing = StandingOf(member);
  return standing == Standing::kDown || standing == Standing::kAbsent;
}

bool IsActiveIn(const Member& member, Role role) { return member.role == role && IsActive(member); }

ServiceState StateWithoutUsable(std::span<const Member> members) {
  const auto backup_works = [](const Member& member) {
    return IsActiveIn(member, Role::kBackup) && member.verdict == Verdict::kUp;
  };
  // A sorry server gets the benefit of the doubt: all it has to do is say sorry.
  const auto sorry_may_work = [](const Member& member) {
    return IsActiveIn(member, Role::kSorry) && member.verdict != Verdict::kDown;
  };
  if (std::ranges::any_of(members, backup_works)) return ServiceState::kBackup;
  if (std::ranges::any_of(members, sorry_may_work)) return ServiceState::kSorry;
  return std::ranges::any_of(members, IsActiveUnknown) ? ServiceState::kUnknown
                                                       : ServiceState::kDown;
}

template <class Counts>
std::uint64_t SumOfWeights(std::span<const Member> members, Counts counts) {
  std::uint64_t sum = 0;
  for (const Member& member : members) {
    if (!IsReal(member) || !counts(member)) continue;
    sum += std::min(member.weight, std::numeric_limits<std::uint64_t>::max() - sum);
  }
  return sum;
}

}  // namespace

std::string_view Name(Role role) {
  constexpr std::array<std::string_view, 3> kNames = {"real", "backup", "sorry"};
  return kNames[static_cast<std::size_t>(role)];
}

std::string_view Name(BackendState state) {
  constexpr std::array<std::string_view, std::size(kBackendStates)> kNames = {
      "up", "down", "unknown", "drain", "maintenance"};
  return kNames[static_cast<std::size_t>(state)];
}

std::string_view Name(Standing standing) {
  constexpr std::array<std::string_view, std::size(kStandings)> kNames = {
      "usable", "down", "unknown", "drained", "absent"};
  return kNames[static_cast<std::size_t>(standing)];
}

std::string_view Name(ServiceState state) {
  constexpr std::array<std::string_view, std::size(kServiceStates)> kNames = {
      "ok", "degraded", "spof", "backup", "sorry", "down", "unknown"};
  return kNames[static_cast<std::size_t>(state)];
}

std::string_view Name(Disagreement kind) {
  constexpr std::array<std::string_view, std::size(kDisagreements)> kNames = {
      "healthy_absent", "healthy_weight0", "unhealthy_active"};
  return kNames[static_cast<std::size_t>(kind)];
}

Verdict BackendVerdict(std::span<const Verdict> gating_targets) {
  const auto any = [&](Verdict verdict) {
    return std::ranges::find(gating_targets, verdict) != gating_targets.end();
  };
  if (any(Verdict::kDown)) return Verdict::kDown;
  return gating_targets.empty() || any(Verdict::kUnknown) ? Verdict::kUnknown : Verdict::kUp;
}

BackendState StateOf(Verdict verdict, bool drain, bool maintenance) {
  if (maintenance) return BackendState::kMaintenance;
  if (verdict == Verdict::kDown) return BackendState::kDown;
  if (verdict == Verdict::kUnknown) return BackendState::kUnknown;
  return drain ? BackendState::kDrain : BackendState::kUp;
}

bool IsUsable(const Member& member) {
  return IsActive(member) && member.verdict == Verdict::kUp && !IsTakenOut(member);
}

Standing StandingOf(const Member& member) {
  if (member.verdict == Verdict::kDown) return Standing::kDown;
  if (!member.in_table) return Standing::kAbsent;
  if (member.weight == 0 || IsTakenOut(member)) return Standing::kDrained;
  return member.verdict == Verdict::kUnknown ? Standing::kUnknown : Standing::kUsable;
}

bool QuorumLost(const QuorumRules& rules, std::uint64_t weight, bool was_lost) {
  assert(rules.hysteresis <= rules.quorum && "the configuration refuses more");
  if (!was_lost) return weight < rules.quorum - rules.hysteresis;
  // The sum quorum + hysteresis might not fit.
  return weight < rules.quorum || weight - rules.quorum < rules.hysteresis;
}

std::uint64_t UsableWeight(std::span<const Member> members) {
  return SumOfWeights(members, IsUsable);
}

std::uint64_t PossibleWeight(std::span<const Member> members) {
  return SumOfWeights(members, [](const Member& member) {
    return IsUsable(member) || (IsActiveUnknown(member) && !IsTakenOut(member));
  });
}

ServiceState StateOf(std::span<const Member> members, bool quorum_lost) {
  const auto active = [&](Role role) {
    return std::ranges::any_of(members, [&](const Member& m) { return IsActiveIn(m, role); });
  };
  const auto usable = std::ranges::count_if(
      members, [](const Member& member) { return IsReal(member) && IsUsable(member); });

  if (usable == 0) return StateWithoutUsable(members);
  if (quorum_lost && active(Role::kBackup)) return ServiceState::kBackup;
  if (quorum_lost && active(Role::kSorry)) return ServiceState::kSorry;
  // With unknown ones there may be more than one, and our own trouble must page nobody.
  if (usable == 1 && std::ranges::count_if(members, IsReal) >= 2 &&
      std::ranges::none_of(members, IsActiveUnknown)) {
    return ServiceState::kSpof;
  }
  return quorum_lost || std::ranges::any_of(members, IsMissed) ? ServiceState::kDegraded
                                                               : ServiceState::kOk;
}

std::optional<Disagreement> DisagreementOf(const Member& member) {
  if (member.verdict == Verdict::kDown && IsActive(member)) return Disagreement::kUnhealthyActive;
  // Backup and sorry servers are absent or at weight 0 until they are needed.
  const bool wanted = IsReal(member) && !IsTakenOut(member);
  if (member.verdict != Verdict::kUp || !wanted) return std::nullopt;
  if (!member.in_table) return Disagreement::kHealthyAbsent;
  if (member.weight == 0) return Disagreement::kHealthyWeight0;
  return std::nullopt;
}

void FlapDetector::Transition(const FlapRules& rules, Clock::time_point now) {
  Flapping(rules, now);  // the quiet window that ends it may have passed without a question
  if (rules.threshold == 0) return;
  std::erase_if(recent_, [&](Clock::time_point at) { return now - at >= rules.window; });
  recent_.push_back(now);
  if (recent_.size() < rules.threshold) return;
  flapping_ = true;
  // More than one may be too many: a reload may have lowered the threshold.
  recent_.erase(recent_.begin(), recent_.end() - static_cast<std::ptrdiff_t>(rules.threshold));
}

bool FlapDetector::Flapping(const FlapRules& rules, Clock::time_point now) {
  const bool quiet = recent_.empty() || now - recent_.back() >= rules.window;
  if (rules.threshold == 0 || quiet) {
    recent_.clear();
    flapping_ = false;
  }
  return flapping_;
}

}  // namespace lvs::checker
