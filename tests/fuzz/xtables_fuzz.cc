// Feeds bytes to the decoder of a legacy table and walks what it gives. The first byte chooses the
// family; three numbers of two bytes (little end first) are where the hooks begin; the rest is the
// table.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "collectors/netfilter/walk.h"
#include "collectors/netfilter/xtables_entries.h"

namespace {

using namespace lvs;             // NOLINT: this file is the whole program
using namespace lvs::netfilter;  // NOLINT

void Demand(bool truth) {
  if (!truth) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kHeader = 7;
  if (size < kHeader) return 0;
  XtablesTable table;
  table.family = data[0] % 2 == 0 ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
  table.name = "mangle";
  for (std::size_t i = 0; i < table.hooks.size(); ++i) {
    const auto offset = static_cast<std::uint32_t>(data[1 + 2 * i] | data[2 + 2 * i] << 8);
    if (offset != 0xffff) table.hooks[i] = offset;
  }
  const Bytes entries = std::as_bytes(std::span(data, size)).subspan(kHeader);
  const Result<Ruleset> ruleset = DecodeEntries(table, entries);
  if (!ruleset.ok()) {
    Demand(!ruleset.error().message.empty());
    return 0;
  }
  const WalkLimits limits{.work = 100'000, .mark_rules = 10'000};
  const MarkRules rules = Walk(ruleset.value(), table.family, limits);
  for (const MarkRule& rule : rules.rules) {
    Demand(!rule.destination || rule.destination->address.family == table.family);
    Demand(!rule.destination_ports ||
           rule.destination_ports->first <= rule.destination_ports->last);
  }
  Demand(rules.unclear.size() <= limits.sentences + 1);
  return 0;
}
