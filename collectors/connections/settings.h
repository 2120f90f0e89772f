// How the connection table is read, as the flags say it.
#pragma once

#include <chrono>
#include <cstdint>

namespace lvs::connections {

// How much is told: each level adds series to the one before.
enum class Level : std::uint8_t { kTotals, kService, kBackend };

struct Settings {
  // Between the starts of two passes.
  std::chrono::milliseconds interval{60'000};
  // Share of one core that the scanner's thread may use over time, and for one pass that share of
  // the interval. Below 2 % also with what a read may cost more than was foreseen.
  double budget = 0.015;
  Level level = Level::kService;
  // CPU time that one pass may use whatever its share of the interval is.
  std::chrono::milliseconds longest_pass{1'000};
};

}  // namespace lvs::connections
