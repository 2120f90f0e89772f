// Feeds text to the parser of /proc/net/ip_vs.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "collectors/ipvs/services_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = lvs::ipvs::ParseServices(text);
  if (!parsed.ok()) return 0;
  for (const lvs::ipvs::Service& service : parsed.value().services) {
    if (service.scheduler.empty() || service.scheduler.size() > 15) std::abort();
    if (service.counters.has_value()) std::abort();
    if (lvs::ipvs::ToString(service.key).empty()) std::abort();
  }
  return 0;
}
