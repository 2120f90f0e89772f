// The checks of a director: each is one row.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "collectors/audit/check.h"
#include "collectors/audit/facts.h"
#include "collectors/audit/report.h"

namespace lvs::audit {

std::span<const Check<Facts>> DirectorChecks();

// The addresses whose packets get a mark, as far as rules name single ones; each once, in order. Of
// the marks of services, and of those that rules set whole: a service may be expected only.
std::map<MarkKey, std::vector<Address>> FedAddresses(const Facts& facts);

}  // namespace lvs::audit
