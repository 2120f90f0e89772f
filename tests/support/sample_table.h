// A table with something of everything, for tests of what is said about tables.
#pragma once

#include <memory>
#include <vector>

#include "collectors/ipvs/table.h"
#include "tests/support/fake_kernel.h"

namespace lvs {

// DR, NAT, bypass, local and all tunnels; TCP, UDP, SCTP and marks in both families; sh and mh with
// flags; all kinds of persistence; thresholds; a service without backends.
std::vector<fake::Service> SampleServices();

// These services, both sync daemons, and the rest of a table.
std::shared_ptr<const ipvs::Table> SampleTable();

}  // namespace lvs
