#include "collectors/netfilter/nft_messages.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace lvs::netfilter {
namespace {

using netlink::AttributeReader;
using netlink::AttributeWriter;

static_assert(NFNL_SUBSYS_NFTABLES == NftType(0) >> 8);
static_assert(sizeof(nfgenmsg) == NLMSG_ALIGN(sizeof(nfgenmsg)));

Error TooShort() { return {ErrorCode::kMalformed, "a message shorter than its header"}; }

// Takes the header away from the front of payload and gives the family.
std::optional<std::uint8_t> TakeFamily(Bytes& payload) {
  nfgenmsg header;
  if (payload.size() < sizeof header) return {};
  std::memcpy(&header, payload.data(), sizeof header);
  payload = payload.subspan(sizeof header);
  return header.nfgen_family;
}

std::uint64_t ReadNetworkU64(AttributeReader& reader) { return be64toh(reader.U64()); }

NftChain::BaseHook ReadHook(AttributeReader& chain) {
  NftChain::BaseHook hook;
  AttributeReader reader = chain.Nested();
  while (reader.Next()) {
    if (reader.type() == NFTA_HOOK_HOOKNUM) hook.number = ReadNetworkU32(reader);
    if (reader.type() == NFTA_HOOK_PRIORITY) {
      hook.priority = static_cast<std::int32_t>(ReadNetworkU32(reader));
    }
  }
  return hook;
}

std::vector<std::uint8_t> CopyOf(Bytes bytes) {
  std::vector<std::uint8_t> copy(bytes.size());
  std::ranges::transform(bytes, copy.begin(),
                         [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
  return copy;
}

NftElement ReadElement(AttributeReader& list) {
  NftElement element;
  AttributeReader reader = list.Nested();
  while (reader.Next()) {
    if (reader.type() == NFTA_SET_ELEM_KEY) element.key = CopyOf(ReadValue(reader));
    if (reader.type() == NFTA_SET_ELEM_KEY_END) element.key_end = CopyOf(ReadValue(reader));
    if (reader.type() == NFTA_SET_ELEM_FLAGS) {
      element.ends_interval = (ReadNetworkU32(reader) & NFT_SET_ELEM_INTERVAL_END) != 0;
    }
    if (reader.type() == NFTA_SET_ELEM_DATA) {
      // A reader of its own: the levels of one are not enough for what is in a verdict.
      AttributeReader data(reader.value());
      element.verdict = ReadVerdict(data);
      if (!data.ok()) reader.Fail("a verdict or a value");
    }
  }
  return element;
}

std::vector<std::byte> Request(std::uint8_t family, Bytes attributes) {
  const nfgenmsg header = {.nfgen_family = family, .version = NFNETLINK_V0, .res_id = 0};
  std::vector<std::byte> bytes(sizeof header + attributes.size());
  std::memcpy(bytes.data(), &header, sizeof header);
  std::ranges::copy(attributes, bytes.begin() + sizeof header);
  return bytes;
}

}  // namespace

std::vector<std::byte> EncodeNftRequest(std::uint8_t family) { return Request(family, {}); }

std::vector<std::byte> EncodeElementDump(const NftName& set) {
  AttributeWriter attributes;
  attributes.AddText(NFTA_SET_ELEM_LIST_TABLE, set.table);
  attributes.AddText(NFTA_SET_ELEM_LIST_SET, set.name);
  return Request(set.family, attributes.bytes());
}

std::uint32_t ReadNetworkU32(AttributeReader& reader) { return ntohl(reader.U32()); }

std::string ReadName(AttributeReader& reader) {
  return std::string(reader.Text(NFT_NAME_MAXLEN - 1));
}

Bytes ReadValue(AttributeReader& reader) {
  Bytes value;
  AttributeReader data = reader.Nested();
  while (data.Next()) {
    if (data.type() == NFTA_DATA_VALUE) value = data.value();
  }
  return value;
}

std::optional<NftVerdict> ReadVerdict(AttributeReader& data) {
  std::optional<NftVerdict> verdict;
  while (data.Next()) {
    if (data.type() != NFTA_DATA_VERDICT) continue;
    verdict.emplace();
    AttributeReader reader = data.Nested();
    while (reader.Next()) {
      if (reader.type() == NFTA_VERDICT_CODE) {
        verdict->code = static_cast<std::int32_t>(ReadNetworkU32(reader));
      }
      if (reader.type() == NFTA_VERDICT_CHAIN) verdict->chain = ReadName(reader);
    }
  }
  return verdict;
}

Result<std::uint32_t> DecodeGeneration(Bytes payload) {
  if (!TakeFamily(payload)) return TooShort();
  std::uint32_t generation = 0;
  AttributeReader reader(payload);
  while (reader.Next()) {
    if (reader.type() == NFTA_GEN_ID) generation = ReadNetworkU32(reader);
  }
  if (!reader.ok()) return reader.result().error();
  return generation;
}

Result<NftTable> DecodeTable(Bytes payload) {
  const std::optional<std::uint8_t> family = TakeFamily(payload);
  if (!family) return TooShort();
  NftTable table;
  table.family = *family;
  AttributeReader reader(payload);
  while (reader.Next()) {
    if (reader.type() == NFTA_TABLE_NAME) table.name = ReadName(reader);
    if (reader.type() == NFTA_TABLE_FLAGS) {
      table.dormant = (ReadNetworkU32(reader) & NFT_TABLE_F_DORMANT) != 0;
    }
  }
  if (!reader.ok()) return reader.result().error();
  return table;
}

Result<NftChain> DecodeChain(Bytes payload) {
  const std::optional<std::uint8_t> family = TakeFamily(payload);
  if (!family) return TooShort();
  NftChain chain;
  chain.name.family = *family;
  AttributeReader reader(payload);
  while (reader.Next()) {
    if (reader.type() == NFTA_CHAIN_TABLE) chain.name.table = ReadName(reader);
    if (reader.type() == NFTA_CHAIN_NAME) chain.name.name = ReadName(reader);
    if (reader.type() == NFTA_CHAIN_HOOK) chain.hook = ReadHook(reader);
    if (reader.type() == NFTA_CHAIN_TYPE) chain.type = ReadName(reader);
  }
  if (!reader.ok()) return reader.result().error();
  return chain;
}

Result<NftRule> DecodeRule(Bytes payload) {
  const std::optional<std::uint8_t> family = TakeFamily(payload);
  if (!family) return TooShort();
  NftRule rule;
  rule.chain.family = *family;
  AttributeReader reader(payload);
  while (reader.Next()) {
    if (reader.type() == NFTA_RULE_TABLE) rule.chain.table = ReadName(reader);
    if (reader.type() == NFTA_RULE_CHAIN) rule.chain.name = ReadName(reader);
    if (reader.type() == NFTA_RULE_HANDLE) rule.handle = ReadNetworkU64(reader);
    if (reader.type() == NFTA_RULE_EXPRESSIONS) rule.expressions = reader.value();
  }
  if (!reader.ok()) return reader.result().error();
  return rule;
}

Result<NftSet> DecodeSet(Bytes payload) {
  const std::optional<std::uint8_t> family = TakeFamily(payload);
  if (!family) return TooShort();
  NftSet set;
  set.name.family = *family;
  AttributeReader reader(payload);
  while (reader.Next()) {
    if (reader.type() == NFTA_SET_TABLE) set.name.table = ReadName(reader);
    if (reader.type() == NFTA_SET_NAME) set.name.name = ReadName(reader);
    if (reader.type() == NFTA_SET_FLAGS) set.flags = ReadNetworkU32(reader);
  }
  if (!reader.ok()) return reader.result().error();
  return set;
}

Result<NftElements> DecodeElements(Bytes payload) {
  const std::optional<std::uint8_t> family = TakeFamily(payload);
  if (!family) return TooShort();
  NftElements result;
  result.set.family = *family;
  AttributeReader reader(payload);
  while (reader.Next()) {
    if (reader.type() == NFTA_SET_ELEM_LIST_TABLE) result.set.table = ReadName(reader);
    if (reader.type() == NFTA_SET_ELEM_LIST_SET) result.set.name = ReadName(reader);
    if (reader.type() != NFTA_SET_ELEM_LIST_ELEMENTS) continue;
    AttributeReader list = reader.Nested();
    while (list.Next()) {
      if (list.type() == NFTA_LIST_ELEM) result.elements.push_back(ReadElement(list));
    }
  }
  if (!reader.ok()) return reader.result().error();
  return result;
}

}  // namespace lvs::netfilter
