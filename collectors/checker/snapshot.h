// What the checker knows at one moment, finished and constant: what its thread hands to all others.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collectors/checker/health.h"
#include "collectors/checker/plan.h"
#include "collectors/checker/verdicts.h"
#include "collectors/probes/arp_sightings.h"
#include "collectors/probes/reason.h"
#include "collectors/probes/run.h"

namespace lvs::checker {

using WallTime = std::chrono::system_clock::time_point;

// One run as people want to see it afterwards.
struct RunRecord {
  WallTime at;  // its end
  probes::Outcome outcome = probes::Outcome::kInconclusive;
  probes::Reason reason = probes::Reason::kNone;
  float seconds = 0;
  std::shared_ptr<const std::string> detail;  // null: none
};

// The last runs of a target, newest first.
class RunHistory {
 public:
  static constexpr std::size_t kMost = 5;

  void Add(RunRecord record);
  std::size_t size() const { return size_; }
  // index: 0 is the newest.
  const RunRecord& operator[](std::size_t index) const {
    return records_[(next_ + kMost - 1 - index) % kMost];
  }

 private:
  std::array<RunRecord, kMost> records_;
  std::size_t next_ = 0;
  std::size_t size_ = 0;
};

struct TargetState {
  // One state machine for each of LayersOf(type); the last is the target's.
  std::array<Health, 3> layers;
  std::array<std::uint64_t, 3> results{};  // by probes::Outcome
  double duration_seconds = 0;             // sum over conclusive runs
  WallTime last_run;                       // end of the last run of any outcome; epoch: none yet
  // Of the last conclusive run.
  probes::Phases phases;
  std::optional<float> total;
  std::optional<unsigned> http_status;
  std::optional<std::uint64_t> http_body_bytes;
  bool drain = false;
  // Of the last conclusive run that saw one, in a complete handshake where there was any.
  std::shared_ptr<const probes::CertificateFacts> certificate;
  std::optional<float> round_trip;  // seconds, of the last icmp run that had a reply
  std::uint64_t icmp_sent = 0;
  std::uint64_t icmp_received = 0;
  std::uint64_t icmp_duplicates = 0;
  probes::Reason last_failure = probes::Reason::kNone;  // of the last failure
  // Failed and inconclusive runs by reason, for the reasons that occurred.
  std::vector<std::pair<probes::Reason, std::uint64_t>> failures;
  RunHistory history;
};

// The verdict of a target: that of its top layer.
const Health& TopHealth(const Target& target, const TargetState& state);

struct BackendHealth {
  Verdict verdict = Verdict::kUnknown;
  BackendState state = BackendState::kUnknown;
  std::optional<Verdict> last_known;  // last verdict that was not kUnknown
  std::uint64_t transitions_up = 0;
  std::uint64_t transitions_down = 0;
  std::optional<WallTime> last_transition;
  std::optional<WallTime> known_since;  // of the verdict as it is, when it is not kUnknown
  double down_seconds = 0;              // in state kDown before down_since
  std::optional<Clock::time_point> down_since;
  bool flapping = false;
  // While the verdict is kDown: the failing gating target with the lowest layer.
  probes::Reason down_reason = probes::Reason::kNone;
  std::uint32_t down_target = 0;  // position in Plan::targets
};

// Upper bounds of ipvs_service_check_duration_seconds, in seconds; one more bucket is above all.
inline constexpr std::array kDurationBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                               0.1,   0.25,   0.5,   1.0,  2.5,   5.0};

// How values are spread: a count for each bucket, not cumulative, and their sum.
template <std::size_t kBounds>
struct Histogram {
  std::array<std::uint64_t, kBounds + 1> counts{};
  double sum = 0;

  void Add(const std::array<double, kBounds>& bounds, double value) {
    std::size_t bucket = 0;
    while (bucket < kBounds && value > bounds[bucket]) ++bucket;
    ++counts[bucket];
    sum += value;
  }
};

struct ServiceHealth {
  ServiceState state = ServiceState::kUnknown;
  bool quorum_lost = false;
  std::array<std::uint64_t, std::size(kStandings)> standings{};  // real servers by kStandings
  Histogram<kDurationBounds.size()> durations;                   // gating conclusive runs
  std::optional<std::uint64_t> distinct_certificates;            // absent without TLS
  // Whether this director carries the service's traffic: one of its VIPs is local here. Absent
  // where that is not known.
  std::optional<bool> active;
};

// Something that people and /api/v1/events are told once.
struct Event {
  enum class Kind : std::uint8_t {
    kBackend,   // the verdict of a backend: the first one, and every transition
    kService,   // the state of a service
    kTable,     // a backend was added, removed or re-weighted in the kernel's table
    kArp,       // somebody began, or ceased, to claim a VIP by ARP; service is the VIP
    kDirector,  // the role of this director, or the state of a VRRP instance, which service names
    kAudit,     // a check of the set-up found something wrong, or no longer; service names it
  };
  WallTime at;
  Kind kind = Kind::kBackend;
  bool transition = true;  // false for a first verdict
  std::string service;     // the service's name
  ipvs::ServiceKey service_key;
  std::optional<ipvs::BackendKey> backend;
  std::string from;  // a state's name, or a weight; empty: none before, or not in the table
  std::string to;
  probes::Reason reason = probes::Reason::kNone;  // why a backend is down
  std::string target;                             // ToString of the target that decided
  std::string detail;                             // free text for people, may be empty
  std::vector<RunRecord> results;                 // the last ones that led to it, newest first
};

// "backend", "service", "table", "arp", "director", "audit".
std::string_view Name(Event::Kind kind);

// Newest first, at most Ledger::kMostEvents.
using Events = std::vector<std::shared_ptr<const Event>>;

// Bounds of the loop's own histograms, in seconds.
inline constexpr std::array kDelayBounds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                            0.025,  0.05,    0.1,    0.25,  0.5,    1.0,   2.5};

// The checker's loop about itself.
struct LoopFacts {
  std::uint64_t in_flight = 0;
  Histogram<kDelayBounds.size()> lag;          // lateness of a timer every 100 ms
  Histogram<kDelayBounds.size()> start_delay;  // lateness of the starts of runs
  std::uint64_t skipped_late = 0;
  std::uint64_t skipped_throttled = 0;
};

struct Snapshot {
  std::shared_ptr<const Plan> plan;
  WallTime at;
  Clock::time_point steady;  // the same moment
  // By position in plan->targets; never null. Snapshots share what has not changed between them.
  std::vector<std::shared_ptr<const TargetState>> targets;
  std::vector<BackendHealth> backends;  // by position in plan->backends
  std::vector<ServiceHealth> services;  // by position in plan->services
  std::shared_ptr<const Events> events;
  LoopFacts loop;
  std::vector<probes::ArpLeak> arp;
};

// Seconds of a float as a double in whole microseconds: what a float holds behind them is noise.
double WholeMicroseconds(float seconds);

// Seconds that a backend has been in state kDown, until now.
double DownSeconds(const BackendHealth& health, Clock::time_point now);

// "answers", "announces".
std::string_view Name(probes::ArpLeak::Kind kind);

// A backend as its service's state sees it.
Member MemberOf(const PlannedBackend& backend, const BackendHealth& health);

}  // namespace lvs::checker
