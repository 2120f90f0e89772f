// Runs of tcp, tls, http and https probes.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "collectors/probes/address_gate.h"
#include "collectors/probes/run.h"

namespace lvs::probes {

// One run against request.address and request.port, on the executor that awaits it: the loop's one
// thread. Ends at the latest when start + timeout is noticed. Never throws where the loop has a
// timer or a socket already: Asio opens descriptors of its own for the first. The gate bounds
// what comes behind connect; a run that finds no place in time is kLocalThrottled. It may be
// destroyed at any moment, together with the loop; the gate may go before it.
boost::asio::awaitable<RunResult> RunStream(RunRequest request, AddressGate& gate);

}  // namespace lvs::probes
