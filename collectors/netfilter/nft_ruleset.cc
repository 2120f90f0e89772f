#include "collectors/netfilter/nft_ruleset.h"

#include <netinet/in.h>
// After <netinet/in.h>, or both would define its types.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>

namespace lvs::netfilter {
namespace {

// Where the chains of a family begin; absent: not before IPVS. The bounds are explained at Hook.
std::optional<Hook> HookOf(const NftChain::BaseHook& hook) {
  constexpr std::int32_t kInputRequest = 99;
  constexpr std::int32_t kOutputRequest = -98;
  switch (hook.number) {
    case NF_INET_PRE_ROUTING:
      return Hook::kPrerouting;
    case NF_INET_LOCAL_IN:
      if (hook.priority < kInputRequest) return Hook::kInput;
      return {};
    case NF_INET_LOCAL_OUT:
      if (hook.priority < kOutputRequest) return Hook::kOutput;
      return {};
    default:
      return {};
  }
}

std::optional<AddressFamily> FamilyOf(std::uint8_t number) {
  if (number == NFPROTO_IPV4) return AddressFamily::kIpv4;
  if (number == NFPROTO_IPV6) return AddressFamily::kIpv6;
  return {};  // inet: both
}

bool IsOfInterest(std::uint8_t family) {
  return family == NFPROTO_IPV4 || family == NFPROTO_IPV6 || family == NFPROTO_INET;
}

const char* NameOf(std::uint8_t family) {
  if (family == NFPROTO_IPV4) return "ip";
  return family == NFPROTO_IPV6 ? "ip6" : "inet";
}

std::string Sentence(const NftName& chain) {
  return std::string("nft ") + NameOf(chain.family) + " " + Printable(chain.table) + " " +
         Printable(chain.name);
}

}  // namespace

Result<void> NftRuleset::AddChain(Bytes payload) {
  const Result<NftChain> decoded = DecodeChain(payload);
  if (!decoded.ok()) return decoded.error();
  const NftChain& chain = decoded.value();
  if (!IsOfInterest(chain.name.family)) return {};
  if (!places_.emplace(chain.name, ruleset_.chains.size()).second) return {};
  names_.push_back(chain.name);
  Chain& added = ruleset_.chains.emplace_back();
  added.name = Sentence(chain.name);
  added.family = FamilyOf(chain.name.family);
  added.first_packets = chain.type == "nat";
  if (chain.hook) added.hook = HookOf(*chain.hook);
  if (added.hook) tables_.emplace(chain.name.family, chain.name.table);
  return {};
}

Result<void> NftRuleset::AddSet(Bytes payload) {
  const Result<NftSet> set = DecodeSet(payload);
  if (!set.ok()) return set.error();
  const NftName& name = set.value().name;
  if (tables_.contains({name.family, name.table})) set_flags_[name] = set.value().flags;
  return {};
}

Result<void> NftRuleset::AddRule(Bytes payload) {
  const Result<NftRule> decoded = DecodeRule(payload);
  if (!decoded.ok()) return decoded.error();
  const NftRule& rule = decoded.value();
  const std::optional<std::size_t> place = PlaceOf(rule.chain);
  if (full_ || !place || !tables_.contains({rule.chain.family, rule.chain.table})) return {};
  if (++rules_ > kMaxRules) {
    full_ = true;
    ruleset_.unclear.push_back("nft: more than " + std::to_string(kMaxRules) +
                               " rules: the rest was not looked at");
    return {};
  }
  Result<std::vector<NftPart>> parts =
      DecodeExpressions(ruleset_.chains[*place].family, rule.expressions);
  if (!parts.ok()) {
    return Error{parts.error().code, ruleset_.chains[*place].name + " handle " +
                                         std::to_string(rule.handle) + ": " +
                                         parts.error().message};
  }
  for (NftPart& part : parts.value()) {
    part.rule.number = rule.handle;
    AddPart(*place, std::move(part));
  }
  return {};
}

std::optional<std::size_t> NftRuleset::PlaceOf(const NftName& chain) const {
  const auto found = places_.find(chain);
  if (found == places_.end()) return {};
  return found->second;
}

void NftRuleset::AddPart(std::size_t place, NftPart part) {
  const bool jumps =
      part.rule.action == Rule::Action::kJump || part.rule.action == Rule::Action::kGoto;
  if (jumps) {
    const auto target = PlaceOf(InTableOf(place, part.chain));
    if (target) part.rule.targets = {*target};
  }
  const bool open = !part.lookups.empty() || !part.map.empty();
  for (const NftLookup& lookup : part.lookups) contents_[InTableOf(place, lookup.set)];
  if (!part.map.empty()) contents_[InTableOf(place, part.map)];
  std::vector<Rule>& rules = ruleset_.chains[place].rules;
  if (open) open_.push_back({place, rules.size(), std::move(part.lookups), std::move(part.map)});
  rules.push_back(std::move(part.rule));
}

std::vector<NftName> NftRuleset::WantedSets() {
  std::map<std::pair<std::uint8_t, std::string>, std::size_t> sizes;
  for (const auto& [set, flags] : set_flags_) ++sizes[{set.family, set.table}];
  std::vector<NftName> names;
  std::size_t steps = 0;
  for (const auto& [name, content] : contents_) {
    steps += sizes[{name.family, name.table}];
    if (steps > kMaxSteps) break;
    names.push_back(name);
  }
  if (names.size() < contents_.size()) {
    ruleset_.unclear.push_back("nft: " + std::to_string(contents_.size() - names.size()) +
                               " sets of very many were not read");
  }
  return names;
}

void NftRuleset::SetElements(const NftName& set, std::optional<std::vector<NftElement>> elements) {
  const auto found = contents_.find(set);
  const auto flags = set_flags_.find(set);
  if (!elements || found == contents_.end() || flags == set_flags_.end()) return;
  std::vector<std::size_t>& targets = found->second.targets.emplace();
  for (const NftElement& element : *elements) {
    if (!element.verdict || element.verdict->chain.empty()) continue;
    const auto target = PlaceOf({set.family, set.table, element.verdict->chain});
    if (target) targets.push_back(*target);
  }
  std::ranges::sort(targets);
  targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
  found->second.intervals = IntervalsOf(flags->second, std::move(*elements));
}

NftName NftRuleset::InTableOf(std::size_t chain, const std::string& name) const {
  return {names_[chain].family, names_[chain].table, name};
}

void NftRuleset::Close(const Open& open) {
  Rule& rule = ruleset_.chains[open.chain].rules[open.rule];
  for (const NftLookup& lookup : open.lookups) {
    const auto content = contents_.find(InTableOf(open.chain, lookup.set));
    if (content != contents_.end() && content->second.intervals) {
      RequireIntervals(lookup.field, *content->second.intervals, rule.conditions);
    } else {
      rule.conditions.narrowed = true;
    }
  }
  if (open.map.empty()) return;
  const auto content = contents_.find(InTableOf(open.chain, open.map));
  if (content != contents_.end() && content->second.targets) {
    rule.targets = *content->second.targets;
  } else {
    rule.action = Rule::Action::kUnclear;
    rule.reason = "a verdict map that could not be read, and whatever it leads to";
  }
}

Ruleset NftRuleset::Finish() && {
  for (const Open& open : open_) Close(open);
  open_.clear();
  return std::move(ruleset_);
}

}  // namespace lvs::netfilter
