// Feeds text to the parser of /proc/self/stat.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "collectors/process/process.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto stat = lvs::process::ParseStat(text);
  if (!stat.ok() && stat.error().message.empty()) std::abort();
  return 0;
}
