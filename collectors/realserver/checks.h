// The checks of a real server: each is one row.
#pragma once

#include <span>

#include "collectors/audit/check.h"
#include "collectors/realserver/facts.h"

namespace lvs::realserver {

std::span<const audit::Check<Facts>> RealServerChecks();

}  // namespace lvs::realserver
