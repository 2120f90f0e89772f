// What one look of the audit gave, finished and constant.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "collectors/audit/check.h"
#include "collectors/clock.h"
#include "collectors/ipvs/table.h"
#include "collectors/netfilter/mark_rule.h"
#include "collectors/result.h"

namespace lvs::audit {

struct Report {
  Findings findings;                            // without those that are accepted
  std::vector<netfilter::MarkRule> mark_rules;  // those that could be read, each once
  std::optional<Error> error;                   // the first source that could not be read
  std::chrono::system_clock::time_point at;     // its end
  Clock::duration took{};
  Clock::duration pause{};  // to the begin of the next look
};

// The addresses whose packets get the mark of a service, as far as rules name single ones; each
// once.
std::vector<Address> FedAddresses(const Report& report, const ipvs::ServiceKey& service);

}  // namespace lvs::audit
