#include "collectors/netfilter/xtables_entries.h"

#include <netinet/in.h>
// After <netinet/in.h>, or both would define its types.
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <map>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/netfilter/networks.h"
#include "collectors/netfilter/xtables_extensions.h"

namespace lvs::netfilter {
namespace {

constexpr std::size_t kExtensionHeader = sizeof(xt_entry_match);
static_assert(kExtensionHeader == sizeof(xt_entry_target));

// Both families' entries, as what matters of them.
struct Entry {
  Conditions conditions;
  std::size_t header = 0;         // bytes before the first match
  std::size_t target_offset = 0;  // from the entry's begin
  std::size_t next_offset = 0;
  bool is_goto = false;
};

// A match or a target.
struct Extension {
  std::string_view name;
  std::uint8_t revision = 0;
  Bytes info;
};

bool IsZero(Bytes bytes) {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

template <class Value>
Bytes BytesOf(const Value& value) {
  return std::as_bytes(std::span(&value, 1));
}

void RequireDestination(AddressFamily family, Bytes address, Bytes mask, bool inverted,
                        Conditions& conditions) {
  if (IsZero(mask) && !inverted) return;
  const std::optional<unsigned> length = PrefixLengthOf(mask);
  if (inverted || !length) {
    conditions.narrowed = true;
  } else {
    conditions.RequireDestinations({RangeOf(AddressOf(family, address), *length)});
  }
}

// Header: ipt_ip or ip6t_ip6. What they have under the same names.
template <class Header>
void RequireHeader(AddressFamily family, const Header& header, Conditions& conditions) {
  const bool not_destination = (header.invflags & IPT_INV_DSTIP) != 0;
  RequireDestination(family, BytesOf(header.dst), BytesOf(header.dmsk), not_destination,
                     conditions);
  const bool interface = header.iniface_mask[0] != 0 || header.outiface_mask[0] != 0;
  if (!IsZero(BytesOf(header.smsk)) || interface || header.invflags != 0) {
    conditions.narrowed = true;
  }
}

void RequireProtocol(std::uint16_t protocol, bool inverted, Conditions& conditions) {
  if (protocol == 0 || inverted) return;  // an inversion has narrowed already
  const auto number = static_cast<std::uint8_t>(protocol);
  conditions.RequireProtocols({{number, number}});
}

Entry EntryOf(const ipt_entry& raw) {
  Entry entry{{}, sizeof raw, raw.target_offset, raw.next_offset, false};
  RequireHeader(AddressFamily::kIpv4, raw.ip, entry.conditions);
  RequireProtocol(raw.ip.proto, (raw.ip.invflags & IPT_INV_PROTO) != 0, entry.conditions);
  if ((raw.ip.flags & IPT_F_FRAG) != 0) entry.conditions.narrowed = true;
  entry.is_goto = (raw.ip.flags & IPT_F_GOTO) != 0;
  return entry;
}

Entry EntryOf(const ip6t_entry& raw) {
  Entry entry{{}, sizeof raw, raw.target_offset, raw.next_offset, false};
  RequireHeader(AddressFamily::kIpv6, raw.ipv6, entry.conditions);
  if ((raw.ipv6.flags & IP6T_F_PROTO) != 0) {
    RequireProtocol(raw.ipv6.proto, (raw.ipv6.invflags & IP6T_INV_PROTO) != 0, entry.conditions);
  }
  if ((raw.ipv6.flags & IP6T_F_TOS) != 0) entry.conditions.narrowed = true;
  entry.is_goto = (raw.ipv6.flags & IP6T_F_GOTO) != 0;
  return entry;
}

// The inversions of source, destination and protocol are the same bits in both families.
static_assert(IPT_INV_DSTIP == IP6T_INV_DSTIP && IPT_INV_PROTO == IP6T_INV_PROTO);

template <class Raw>
std::optional<Entry> TakeEntry(Bytes bytes) {
  Raw raw;
  if (bytes.size() < sizeof raw) return {};
  std::memcpy(&raw, bytes.data(), sizeof raw);
  return EntryOf(raw);
}

// The match or target at the front of bytes; absent if its size does not fit.
std::optional<Extension> TakeExtension(Bytes& bytes) {
  xt_entry_match header;
  if (bytes.size() < kExtensionHeader) return {};
  std::memcpy(&header, bytes.data(), kExtensionHeader);
  const std::size_t size = header.u.user.match_size;
  if (size < kExtensionHeader || size > bytes.size()) return {};
  // A view of the bytes, not of the copy.
  const auto* name =
      reinterpret_cast<const char*>(bytes.data()) + offsetof(xt_entry_match, u.user.name);
  const Extension extension{{name, strnlen(name, sizeof header.u.user.name)},
                            header.u.user.revision,
                            bytes.subspan(kExtensionHeader, size - kExtensionHeader)};
  bytes = bytes.subspan(size);
  return extension;
}

class Decoder {
 public:
  explicit Decoder(const XtablesTable& table) : table_(table) {}

  Result<Ruleset> Run(Bytes entries) &&;

 private:
  Result<std::size_t> DecodeEntry(Bytes rest);
  Result<void> DecodeTarget(Entry& entry, const Extension& target);
  Result<void> DecodeStandard(Entry& entry, Bytes info);
  void Add(const Entry& entry, Rule::Action action, const MarkEffect& effect = {});
  void BeginChain(const std::string& name, std::optional<Hook> hook);
  void BeginBaseChain();
  Result<void> ResolveJumps();
  Error Malformed(const std::string& what) const;

  const XtablesTable& table_;
  Ruleset ruleset_;
  std::map<std::size_t, std::size_t> places_;  // of chains, by the offset of their first rule
  std::size_t offset_ = 0;
  std::size_t number_ = 0;
};

Error Decoder::Malformed(const std::string& what) const {
  return {ErrorCode::kMalformed, "the rule at byte " + std::to_string(offset_) + ": " + what};
}

void Decoder::BeginChain(const std::string& name, std::optional<Hook> hook) {
  const char* tool = table_.family == AddressFamily::kIpv4 ? "iptables " : "ip6tables ";
  Chain chain;
  chain.name = tool + table_.name + " " + Printable(name);
  chain.hook = hook;
  chain.family = table_.family;
  chain.first_packets = table_.first_packets;
  ruleset_.chains.push_back(std::move(chain));
  number_ = 0;
}

// A chain of a hook begins where the table's header says so.
void Decoder::BeginBaseChain() {
  constexpr std::pair<Hook, const char*> kChains[] = {
      {Hook::kPrerouting, "PREROUTING"}, {Hook::kInput, "INPUT"}, {Hook::kOutput, "OUTPUT"}};
  for (const auto& [hook, name] : kChains) {
    if (table_.hooks[static_cast<std::size_t>(hook)] != offset_) continue;
    BeginChain(name, hook);
    places_[offset_] = ruleset_.chains.size() - 1;
  }
}

Result<Ruleset> Decoder::Run(Bytes entries) && {
  while (offset_ < entries.size()) {
    BeginBaseChain();
    const Result<std::size_t> length = DecodeEntry(entries.subspan(offset_));
    if (!length.ok()) return length.error();
    offset_ += length.value();
  }
  if (Result<void> resolved = ResolveJumps(); !resolved.ok()) return resolved.error();
  return std::move(ruleset_);
}

Result<std::size_t> Decoder::DecodeEntry(Bytes rest) {
  std::optional<Entry> entry = table_.family == AddressFamily::kIpv4 ? TakeEntry<ipt_entry>(rest)
                                                                     : TakeEntry<ip6t_entry>(rest);
  if (!entry) return Malformed("shorter than its header");
  if (entry->target_offset < entry->header || entry->next_offset < entry->target_offset ||
      entry->next_offset > rest.size() || entry->next_offset % alignof(_xt_align) != 0) {
    return Malformed("lengths that do not fit");
  }
  Bytes matches = rest.subspan(entry->header, entry->target_offset - entry->header);
  while (!matches.empty()) {
    const std::optional<Extension> match = TakeExtension(matches);
    if (!match) return Malformed("a match that does not fit");
    RequireMatch(match->name, match->revision, match->info, entry->conditions);
  }
  Bytes place = rest.subspan(entry->target_offset, entry->next_offset - entry->target_offset);
  const std::optional<Extension> target = TakeExtension(place);
  if (!target) return Malformed("a target that does not fit");
  ++number_;
  if (Result<void> taken = DecodeTarget(*entry, *target); !taken.ok()) return taken.error();
  return entry->next_offset;
}

// An entry with the target ERROR is the head of a chain that users made, or the end of the table.
Result<void> Decoder::DecodeTarget(Entry& entry, const Extension& target) {
  if (target.name == XT_STANDARD_TARGET) return DecodeStandard(entry, target.info);
  if (target.name == XT_ERROR_TARGET) {
    const auto* name = reinterpret_cast<const char*>(target.info.data());
    const std::size_t room = std::min<std::size_t>(target.info.size(), XT_FUNCTION_MAXNAMELEN);
    BeginChain(std::string(name, room == 0 ? 0 : strnlen(name, room)), std::nullopt);
    places_[offset_ + entry.next_offset] = ruleset_.chains.size() - 1;
    return {};
  }
  const MarkEffect effect = EffectOf(target.name, target.revision, target.info);
  if (effect.kind == MarkEffect::Kind::kSet) Add(entry, Rule::Action::kMark, effect);
  if (effect.kind == MarkEffect::Kind::kUnclear) Add(entry, Rule::Action::kUnclear, effect);
  return {};
}

// A verdict below zero is an answer; else the offset of the rule to go on with, which in a rule
// without a target is the next one (ipt_do_table in net/ipv4/netfilter/ip_tables.c).
Result<void> Decoder::DecodeStandard(Entry& entry, Bytes info) {
  std::int32_t verdict = 0;
  if (info.size() < sizeof verdict) return Malformed("a verdict that is too short");
  std::memcpy(&verdict, info.data(), sizeof verdict);
  if (verdict < 0) {
    const bool returns = verdict == XT_RETURN;
    if (entry.conditions.none()) {
      Add(entry, returns ? Rule::Action::kReturn : Rule::Action::kEnd);
    }
    return {};
  }
  const auto target = static_cast<std::size_t>(verdict);
  if (target == offset_ + entry.next_offset) return {};
  Add(entry, entry.is_goto ? Rule::Action::kGoto : Rule::Action::kJump);
  if (!ruleset_.chains.empty()) ruleset_.chains.back().rules.back().targets = {target};
  return {};
}

// Rules before the first chain are in none.
void Decoder::Add(const Entry& entry, Rule::Action action, const MarkEffect& effect) {
  if (ruleset_.chains.empty()) return;
  Rule rule;
  rule.conditions = entry.conditions;
  rule.action = action;
  rule.number = number_;
  rule.mark = effect.mark;
  rule.mask = effect.mask;
  rule.reason = effect.reason;
  ruleset_.chains.back().rules.push_back(std::move(rule));
}

// From offsets to places.
Result<void> Decoder::ResolveJumps() {
  for (Chain& chain : ruleset_.chains) {
    for (Rule& rule : chain.rules) {
      for (std::size_t& target : rule.targets) {
        const auto found = places_.find(target);
        if (found == places_.end()) {
          return Error{ErrorCode::kMalformed,
                       "a jump to byte " + std::to_string(target) + ", where no chain begins"};
        }
        target = found->second;
      }
    }
  }
  return {};
}

}  // namespace

Result<Ruleset> DecodeEntries(const XtablesTable& table, Bytes entries) {
  return Decoder(table).Run(entries);
}

}  // namespace lvs::netfilter
