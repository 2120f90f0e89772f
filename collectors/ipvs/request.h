// Requests to the generic netlink family "IPVS": which command, as what kind, with which key.
#pragma once

#include <cstdint>

#include "collectors/ipvs/table.h"
#include "collectors/netlink/attributes.h"
#include "collectors/netlink/transport.h"

namespace lvs::ipvs {

// linux/ip_vs.h: IPVS_GENL_NAME, IPVS_GENL_VERSION
inline constexpr char kFamilyName[] = "IPVS";
inline constexpr std::uint8_t kFamilyVersion = 1;

// What the reader asks. Backends of a service that does not exist are an empty dump that ends
// normally; a single service that does not exist is ESRCH (net/netfilter/ipvs/ip_vs_ctl.c, seen on
// Linux 6.1). The rest exists always.
netlink::Request ServicesRequest();
netlink::Request InfoRequest();
netlink::Request TimeoutsRequest();
netlink::Request SyncDaemonsRequest();

// The key is encoded into buffer, replacing its content; the request views it until its next
// change.
netlink::Request BackendsRequest(const ServiceKey& service, netlink::AttributeWriter& buffer);
netlink::Request ServiceRequest(const ServiceKey& service, netlink::AttributeWriter& buffer);

}  // namespace lvs::ipvs
