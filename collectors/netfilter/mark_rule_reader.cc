#include "collectors/netfilter/mark_rule_reader.h"

#include <utility>

#include "collectors/netfilter/walk.h"
#include "collectors/netfilter/xtables_reader.h"

namespace lvs::netfilter {
namespace {

Result<MarkRules> Merged(Result<MarkRules> legacy, const Result<NftMarks>& nft,
                         MarkRules NftMarks::*family) {
  if (!legacy.ok()) return legacy;
  if (!nft.ok()) return nft.error();
  Append(legacy.value(), nft.value().*family);
  return legacy;
}

}  // namespace

MarkReading MarkRuleReader::Read() {
  const Result<NftMarks> nft = nft_.Read();
  return {Merged(ReadXtables(procfs_, AddressFamily::kIpv4), nft, &NftMarks::ipv4),
          Merged(ReadXtables(procfs_, AddressFamily::kIpv6), nft, &NftMarks::ipv6)};
}

}  // namespace lvs::netfilter
