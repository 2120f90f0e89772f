// Feeds text to the parser of the files of /proc/sys/net/ipv4/vs, as one with one number and as one
// with two.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "collectors/ipvs/settings.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using lvs::ipvs::ParseSetting;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::array<std::int64_t, 1> one{};
  std::array<std::int64_t, 2> two{};
  const bool is_one = ParseSetting(text, one);
  const bool is_two = ParseSetting(text, two);
  if (is_one && is_two) std::abort();
  if (!is_one) return 0;
  // What was understood is understood the same when it is written plainly.
  const std::array<std::int64_t, 1> before = one;
  if (!ParseSetting(std::to_string(one[0]) + "\n", one) || one != before) std::abort();
  return 0;
}
