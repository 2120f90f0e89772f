#include "exporter/configuration/duration.h"

#include <charconv>
#include <cstdint>
#include <span>

namespace lvs {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr Unit kDurationUnits[] = {{"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}};
constexpr Unit kSizeUnits[] = {{"MiB", 1 << 20}, {"KiB", 1 << 10}, {"", 1}};

// The number times its unit; absent when it is not of that form or larger than most.
std::optional<std::uint64_t> ParseWithUnit(std::string_view text, std::span<const Unit> units,
                                           std::uint64_t most) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::optional<std::uint64_t> number = ParseWhole(text.substr(0, digits));
  if (!number) return std::nullopt;
  for (const Unit& unit : units) {
    if (text.substr(digits) != unit.name) continue;
    if (*number > most / unit.factor) return std::nullopt;
    return *number * unit.factor;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> ParseWhole(std::string_view text) {
  if (text.size() > 1 && text.front() == '0') return std::nullopt;  // octal to some, not to others
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc() || at != end) return std::nullopt;
  return number;
}

std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  constexpr std::uint64_t kHundredYears = 100ULL * 366 * 24 * 3'600'000;
  const auto count = ParseWithUnit(text, kDurationUnits, kHundredYears);
  if (!count) return std::nullopt;
  return std::chrono::milliseconds(*count);
}

std::string DurationText(std::chrono::milliseconds duration) {
  const auto count = static_cast<std::uint64_t>(duration.count());
  if (count == 0) return "0s";
  for (const Unit& unit : kDurationUnits) {
    if (count % unit.factor == 0) {
      return std::to_string(count / unit.factor).append(unit.name);
    }
  }
  return "";  // not reached: the last unit is 1
}

std::optional<std::size_t> ParseSize(std::string_view text) {
  return ParseWithUnit(text, kSizeUnits, 1ULL << 40);
}

}  // namespace lvs
