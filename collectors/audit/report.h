// What one look of the audit gave, finished and constant.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "collectors/audit/check.h"
#include "collectors/clock.h"
#include "collectors/ipvs/table.h"
#include "collectors/netfilter/mark_rule.h"
#include "collectors/result.h"

namespace lvs::audit {

// A mark means one service for each address family.
using MarkKey = std::pair<AddressFamily, std::uint32_t>;

struct Report {
  Findings findings;                            // without those that are accepted
  std::vector<netfilter::MarkRule> mark_rules;  // those that could be read, as often as there are
  std::map<MarkKey, std::vector<Address>> fed;  // FedAddresses() of checks.h
  std::optional<Error> error;                   // the first source that could not be read
  std::chrono::system_clock::time_point at;     // its end
  Clock::duration took{};
  Clock::duration pause{};  // to the begin of the next look
};

// The addresses whose packets get the mark of a service, as far as rules name single ones. Lives as
// long as the report.
inline std::span<const Address> FedAddresses(const Report& report,
                                             const ipvs::ServiceKey& service) {
  const auto found = report.fed.find({service.address.family, service.fwmark});
  return found == report.fed.end() ? std::span<const Address>() : found->second;
}

}  // namespace lvs::audit
