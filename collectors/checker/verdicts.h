// From targets to backends and services: verdicts, states and what a service has left. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "collectors/checker/health.h"
#include "collectors/clock.h"

namespace lvs::checker {

enum class Role : std::uint8_t { kReal, kBackup, kSorry };
// "real", "backup", "sorry".
std::string_view Name(Role role);

// The state label of ipvs_backend_health_state, in the label's order.
enum class BackendState : std::uint8_t { kUp, kDown, kUnknown, kDrain, kMaintenance };
inline constexpr BackendState kBackendStates[] = {BackendState::kUp, BackendState::kDown,
                                                  BackendState::kUnknown, BackendState::kDrain,
                                                  BackendState::kMaintenance};
std::string_view Name(BackendState state);

// down if any is down; else unknown if any is, or there is none; else up.
Verdict BackendVerdict(std::span<const Verdict> gating_targets);

// First match: maintenance, down, unknown, drain, up.
BackendState StateOf(Verdict verdict, bool drain, bool maintenance);

// One known backend of a service, as its service's state sees it.
struct Member {
  Role role = Role::kReal;
  Verdict verdict = Verdict::kUnknown;
  BackendState state = BackendState::kUnknown;
  bool in_table = false;     // the kernel shows it
  std::uint64_t weight = 0;  // the kernel's; 0 when not in the table
};

// In the table, weight > 0, verdict up, neither drain nor maintenance. Whatever the role.
bool IsUsable(const Member& member);

// The health states of ipvs_service_backends, which partition the real servers of a service.
enum class Standing : std::uint8_t { kUsable, kDown, kUnknown, kDrained, kAbsent };
inline constexpr Standing kStandings[] = {Standing::kUsable, Standing::kDown, Standing::kUnknown,
                                          Standing::kDrained, Standing::kAbsent};
std::string_view Name(Standing standing);

// First match: down (the verdict, in maintenance too), absent (not in the table), drained (weight
// 0, drain, maintenance), unknown, usable. So a dead server reads the same whether somebody deletes
// it or sets its weight to 0.
Standing StandingOf(const Member& member);

struct QuorumRules {
  std::uint64_t quorum = 1;
  std::uint64_t hysteresis = 0;  // < quorum
};

// Whether the quorum is lost now, given whether it was: lost when the usable weight of the real
// servers is < quorum - hysteresis, regained at >= quorum + hysteresis.
bool QuorumLost(const QuorumRules& rules, std::uint64_t weight, bool was_lost);
// Over the real servers; both saturate. PossibleWeight counts those of unknown verdict, too: it is
// what a quorum must fall below to be lost, so that a restart or our own trouble loses none.
std::uint64_t UsableWeight(std::span<const Member> members);
std::uint64_t PossibleWeight(std::span<const Member> members);

enum class ServiceState : std::uint8_t { kOk, kDegraded, kSpof, kBackup, kSorry, kDown, kUnknown };
inline constexpr ServiceState kServiceStates[] = {
    ServiceState::kOk,    ServiceState::kDegraded, ServiceState::kSpof,   ServiceState::kBackup,
    ServiceState::kSorry, ServiceState::kDown,     ServiceState::kUnknown};
std::string_view Name(ServiceState state);

// What is left of a service. Active: in the table with weight > 0.
// With a usable real server, first match: backup, sorry (quorum lost and such a server active),
// spof (one usable of several, none of the active ones unknown), degraded (a real server down or
// absent, or quorum lost), ok.
// Without: backup (active and up), sorry (active and not down), unknown (an active real server is),
// down.
ServiceState StateOf(std::span<const Member> members, bool quorum_lost);

// How our verdict and the kernel's table disagree.
enum class Disagreement : std::uint8_t { kHealthyAbsent, kHealthyWeight0, kUnhealthyActive };
inline constexpr Disagreement kDisagreements[] = {
    Disagreement::kHealthyAbsent, Disagreement::kHealthyWeight0, Disagreement::kUnhealthyActive};
// "healthy_absent", "healthy_weight0", "unhealthy_active".
std::string_view Name(Disagreement kind);

// healthy_absent: up, not in the table. healthy_weight0: up, in the table with weight 0. Both only
// for real servers in neither drain nor maintenance: others are meant to be out. unhealthy_active:
// down, in the table with weight > 0.
std::optional<Disagreement> DisagreementOf(const Member& member);

// Flap detection of one backend: on from threshold transitions inside the window until one window
// without any.
struct FlapRules {
  Clock::duration window = std::chrono::minutes(10);
  unsigned threshold = 6;  // 0: off
};

class FlapDetector {
 public:
  // now never goes back.
  void Transition(const FlapRules& rules, Clock::time_point now);
  bool Flapping(const FlapRules& rules, Clock::time_point now);

 private:
  std::vector<Clock::time_point> recent_;  // at most threshold, oldest first
  bool flapping_ = false;
};

}  // namespace lvs::checker
