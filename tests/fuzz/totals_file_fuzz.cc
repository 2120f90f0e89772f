// Feeds text to the parser of /proc/net/ip_vs_stats_percpu.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "collectors/ipvs/proc_files.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto totals = lvs::ipvs::ParseTotals(text);
  if (!totals.ok() && totals.error().message.empty()) std::abort();
  return 0;
}
