#include "collectors/netfilter/nft_expressions.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "collectors/netfilter/nft_registers.h"
#include "collectors/netfilter/xtables_extensions.h"
#include "collectors/netlink/attributes.h"

namespace lvs::netfilter {
namespace {

using netlink::AttributeReader;
using Action = Rule::Action;
using Kind = NftValue::Kind;

constexpr std::size_t kMaxName = 64;  // of an expression or an extension

class Decoder {
 public:
  explicit Decoder(std::optional<AddressFamily> family) : table_family_(family) {
    conditions_.family = family;
  }

  Result<std::vector<NftPart>> Run(Bytes expressions) &&;

 private:
  using Decode = void (Decoder::*)(AttributeReader& reader);
  struct Row {
    std::string_view name;
    Decode decode;
  };
  static const Row kRows[];

  void Payload(AttributeReader& reader);
  void Meta(AttributeReader& reader);
  void Conntrack(AttributeReader& reader);
  void Immediate(AttributeReader& reader);
  void Bitwise(AttributeReader& reader);
  void Compare(AttributeReader& reader);
  void InRange(AttributeReader& reader);
  void Lookup(AttributeReader& reader);
  void Match(AttributeReader& reader);
  void Target(AttributeReader& reader);
  void Ignore(AttributeReader&) {}
  void End(AttributeReader&) { AddVerdict({.code = NF_DROP, .chain = {}}); }
  void Unknown(AttributeReader&);

  void AddVerdict(const NftVerdict& verdict);
  void AddMark(const MarkEffect& effect);
  NftPart& Add(Action action);

  const std::optional<AddressFamily> table_family_;
  NftRegisters registers_;
  Conditions conditions_;
  std::vector<NftLookup> lookups_;
  std::vector<NftPart> parts_;
};

// By the names of their types in the kernel (net/netfilter/nft_*.c). What only counts or tells is
// ignored.
const Decoder::Row Decoder::kRows[] = {
    {"payload", &Decoder::Payload}, {"meta", &Decoder::Meta},
    {"ct", &Decoder::Conntrack},    {"immediate", &Decoder::Immediate},
    {"bitwise", &Decoder::Bitwise}, {"cmp", &Decoder::Compare},
    {"range", &Decoder::InRange},   {"lookup", &Decoder::Lookup},
    {"match", &Decoder::Match},     {"target", &Decoder::Target},
    {"counter", &Decoder::Ignore},  {"log", &Decoder::Ignore},
    {"notrack", &Decoder::Ignore},  {"last", &Decoder::Ignore},
    {"reject", &Decoder::End},      {"queue", &Decoder::End},
    {"masq", &Decoder::End},        {"redir", &Decoder::End},
    {"nat", &Decoder::End},
};

Result<std::vector<NftPart>> Decoder::Run(Bytes expressions) && {
  AttributeReader list(expressions);
  while (list.Next()) {
    if (list.type() != NFTA_LIST_ELEM) continue;
    std::string_view name;
    Bytes data;
    AttributeReader expression = list.Nested();
    while (expression.Next()) {
      if (expression.type() == NFTA_EXPR_NAME) name = expression.Text(kMaxName);
      if (expression.type() == NFTA_EXPR_DATA) data = expression.value();
    }
    const auto* row = std::ranges::find(kRows, name, &Row::name);
    // A reader of its own: the levels of one are not enough for what is in there.
    AttributeReader reader(data);
    (this->*(row == std::end(kRows) ? &Decoder::Unknown : row->decode))(reader);
    if (!reader.ok()) {
      const Error error = reader.result().error();
      return Error{error.code, "expression " + Printable(name) + ": " + error.message};
    }
  }
  if (!list.ok()) return list.result().error();
  return std::move(parts_);
}

NftPart& Decoder::Add(Action action) {
  NftPart& part = parts_.emplace_back();
  part.rule.conditions = conditions_;
  // What the chain demands anyway is no condition of the rule.
  if (part.rule.conditions.family == table_family_) part.rule.conditions.family.reset();
  part.rule.action = action;
  part.lookups = lookups_;
  return part;
}

void Decoder::AddMark(const MarkEffect& effect) {
  if (effect.kind == MarkEffect::Kind::kNone) return;
  const bool clear = effect.kind == MarkEffect::Kind::kSet;
  Rule& rule = Add(clear ? Action::kMark : Action::kUnclear).rule;
  rule.mark = effect.mark;
  rule.mask = effect.mask;
  rule.reason = effect.reason;
}

// A verdict that holds for some packets only is without consequence, unless it leads elsewhere.
void Decoder::AddVerdict(const NftVerdict& verdict) {
  if (verdict.code == NFT_JUMP) {
    Add(Action::kJump).chain = verdict.chain;
  } else if (verdict.code == NFT_GOTO) {
    Add(Action::kGoto).chain = verdict.chain;
  } else if (verdict.code != NFT_CONTINUE && verdict.code != NFT_BREAK) {
    const bool returns = verdict.code == NFT_RETURN;
    const NftPart& part = Add(returns ? Action::kReturn : Action::kEnd);
    if (!part.rule.conditions.none() || !part.lookups.empty()) parts_.pop_back();
  }
}

// Whatever it is, it may be a condition, and it may write any register.
void Decoder::Unknown(AttributeReader&) {
  conditions_.narrowed = true;
  registers_.Clear();
}

void Decoder::Payload(AttributeReader& reader) {
  NftValue value;
  value.kind = Kind::kPayload;
  std::uint32_t destination = 0;
  while (reader.Next()) {
    if (reader.type() == NFTA_PAYLOAD_DREG) destination = ReadNetworkU32(reader);
    if (reader.type() == NFTA_PAYLOAD_BASE) value.base = ReadNetworkU32(reader);
    if (reader.type() == NFTA_PAYLOAD_OFFSET) value.offset = ReadNetworkU32(reader);
    if (reader.type() == NFTA_PAYLOAD_LEN) value.length = ReadNetworkU32(reader);
  }
  registers_.Write(destination, std::move(value));
}

void Decoder::Meta(AttributeReader& reader) {
  std::uint32_t key = 0;
  std::optional<std::uint32_t> destination;
  std::optional<std::uint32_t> source;
  while (reader.Next()) {
    if (reader.type() == NFTA_META_KEY) key = ReadNetworkU32(reader);
    if (reader.type() == NFTA_META_DREG) destination = ReadNetworkU32(reader);
    if (reader.type() == NFTA_META_SREG) source = ReadNetworkU32(reader);
  }
  if (destination) registers_.Write(*destination, MetaValue(key));
  if (source && key == NFT_META_MARK) AddMark(EffectOf(registers_.Read(*source)));
}

// Setting something of a connection does nothing to the packet.
void Decoder::Conntrack(AttributeReader& reader) {
  std::uint32_t key = 0;
  std::optional<std::uint32_t> destination;
  while (reader.Next()) {
    if (reader.type() == NFTA_CT_KEY) key = ReadNetworkU32(reader);
    if (reader.type() == NFTA_CT_DREG) destination = ReadNetworkU32(reader);
  }
  const bool mark = key == NFT_CT_MARK;
  if (destination) {
    registers_.Write(*destination, mark ? OtherValue("the mark of the connection") : OtherValue());
  }
}

void Decoder::Immediate(AttributeReader& reader) {
  std::uint32_t destination = NFT_REG_VERDICT;
  NftValue value;
  value.kind = Kind::kConstant;
  std::optional<NftVerdict> verdict;
  while (reader.Next()) {
    if (reader.type() == NFTA_IMMEDIATE_DREG) destination = ReadNetworkU32(reader);
    if (reader.type() != NFTA_IMMEDIATE_DATA) continue;
    const Bytes bytes = ReadValue(reader);
    value.bytes.assign(bytes.begin(), bytes.end());
    AttributeReader data = reader.Nested();
    verdict = ReadVerdict(data);
  }
  value.length = value.bytes.size();
  if (destination != NFT_REG_VERDICT) registers_.Write(destination, std::move(value));
  if (destination == NFT_REG_VERDICT && verdict) AddVerdict(*verdict);
}

void Decoder::Bitwise(AttributeReader& reader) {
  std::uint32_t source = 0;
  std::uint32_t destination = 0;
  std::uint32_t operation = NFT_BITWISE_BOOL;
  Bytes mask;
  Bytes exclusive_or;
  while (reader.Next()) {
    if (reader.type() == NFTA_BITWISE_SREG) source = ReadNetworkU32(reader);
    if (reader.type() == NFTA_BITWISE_DREG) destination = ReadNetworkU32(reader);
    if (reader.type() == NFTA_BITWISE_OP) operation = ReadNetworkU32(reader);
    if (reader.type() == NFTA_BITWISE_MASK) mask = ReadValue(reader);
    if (reader.type() == NFTA_BITWISE_XOR) exclusive_or = ReadValue(reader);
  }
  NftValue value = registers_.Read(source);
  if (operation != NFT_BITWISE_BOOL) value = OtherValue();
  if (value.kind != Kind::kOther) value = Masked(std::move(value), mask, exclusive_or);
  registers_.Write(destination, std::move(value));
}

void Decoder::Compare(AttributeReader& reader) {
  std::uint32_t source = 0;
  std::uint32_t operation = NFT_CMP_EQ;
  Bytes data;
  while (reader.Next()) {
    if (reader.type() == NFTA_CMP_SREG) source = ReadNetworkU32(reader);
    if (reader.type() == NFTA_CMP_OP) operation = ReadNetworkU32(reader);
    if (reader.type() == NFTA_CMP_DATA) data = ReadValue(reader);
  }
  RequireComparison(registers_.Read(source), operation, data, conditions_);
}

void Decoder::InRange(AttributeReader& reader) {
  std::uint32_t source = 0;
  std::uint32_t operation = NFT_RANGE_EQ;
  Bytes from;
  Bytes to;
  while (reader.Next()) {
    if (reader.type() == NFTA_RANGE_SREG) source = ReadNetworkU32(reader);
    if (reader.type() == NFTA_RANGE_OP) operation = ReadNetworkU32(reader);
    if (reader.type() == NFTA_RANGE_FROM_DATA) from = ReadValue(reader);
    if (reader.type() == NFTA_RANGE_TO_DATA) to = ReadValue(reader);
  }
  if (operation == NFT_RANGE_EQ) {
    RequireRange(registers_.Read(source), from, to, conditions_);
  } else {
    conditions_.narrowed = true;
  }
}

// With a destination it is a map: of verdicts, or of values.
void Decoder::Lookup(AttributeReader& reader) {
  std::uint32_t source = 0;
  std::optional<std::uint32_t> destination;
  bool inverted = false;
  std::string set;
  while (reader.Next()) {
    if (reader.type() == NFTA_LOOKUP_SET) set = ReadName(reader);
    if (reader.type() == NFTA_LOOKUP_SREG) source = ReadNetworkU32(reader);
    if (reader.type() == NFTA_LOOKUP_DREG) destination = ReadNetworkU32(reader);
    if (reader.type() == NFTA_LOOKUP_FLAGS) {
      inverted = (ReadNetworkU32(reader) & NFT_LOOKUP_F_INV) != 0;
    }
  }
  if (destination == NFT_REG_VERDICT) {
    Add(Action::kJumpMap).map = std::move(set);
    return;
  }
  const std::optional<NftField> field = FieldOf(registers_.Read(source), conditions_.family);
  if (destination) registers_.Write(*destination, OtherValue("a mark from a map"));
  if (field && !inverted) {
    lookups_.push_back({*field, std::move(set)});
  } else {
    conditions_.narrowed = true;
  }
}

struct Extension {
  std::string_view name;
  std::uint8_t revision = 0;
  Bytes info;
};

// The attributes of a match and of a target have the same numbers.
static_assert(int{NFTA_MATCH_NAME} == int{NFTA_TARGET_NAME} &&
              int{NFTA_MATCH_REV} == int{NFTA_TARGET_REV} &&
              int{NFTA_MATCH_INFO} == int{NFTA_TARGET_INFO});
Extension ReadExtension(AttributeReader& reader) {
  Extension extension;
  while (reader.Next()) {
    if (reader.type() == NFTA_MATCH_NAME) extension.name = reader.Text(kMaxName);
    if (reader.type() == NFTA_MATCH_REV) {
      extension.revision = static_cast<std::uint8_t>(ReadNetworkU32(reader));
    }
    if (reader.type() == NFTA_MATCH_INFO) extension.info = reader.value();
  }
  return extension;
}

void Decoder::Match(AttributeReader& reader) {
  const Extension match = ReadExtension(reader);
  RequireMatch(match.name, match.revision, match.info, conditions_);
}

void Decoder::Target(AttributeReader& reader) {
  const Extension target = ReadExtension(reader);
  AddMark(EffectOf(target.name, target.revision, target.info));
}

}  // namespace

Result<std::vector<NftPart>> DecodeExpressions(std::optional<AddressFamily> family,
                                               Bytes expressions) {
  return Decoder(family).Run(expressions);
}

}  // namespace lvs::netfilter
