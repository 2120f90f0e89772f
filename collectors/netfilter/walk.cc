#include "collectors/netfilter/walk.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collectors/netfilter/networks.h"

namespace lvs::netfilter {
namespace {

// How far one came on the way from a base chain.
struct Path {
  Conditions conditions;
  Hook hook = Hook::kPrerouting;
  bool by_map = false;    // through a verdict map: which packets come here is not known
  bool below_ip = false;  // of some devices, and of frames that may yet be bridged or tunnelled
  std::size_t depth = 0;
};

// Whether packets come out at the end of a chain.
enum class Outcome { kGoesOn, kEnds };

// Sentences, the first few of them.
class Sentences {
 public:
  explicit Sentences(std::size_t limit) : limit_(limit) {}

  void Add(std::string sentence) {
    if (sentences_.size() < limit_) {
      sentences_.push_back(std::move(sentence));
    } else {
      ++left_out_;
    }
  }

  std::vector<std::string> Take() && {
    if (left_out_ > 0) sentences_.push_back(std::to_string(left_out_) + " more like these");
    return std::move(sentences_);
  }

 private:
  std::size_t limit_;
  std::size_t left_out_ = 0;
  std::vector<std::string> sentences_;
};

// The choices of one kind: the values of the ranges that make them, or a single "any".
template <class Choice>
using Choices = std::vector<std::optional<Choice>>;

Choices<PortRange> PortChoices(const Conditions& conditions) {
  if (!conditions.ports) return {std::nullopt};
  Choices<PortRange> choices;
  for (const auto& range : *conditions.ports) choices.push_back(PortRange{range.first, range.last});
  return choices;
}

// A wide range (of "everything but", or "at least") would be many lines that tell little.
Choices<std::uint8_t> ProtocolChoices(Conditions& conditions) {
  constexpr int kWide = 16;
  Choices<std::uint8_t> choices;
  if (!conditions.protocols) return {std::nullopt};
  for (const auto& [first, last] : *conditions.protocols) {
    if (last - first >= kWide) {
      conditions.narrowed = true;
      return {std::nullopt};
    }
    for (unsigned i = first; i <= last; ++i) choices.push_back(static_cast<std::uint8_t>(i));
  }
  return choices;
}

Choices<Network> DestinationChoices(Conditions& conditions, std::size_t limit) {
  if (!conditions.destinations) return {std::nullopt};
  Choices<Network> choices;
  for (const Range<Address>& range : *conditions.destinations) {
    const std::optional<std::vector<Network>> networks = NetworksOf(range, limit);
    if (!networks) {
      conditions.narrowed = true;
      return {std::nullopt};
    }
    choices.insert(choices.end(), networks->begin(), networks->end());
  }
  return choices;
}

class Walker {
 public:
  Walker(const Ruleset& ruleset, AddressFamily family, const WalkLimits& limits)
      : ruleset_(ruleset), family_(family), limits_(limits), unclear_(limits.sentences) {}

  MarkRules Run() &&;

 private:
  Outcome WalkChain(std::size_t place, const Path& path);
  Outcome Follow(const Chain& chain, const Rule& rule, const Path& path);
  Outcome Enter(const Chain& from, std::size_t target, const Path& path);
  void Collect(const Chain& chain, const Rule& rule, const Path& path);
  void Emit(const Rule& rule, const Path& path, Conditions conditions);
  bool Work(const Chain& chain, std::size_t amount);
  bool Full();
  void Say(const Chain& chain, const Rule& rule, const char* what);

  const Ruleset& ruleset_;
  const AddressFamily family_;
  const WalkLimits& limits_;
  Sentences unclear_;
  std::vector<MarkRule> rules_;
  std::size_t work_ = 0;
  bool exhausted_ = false;
};

MarkRules Walker::Run() && {
  for (const std::string& sentence : ruleset_.unclear) unclear_.Add(sentence);
  for (std::size_t i = 0; i < ruleset_.chains.size(); ++i) {
    const Chain& chain = ruleset_.chains[i];
    if (!chain.hook || chain.family.value_or(family_) != family_) continue;
    Path path{.conditions = {},
              .hook = *chain.hook,
              .by_map = false,
              .below_ip = chain.below_ip,
              .depth = 0};
    path.conditions.family = family_;
    path.conditions.narrowed = chain.first_packets;
    WalkChain(i, path);
  }
  return {std::move(rules_), std::move(unclear_).Take()};
}

// Whether there is room for so much more of it.
bool Walker::Work(const Chain& chain, std::size_t amount) {
  if (exhausted_) return false;
  work_ += amount;
  if (work_ <= limits_.work) return true;
  exhausted_ = true;
  unclear_.Add(chain.name + ": too many ways lead to these rules and those behind them");
  return false;
}

Outcome Walker::WalkChain(std::size_t place, const Path& path) {
  const Chain& chain = ruleset_.chains[place];
  for (const Rule& rule : chain.rules) {
    if (!Work(chain, 1)) return Outcome::kEnds;
    const bool always = rule.conditions.none();
    if (rule.action == Rule::Action::kReturn && always) return Outcome::kGoesOn;
    if (rule.action == Rule::Action::kEnd && always) return Outcome::kEnds;
    const Outcome outcome = Follow(chain, rule, path);
    if (always && (rule.action == Rule::Action::kGoto || outcome == Outcome::kEnds)) return outcome;
  }
  return Outcome::kGoesOn;
}

// What the rule does to the packets that it is for.
Outcome Walker::Follow(const Chain& chain, const Rule& rule, const Path& path) {
  switch (rule.action) {
    case Rule::Action::kMark:
    case Rule::Action::kUnclear:
      Collect(chain, rule, path);
      return Outcome::kGoesOn;
    case Rule::Action::kReturn:
    case Rule::Action::kEnd:
      return Outcome::kGoesOn;
    case Rule::Action::kJump:
    case Rule::Action::kGoto:
    case Rule::Action::kJumpMap:
      break;
  }
  if (!Work(chain, path.conditions.size() + rule.conditions.size())) return Outcome::kEnds;
  Path further = path;
  further.conditions.Require(rule.conditions);
  further.by_map = path.by_map || rule.action == Rule::Action::kJumpMap;
  ++further.depth;
  if (further.conditions.impossible()) return Outcome::kGoesOn;
  Outcome outcome = Outcome::kGoesOn;
  for (const std::size_t target : rule.targets) outcome = Enter(chain, target, further);
  return rule.action == Rule::Action::kJumpMap ? Outcome::kGoesOn : outcome;
}

Outcome Walker::Enter(const Chain& from, std::size_t target, const Path& path) {
  if (target >= ruleset_.chains.size()) return Outcome::kGoesOn;
  if (path.depth <= limits_.depth) return WalkChain(target, path);
  unclear_.Add(from.name + ": more than " + std::to_string(limits_.depth) +
               " jumps lead from here to " + ruleset_.chains[target].name);
  return Outcome::kGoesOn;
}

void Walker::Say(const Chain& chain, const Rule& rule, const char* what) {
  unclear_.Add(chain.name + " " + ruleset_.numbers + " " + std::to_string(rule.number) + ": " +
               what);
}

void Walker::Collect(const Chain& chain, const Rule& rule, const Path& path) {
  if (!Work(chain, path.conditions.size() + rule.conditions.size())) return;
  Conditions conditions = path.conditions;
  conditions.Require(rule.conditions);
  if (conditions.impossible()) return;
  if (rule.action == Rule::Action::kUnclear) {
    Say(chain, rule, rule.reason);
  } else if (path.by_map) {
    Say(chain, rule, "a mark for packets that a verdict map sends here");
  } else if (path.below_ip) {
    Say(chain, rule, "a mark that packets get at a device or bridge, before IP sees them");
  } else {
    Emit(rule, path, std::move(conditions));
  }
}

bool Walker::Full() {
  if (rules_.size() < limits_.mark_rules) return false;
  if (!exhausted_) {
    unclear_.Add("more than " + std::to_string(limits_.mark_rules) +
                 " combinations of destination, protocol and port get a mark");
  }
  exhausted_ = true;
  return true;
}

void Walker::Emit(const Rule& rule, const Path& path, Conditions conditions) {
  const auto destinations = DestinationChoices(conditions, limits_.networks_per_rule);
  const auto protocols = ProtocolChoices(conditions);
  const auto ports = PortChoices(conditions);
  for (const auto& destination : destinations) {
    if (destination && destination->address.family != family_) continue;
    for (const auto& protocol : protocols) {
      for (const auto& port : ports) {
        if (Full()) return;
        rules_.push_back({.family = family_,
                          .hook = path.hook,
                          .destination = destination,
                          .protocol = protocol,
                          .destination_ports = port,
                          .mark = rule.mark,
                          .mask = rule.mask,
                          .narrowed = conditions.narrowed});
      }
    }
  }
}

}  // namespace

MarkRules Walk(const Ruleset& ruleset, AddressFamily family, const WalkLimits& limits) {
  return Walker(ruleset, family, limits).Run();
}

void Append(MarkRules& rules, MarkRules more, const WalkLimits& limits) {
  Sentences unclear(limits.sentences);
  for (std::string& sentence : rules.unclear) unclear.Add(std::move(sentence));
  for (std::string& sentence : more.unclear) unclear.Add(std::move(sentence));
  const std::size_t room = limits.mark_rules - std::min(limits.mark_rules, rules.rules.size());
  if (more.rules.size() > room) {
    more.rules.resize(room);
    unclear.Add("more than " + std::to_string(limits.mark_rules) + " rules set a mark");
  }
  rules.rules.insert(rules.rules.end(), more.rules.begin(), more.rules.end());
  rules.unclear = std::move(unclear).Take();
}

}  // namespace lvs::netfilter
