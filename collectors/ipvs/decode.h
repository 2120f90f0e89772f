// Decoders of the IPVS family's messages: the attributes of one message in, plain values out. Pure.
//
// Numbers and types are those of linux/ip_vs.h and net/netfilter/ipvs/ip_vs_ctl.c, seen on Linux
// 6.1. Attributes may come in any order; unknown ones are skipped. Every error is kMalformed unless
// said otherwise, names the attribute and leaves out with unspecified content.
#pragma once

#include "collectors/bytes.h"
#include "collectors/ipvs/table.h"
#include "collectors/result.h"

namespace lvs::ipvs {

// A service of NEW_SERVICE. Overwrites all of out but its backends, which are kept with their
// memory. Needed: family; mark, or protocol, address and port; scheduler; flags; netmask.
// Counters: the 64-bit ones, else the 32-bit ones, which wrap, else absent.
// kNotSupported for a protocol other than TCP, UDP and SCTP: Linux 6.1 stores such a service when
// it is asked to over netlink, but sends it no packets.
Result<void> DecodeService(Bytes attributes, Service& out);

// A backend of NEW_DEST, overwriting out. The message of a kernel before 3.18 does not tell the
// backend's address family; then it is that of the service. Needed: address, port, forward method,
// weight, active and inactive connections.
Result<void> DecodeBackend(Bytes attributes, AddressFamily service_family, Backend& out);

// The reply to GET_INFO, whose top level has numbers of its own (IPVS_INFO_ATTR_*).
// Needed: the version.
Result<void> DecodeInfo(Bytes attributes, Info& out);

// The reply to GET_CONFIG. Needed: all three.
Result<void> DecodeTimeouts(Bytes attributes, Timeouts& out);

// A running role of NEW_DAEMON. Needed: role, interface, sync id. Group and port are those of
// kernels before 4.3 (224.0.0.81, 8848) unless told otherwise.
Result<void> DecodeSyncDaemon(Bytes attributes, SyncDaemon& out);

}  // namespace lvs::ipvs
