// The kernel's values as the words that people read: on the page, in JSON, on the status page.
#pragma once

#include <string>
#include <string_view>

#include "collectors/ipvs/table.h"

namespace lvs::ipvs {

// "none", "pfwmc" (per mark), "pcc" (per client: port 0), "ftp" (port 21) or "ppc" (per port).
std::string_view PersistenceKind(const Service& service);

// ipvsadm's words, joined by commas: "ops", then the scheduler's own flags, of which sh and mh name
// the first two ("sh-fallback", "mh-port"); others are "flag-1" to "flag-3". Empty without flags.
std::string FlagsText(const Service& service);

// As ipvsadm shows it: "255.255.255.0", or the prefix length for IPv6.
std::string NetmaskText(const Service& service);

// "masquerade", "local", "tunnel", "route", "bypass", or "unknown".
std::string_view ForwardText(ForwardMethod forward);

// "ipip", "gue", "gre" or "unknown"; empty where the forward method is not tunnel.
std::string_view TunnelText(const Backend& backend);

// "csum", "remcsum", both joined by a comma, or empty.
std::string_view TunnelFlagsText(const Backend& backend);

}  // namespace lvs::ipvs
