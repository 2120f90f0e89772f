// Feeds messages of nf_tables to what assembles and walks a rule set. The input is a sequence of
// messages: a byte that chooses the kind, two bytes of length (little end first), the payload.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "collectors/netfilter/nft_ruleset.h"
#include "collectors/netfilter/walk.h"

namespace {

using namespace lvs;             // NOLINT: this file is the whole program
using namespace lvs::netfilter;  // NOLINT

void Demand(bool truth) {
  if (!truth) std::abort();
}

using Elements = std::map<NftName, std::vector<NftElement>>;

Result<void> AddElements(Bytes payload, Elements& elements) {
  Result<NftElements> more = DecodeElements(payload);
  if (!more.ok()) return more.error();
  auto& of_set = elements[more.value().set];
  for (NftElement& element : more.value().elements) of_set.push_back(std::move(element));
  return {};
}

Result<void> Add(unsigned kind, Bytes payload, NftRuleset& ruleset, Elements& elements) {
  switch (kind % 6) {
    case 0:
      return ruleset.AddChain(payload);
    case 1:
      return ruleset.AddSet(payload);
    case 2:
      return ruleset.AddRule(payload);
    case 3:
      return AddElements(payload, elements);
    case 5:
      return ruleset.AddTable(payload);
    default: {
      const Result<std::uint32_t> generation = DecodeGeneration(payload);
      if (!generation.ok()) return generation.error();
      return {};
    }
  }
}

void DemandSound(const MarkRules& rules, AddressFamily family) {
  for (const MarkRule& rule : rules.rules) {
    Demand(rule.family == family);
    Demand(!rule.destination || rule.destination->address.family == family);
    Demand(!rule.destination_ports ||
           rule.destination_ports->first <= rule.destination_ports->last);
  }
  Demand(rules.unclear.size() <= WalkLimits().sentences + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kHeader = 3;
  NftRuleset ruleset;
  Elements elements;
  Bytes rest = std::as_bytes(std::span(data, size));
  while (rest.size() >= kHeader) {
    const auto kind = std::to_integer<unsigned>(rest[0]);
    const std::size_t length =
        std::to_integer<std::size_t>(rest[1]) | std::to_integer<std::size_t>(rest[2]) << 8;
    rest = rest.subspan(kHeader);
    const Bytes payload = rest.first(std::min(length, rest.size()));
    rest = rest.subspan(payload.size());
    const Result<void> added = Add(kind, payload, ruleset, elements);
    Demand(added.ok() || !added.error().message.empty());
  }
  for (const NftName& set : ruleset.WantedSets()) ruleset.SetElements(set, elements[set]);
  const Ruleset finished = std::move(ruleset).Finish();
  const WalkLimits limits{.work = 100'000, .mark_rules = 10'000};
  for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    DemandSound(Walk(finished, family, limits), family);
  }
  return 0;
}
