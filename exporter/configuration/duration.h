// Durations and sizes as people write them in the configuration file: a whole number and a unit.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace lvs {

// "200ms", "5s", "10m", "1h". Absent for anything else (no unit, a fraction, a sign, spaces) and
// for more than a hundred years.
std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text);

// The shortest way to write it without a fraction: "1500ms", "5s", "0s". Never negative.
std::string DurationText(std::chrono::milliseconds duration);

// "4096", "64KiB", "1MiB" as bytes. Absent for anything else and for more than 2^40.
std::optional<std::size_t> ParseSize(std::string_view text);

// A whole number in decimal digits without a sign or leading zeros; absent for anything else.
std::optional<std::uint64_t> ParseWhole(std::string_view text);

}  // namespace lvs
