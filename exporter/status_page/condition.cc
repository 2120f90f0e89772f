#include "exporter/status_page/condition.h"

#include <algorithm>

#include "exporter/status_page/html.h"
#include "exporter/status_page/words.h"

namespace lvs::status {
namespace {

using checker::Health;
using checker::Target;
using checker::TargetState;
using checker::Verdict;

// A streak against the verdict, and how long it must become.
struct Streak {
  std::uint32_t length = 0;
  unsigned needed = 0;
};

struct Streaks {
  Streak failing;
  Streak recovering;
};

void TakeLonger(Streak& streak, std::uint32_t length, unsigned needed) {
  if (length > streak.length) streak = {length, needed};
}

// The longest pending ones of the checks that count.
Streaks PendingStreaks(const BackendView& backend, const checker::Snapshot& snapshot) {
  Streaks streaks;
  for (const checker::TargetUse& use : backend.planned->targets) {
    if (!use.gating) continue;
    const Target& target = snapshot.plan->targets[use.target];
    const Health& health = TopHealth(target, *snapshot.targets[use.target]);
    const bool first = !health.last_known.has_value();
    const checker::HealthRules rules = checker::RulesOf(target.probe->probe());
    if (health.verdict != Verdict::kDown) {
      TakeLonger(streaks.failing, health.fail_streak, first ? rules.initial_fall : rules.fall);
    } else {
      TakeLonger(streaks.recovering, health.ok_streak, first ? rules.initial_rise : rules.rise);
    }
  }
  return streaks;
}

// ", 2 failures in a row (3 make it down)".
std::string StreakText(const Streak& streak, std::string_view one, std::string_view many,
                       Verdict then) {
  if (streak.length == 0) return "";
  return ", " + Counted(streak.length, one, many) + " in a row (" + std::to_string(streak.needed) +
         " make it " + Name(then) + ")";
}

std::string StreaksText(const BackendView& backend, const checker::Snapshot& snapshot) {
  const Streaks streaks = PendingStreaks(backend, snapshot);
  const std::string failing = StreakText(streaks.failing, "failure", "failures", Verdict::kDown);
  if (!failing.empty()) return failing;
  return StreakText(streaks.recovering, "success", "successes", Verdict::kUp);
}

std::string LayerText(probes::Layer layer, Verdict verdict) {
  const std::string text = Sign(Name(verdict)) + std::string(Name(layer));
  return verdict == Verdict::kUp ? text : text + " " + Name(verdict);
}

// "http 192.168.1.102:80, 7 successes in a row".
std::string Title(const Target& target, const Health& health) {
  std::string title(probes::Name(target.probe->probe().type));
  title += " " + ToString(ipvs::BackendKey{target.key.address, target.key.port});
  if (target.key.via) title += " via " + ToString(*target.key.via);
  if (health.fail_streak > 0) {
    return title + ", " + Counted(health.fail_streak, "failure", "failures") + " in a row";
  }
  return title + ", " + Counted(health.ok_streak, "success", "successes") + " in a row";
}

// What the last failure said, while the check is not well.
std::string LastWords(const TargetState& state, const Health& health) {
  if (health.verdict == Verdict::kUp && health.fail_streak == 0) return "";
  for (std::size_t i = 0; i < state.history.size(); ++i) {
    const checker::RunRecord& record = state.history[i];
    if (record.outcome == probes::Outcome::kSuccess) continue;
    const std::string detail = record.detail ? ": " + Escape(*record.detail) : "";
    return " <span class=said>" + std::string(Name(record.reason)) + detail + "</span>";
  }
  return "";
}

std::string Check(const Target& target, const TargetState& state, bool gating) {
  const Health& health = TopHealth(target, state);
  std::string html = "<span class=check title=\"" + Escape(Title(target, health)) + "\">";
  html += Escape(target.key.probe);
  const auto layers = probes::LayersOf(target.probe->probe().type);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    html += " " + LayerText(layers[i], state.layers[i].verdict);
  }
  if (!gating) html += " (does not count)";
  return html + LastWords(state, health) + "</span>";
}

}  // namespace

std::string ReasonText(probes::Reason reason) {
  const auto layer = probes::LayerOf(reason);
  return std::string(InWords(reason)) + " (<code>" +
         (layer ? std::string(Name(*layer)) + " " : "") + std::string(Name(reason)) + "</code>)";
}

std::string Condition(const BackendView& backend, const checker::Snapshot* snapshot) {
  std::string html = Badge(StateName(backend));
  if (backend.health == nullptr) return html;
  const checker::BackendHealth& health = *backend.health;
  if (health.verdict == Verdict::kDown && health.down_reason != probes::Reason::kNone) {
    html += " " + ReasonText(health.down_reason);
  }
  if (health.known_since) html += " " + Since(*health.known_since);
  html += StreaksText(backend, *snapshot);
  if (health.flapping) html += ", <b>flapping</b>";
  if (backend.disagreement) {
    html += ", <b>" + std::string(InWords(*backend.disagreement)) + "</b>";
  }
  return html;
}

std::string Checks(const BackendView& backend, const checker::Snapshot* snapshot) {
  if (backend.planned == nullptr || backend.planned->targets.empty()) return "";
  std::string html = "<div class=checks>";
  for (const checker::TargetUse& use : backend.planned->targets) {
    html += Check(snapshot->plan->targets[use.target], *snapshot->targets[use.target], use.gating);
  }
  return html + "</div>";
}

}  // namespace lvs::status
