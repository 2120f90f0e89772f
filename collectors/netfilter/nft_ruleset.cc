#include "collectors/netfilter/nft_ruleset.h"

#include <netinet/in.h>
// After <netinet/in.h>, or both would define its types.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_bridge.h>

#include <algorithm>

namespace lvs::netfilter {
namespace {

// Hooks that a packet passes before IP does, and that leave their mark on what is delivered here:
// ingress of a device, and those of a bridge for frames to the host itself. The numbers of ingress
// are newer than some headers: Linux 4.2 for netdev, 5.10 for inet.
bool IsBelowIp(std::uint8_t family, std::uint32_t hook) {
  constexpr std::uint32_t kNetdevIngress = 0;
  constexpr std::uint32_t kInetIngress = 5;
  if (family == NFPROTO_NETDEV) return hook == kNetdevIngress;
  if (family == NFPROTO_BRIDGE) return hook == NF_BR_PRE_ROUTING || hook == NF_BR_LOCAL_IN;
  return family == NFPROTO_INET && hook == kInetIngress;
}

// Where the chains of a family begin; absent: not before IPVS. The bounds are explained at Hook.
std::optional<Hook> HookOf(std::uint8_t family, const NftChain::BaseHook& hook) {
  constexpr std::int32_t kInputRequest = 99;
  constexpr std::int32_t kOutputRequest = -98;
  if (IsBelowIp(family, hook.number)) return Hook::kPrerouting;
  if (family == NFPROTO_NETDEV || family == NFPROTO_BRIDGE) return {};
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
  return {};  // inet, netdev and bridge: both
}

// As nft names it; null: not of interest.
const char* NameOf(std::uint8_t family) {
  switch (family) {
    case NFPROTO_IPV4:
      return "ip";
    case NFPROTO_IPV6:
      return "ip6";
    case NFPROTO_INET:
      return "inet";
    case NFPROTO_NETDEV:
      return "netdev";
    case NFPROTO_BRIDGE:
      return "bridge";
    default:
      return nullptr;
  }
}

std::string Sentence(const char* family, const NftName& chain) {
  return std::string("nft ") + family + " " + Printable(chain.table) + " " + Printable(chain.name);
}

}  // namespace

Result<void> NftRuleset::AddTable(Bytes payload) {
  const Result<NftTable> table = DecodeTable(payload);
  if (!table.ok()) return table.error();
  if (table.value().dormant) dormant_.emplace(table.value().family, table.value().name);
  return {};
}

Result<void> NftRuleset::AddChain(Bytes payload) {
  const Result<NftChain> decoded = DecodeChain(payload);
  if (!decoded.ok()) return decoded.error();
  const NftChain& chain = decoded.value();
  const char* const family = NameOf(chain.name.family);
  if (family == nullptr || dormant_.contains({chain.name.family, chain.name.table})) return {};
  if (!places_.emplace(chain.name, ruleset_.chains.size()).second) return {};
  names_.push_back(chain.name);
  Chain& added = ruleset_.chains.emplace_back();
  added.name = Sentence(family, chain.name);
  added.family = FamilyOf(chain.name.family);
  added.first_packets = chain.type == "nat";
  if (chain.hook) {
    added.hook = HookOf(chain.name.family, *chain.hook);
    added.below_ip = IsBelowIp(chain.name.family, chain.hook->number);
  }
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
