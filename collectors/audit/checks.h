// The checks of a director: each is one row.
#pragma once

#include <cstdint>
#include <span>

#include "collectors/audit/check.h"
#include "collectors/audit/facts.h"

namespace lvs::audit {

std::span<const Check<Facts>> DirectorChecks();

// Whether packets that a rule has marked can reach the service of a mark. A rule that keeps bits of
// the mark a packet had may: those are not known.
bool Feeds(const netfilter::MarkRule& rule, std::uint32_t mark);

}  // namespace lvs::audit
