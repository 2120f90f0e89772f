// A rule set of nf_tables from the messages that describe it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "collectors/bytes.h"
#include "collectors/netfilter/chains.h"
#include "collectors/netfilter/nft_conditions.h"
#include "collectors/netfilter/nft_expressions.h"
#include "collectors/netfilter/nft_messages.h"
#include "collectors/result.h"

namespace lvs::netfilter {

// Takes the messages of the dumps, first all tables, then the chains, then the sets and rules, then
// the elements of the sets that the rules need. Of the tables of the families IPv4, IPv6, inet,
// netdev and bridge that have a base chain before IPVS; others, and dormant ones, are passed over.
// Pure; one owner.
class NftRuleset {
 public:
  // The most rules that are looked at; the rest is said to be unclear.
  static constexpr std::size_t kMaxRules = 200'000;
  // Bounds the sets whose elements are wanted. The kernel finds a set by going through all of its
  // table, for every dump of elements (nft_set_lookup in net/netfilter/nf_tables_api.c, Linux 6.18:
  // 10,000 sets in one table took 14 s), so that reading each costs the square of their number.
  // This many steps take half a second: all of 2,000 sets, 400 of 10,000. The others are taken for
  // ones that cannot be read.
  static constexpr std::size_t kMaxSteps = 4'000'000;

  // Messages as DecodeChain and its like take them. Errors: theirs, with the name of the rule.
  Result<void> AddTable(Bytes payload);
  Result<void> AddChain(Bytes payload);
  Result<void> AddSet(Bytes payload);
  Result<void> AddRule(Bytes payload);

  // Whether kMaxRules were added: the rest need not be read.
  bool full() const { return full_; }

  // The sets whose elements the rules look up, as many of them as kMaxSteps allows. Ask once, after
  // all rules.
  std::vector<NftName> WantedSets();
  // All elements of a wanted set. Absent: they could not be read, or are too many.
  void SetElements(const NftName& set, std::optional<std::vector<NftElement>> elements);

  Ruleset Finish() &&;

 private:
  using TableName = std::pair<std::uint8_t, std::string>;  // with its family

  struct Content {
    std::optional<std::vector<KeyInterval>> intervals;
    std::optional<std::vector<std::size_t>> targets;  // of a verdict map: places of chains
  };
  // What a rule still needs.
  struct Open {
    std::size_t chain;
    std::size_t rule;
    std::vector<NftLookup> lookups;
    std::string map;
  };

  std::optional<std::size_t> PlaceOf(const NftName& chain) const;
  void AddPart(std::size_t place, NftPart part);
  void Close(const Open& open);
  NftName InTableOf(std::size_t chain, const std::string& name) const;

  Ruleset ruleset_{.chains = {}, .numbers = "handle", .unclear = {}};
  std::set<TableName> dormant_;
  std::vector<NftName> names_;             // of the chains
  std::map<NftName, std::size_t> places_;  // of the chains
  std::set<TableName> tables_;             // with a base chain before IPVS
  std::map<NftName, std::uint32_t> set_flags_;
  std::map<NftName, Content> contents_;  // of the wanted sets
  std::vector<Open> open_;
  std::size_t rules_ = 0;
  bool full_ = false;
};

}  // namespace lvs::netfilter
