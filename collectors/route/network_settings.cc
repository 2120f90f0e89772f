#include "collectors/route/network_settings.h"

#include <algorithm>
#include <charconv>

#include "collectors/read_file.h"

namespace lvs::route {

Result<std::int64_t> NetworkSettings::Read(const std::string& file) const {
  constexpr std::size_t kMaxSize = 4096;
  const Result<std::string> text = ReadFile(folder_ + file, kMaxSize);
  if (!text.ok()) return text.error();
  std::int64_t number = 0;
  const char* const end = text.value().data() + text.value().size();
  const auto parsed = std::from_chars(text.value().data(), end, number);
  const bool is_whole = parsed.ptr == end || *parsed.ptr == '\n';
  if (parsed.ec != std::errc() || !is_whole) {
    return Error{ErrorCode::kMalformed, folder_ + file + ": not a whole number"};
  }
  return number;
}

Result<std::int64_t> NetworkSettings::Effective(const std::string& setting,
                                                const std::string& interface) const {
  const Result<std::int64_t> all = Read("ipv4/conf/all/" + setting);
  if (!all.ok()) return all;
  const Result<std::int64_t> own = Read("ipv4/conf/" + interface + "/" + setting);
  if (!own.ok()) return own;
  return std::max(all.value(), own.value());
}

}  // namespace lvs::route
