// Reads the rule set of nf_tables, which rules of nft and iptables-nft are in.
#pragma once

#include <linux/netlink.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "collectors/netfilter/mark_rule.h"
#include "collectors/netfilter/nft_presence.h"
#include "collectors/netfilter/nft_ruleset.h"
#include "collectors/netlink/exchange_socket.h"
#include "collectors/result.h"

namespace lvs::netfilter {

// What nf_tables has for each address family.
struct NftMarks {
  MarkRules ipv4;
  MarkRules ipv6;
};

// Asks the network namespace in which the first question is put, over nfnetlink. One owner, one
// thread. Needs CAP_NET_ADMIN (nfnetlink_rcv in net/netfilter/nfnetlink.c).
class NftReader {
 public:
  // procfs: usually "/proc".
  explicit NftReader(const std::string& procfs) : presence_(procfs) {}

  // The marks that are set; none where the kernel has no nf_tables,
  // which is not loaded. As long as the rule set's generation is the same, the last answer is given
  // again after a single exchange.
  // Errors name the step: kNoPermission, kInterrupted (the rule set changed during each of three
  // readings), kTimeout, kMalformed, kNotSupported (see NftPresence), kConnection, kSystem.
  Result<NftMarks> Read();

 private:
  using Add = Result<void> (NftRuleset::*)(Bytes payload);

  Result<std::uint32_t> ReadGeneration();
  Result<Ruleset> ReadRuleset();
  Result<void> Dump(std::uint16_t request, std::uint16_t answer, NftRuleset& ruleset, Add add);
  Result<void> ReadElements(const NftName& set, NftRuleset& ruleset);
  Result<void> ReadAgain(std::uint32_t generation);
  NftMarks Gone();

  static Error Explain(int number, std::uint16_t answer);

  NftPresence presence_;
  netlink::ExchangeSocket socket_{NETLINK_NETFILTER, std::chrono::milliseconds(500), Explain};
  std::optional<std::uint32_t> generation_;  // of last_
  NftMarks last_;
};

}  // namespace lvs::netfilter
