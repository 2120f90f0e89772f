#include "exporter/configuration/network_readers.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string_view>
#include <system_error>

#include "exporter/configuration/duration.h"
#include "exporter/configuration/host.h"

namespace lvs {
namespace {

std::optional<std::uint32_t> ParseMark(std::string_view text) {
  std::uint64_t mark = 0;
  if (text.starts_with("0x")) {
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data() + 2, end, mark, 16);
    if (error != std::errc() || at != end) return std::nullopt;
  } else {
    mark = ParseWhole(text).value_or(0);
  }
  if (mark == 0 || mark > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(mark);
}

}  // namespace

Reader AddressInto(std::optional<Address>& into) {
  return [&into](const YamlValue& value) {
    const std::string what = "an IPv4 or IPv6 address";
    const auto text = value.Text(what);
    if (!text) return;
    into = ParseAddress(*text);
    if (!into) value.Expected(what);
  };
}

Reader AddressesInto(std::vector<Address>& into) {
  return [&into](const YamlValue& value) {
    const auto items = value.ListOrOne();
    if (!items) return;
    if (items->empty()) return value.Refuse("expected at least one address, found an empty list");
    for (const YamlValue& item : *items) {
      std::optional<Address> address;
      AddressInto(address)(item);
      if (!address) continue;
      if (std::ranges::find(into, *address) != into.end()) item.Refuse("given twice");
      into.push_back(*address);
    }
  };
}

Reader MarkInto(std::optional<std::uint32_t>& into) {
  return [&into](const YamlValue& value) {
    const std::string what = "a mark from 1 to 4294967295 (0xffffffff)";
    const auto text = value.Text(what);
    if (!text) return;
    into = ParseMark(*text);
    if (!into) value.Expected(what);
  };
}

std::optional<Address> ReadHost(const YamlValue& value, std::optional<AddressFamily> family,
                                const Resolve& resolve) {
  const std::string what = "an address or the name of a host";
  const auto text = value.Text(what);
  if (!text) return std::nullopt;
  if (const auto address = ParseAddress(*text)) return address;
  if (!IsHostName(*text)) {
    value.Expected(what);
    return std::nullopt;
  }
  const Result<Address> found = resolve(*text, family);
  if (found.ok()) return found.value();
  value.Refuse(found.error().message);
  return std::nullopt;
}

}  // namespace lvs
