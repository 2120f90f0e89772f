// What the expressions of one nf_tables rule do with the mark of a packet.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "collectors/bytes.h"
#include "collectors/netfilter/chains.h"
#include "collectors/netfilter/nft_conditions.h"
#include "collectors/netfilter/nft_messages.h"
#include "collectors/result.h"

namespace lvs::netfilter {

// The field must be in a set of the rule's table.
struct NftLookup {
  NftField field = NftField::kPort;
  std::string set;
};

// One of the things that a rule does, with what must be true before it does it. `rule` wants its
// targets and the conditions of the lookups.
struct NftPart {
  Rule rule;
  std::vector<NftLookup> lookups;
  std::string chain;  // of kJump and kGoto: the target
  std::string map;    // of kJumpMap: the set with the targets
};

// expressions: those of NftRule. family: of the packets that the rule's table sees; absent: both.
// Parts that are without consequence for marks are left out. Expressions that are not known narrow
// what comes behind them. Pure.
// Errors (kMalformed): an attribute of a wrong length.
Result<std::vector<NftPart>> DecodeExpressions(std::optional<AddressFamily> family,
                                               Bytes expressions);

}  // namespace lvs::netfilter
