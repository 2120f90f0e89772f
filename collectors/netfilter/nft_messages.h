// Messages of nf_tables over nfnetlink (linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h):
// requests into bytes, bytes into values. Pure: no socket and no clock.
//
// A message is struct nfgenmsg and attributes, whose numbers are in network order.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/bytes.h"
#include "collectors/netlink/attributes.h"
#include "collectors/result.h"

namespace lvs::netfilter {

// The netlink type of a message: NFT_MSG_GETRULE and its like in the subsystem nf_tables.
constexpr std::uint16_t NftType(std::uint16_t message) {
  constexpr std::uint16_t kSubsystem = 10;  // NFNL_SUBSYS_NFTABLES
  return static_cast<std::uint16_t>(kSubsystem << 8 | message);
}

// What every object is found by: its table, and its name in there.
struct NftName {
  std::uint8_t family = 0;  // NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_INET and others
  std::string table;
  std::string name;

  auto operator<=>(const NftName&) const = default;
};

struct NftTable {
  std::uint8_t family = 0;
  std::string name;
  bool dormant = false;  // its chains are in no hook: the rules do nothing
};

struct NftChain {
  struct BaseHook {
    std::uint32_t number = 0;  // NF_INET_PRE_ROUTING and its like
    std::int32_t priority = 0;
  };

  NftName name;
  std::optional<BaseHook> hook;  // of a base chain
  std::string type;              // of a base chain: "filter", "nat", "route"
};

// expressions is a view into the message: a list for DecodeExpressions.
struct NftRule {
  NftName chain;
  std::uint64_t handle = 0;
  Bytes expressions;
};

struct NftSet {
  NftName name;
  std::uint32_t flags = 0;  // NFT_SET_INTERVAL and its like
};

// A verdict of a rule or of an element of a map: NF_ACCEPT, NFT_JUMP and their like.
struct NftVerdict {
  std::int32_t code = 0;
  std::string chain;  // of NFT_JUMP and NFT_GOTO, in the same table
};

struct NftElement {
  std::vector<std::uint8_t> key;      // empty: the element for everything else
  std::vector<std::uint8_t> key_end;  // empty: none
  bool ends_interval = false;         // no element: the first key behind the one before
  std::optional<NftVerdict> verdict;
};

struct NftElements {
  NftName set;
  std::vector<NftElement> elements;
};

// Requests, without the netlink header: for the generation, tables, chains, rules or sets of one
// family, and for the elements of a set.
std::vector<std::byte> EncodeNftRequest(std::uint8_t family);
std::vector<std::byte> EncodeElementDump(const NftName& set);

// One message into a value. Errors (kMalformed): a message shorter than its header, an attribute of
// a wrong length. Attributes nobody needs are skipped.
Result<std::uint32_t> DecodeGeneration(Bytes payload);
Result<NftTable> DecodeTable(Bytes payload);
Result<NftChain> DecodeChain(Bytes payload);
Result<NftRule> DecodeRule(Bytes payload);
Result<NftSet> DecodeSet(Bytes payload);
Result<NftElements> DecodeElements(Bytes payload);

// Parts that expressions have, too. Faults are in the reader.
std::uint32_t ReadNetworkU32(netlink::AttributeReader& reader);
std::string ReadName(netlink::AttributeReader& reader);
// Of an attribute that holds NFTA_DATA_VALUE; empty if it holds something else.
Bytes ReadValue(netlink::AttributeReader& reader);
// Of an attribute that holds NFTA_DATA_VERDICT.
std::optional<NftVerdict> ReadVerdict(netlink::AttributeReader& reader);

}  // namespace lvs::netfilter
