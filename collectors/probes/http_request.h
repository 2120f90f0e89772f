// The text of a probe's HTTP request.
#pragma once

#include <cstdint>
#include <string>

#include "collectors/address.h"
#include "collectors/probes/probe.h"

namespace lvs::probes {

// For probe.http over plain HTTP or TLS, whichever probe.type says. Without a configured host, Host
// is the address (IPv6 in brackets), with the port where it is not the scheme's own. The values
// are written as they are: whoever configures them keeps line ends out.
std::string RequestText(const Probe& probe, const Address& address, std::uint16_t port);

}  // namespace lvs::probes
