// Which rules of the firewall set packet marks before IPVS sees the packets.
#pragma once

#include <string>

#include "collectors/netfilter/mark_rule.h"
#include "collectors/netfilter/nft_reader.h"
#include "collectors/result.h"

namespace lvs::netfilter {

// What was found for each address family. An error of either source, of the legacy tables or of
// nf_tables, is the family's: what the other one has would not be all.
struct MarkReading {
  Result<MarkRules> ipv4;
  Result<MarkRules> ipv6;
};

// Reads the legacy tables and nf_tables, which can both be filled at once, by the kernel's own
// interfaces. Loads no module and makes no table. Belongs to the network namespace of the thread
// that first calls Read(); one owner, one thread. Needs CAP_NET_ADMIN and, where legacy tables are
// known to the kernel, permission to read ip_tables_names (see ReadXtables), which is root's.
//
// A reading of 10,000 rules takes some tens of milliseconds, which is for a thread off the scrape
// path. An unchanged nf_tables costs one exchange; legacy tables are read anew each time.
class MarkRuleReader {
 public:
  // procfs: usually "/proc".
  explicit MarkRuleReader(std::string procfs) : procfs_(std::move(procfs)), nft_(procfs_) {}

  // Errors: those of ReadXtables and of NftReader::Read.
  MarkReading Read();

 private:
  const std::string procfs_;
  NftReader nft_;
};

}  // namespace lvs::netfilter
