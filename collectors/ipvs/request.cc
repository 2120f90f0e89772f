#include "collectors/ipvs/request.h"

#include <linux/ip_vs.h>
#include <sys/socket.h>

namespace lvs::ipvs {
namespace {

using netlink::Request;

// A service is found by family and mark, or by family, protocol, address and port.
Bytes EncodeKey(const ServiceKey& key, netlink::AttributeWriter& buffer) {
  const bool ipv4 = key.address.family == AddressFamily::kIpv4;
  buffer.Clear();
  const std::size_t nest = buffer.BeginNest(IPVS_CMD_ATTR_SERVICE);
  buffer.AddU16(IPVS_SVC_ATTR_AF, ipv4 ? AF_INET : AF_INET6);
  if (key.protocol == Protocol::kFwmark) {
    buffer.AddU32(IPVS_SVC_ATTR_FWMARK, key.fwmark);
  } else {
    buffer.AddU16(IPVS_SVC_ATTR_PROTOCOL, static_cast<std::uint16_t>(key.protocol));
    buffer.Add(IPVS_SVC_ATTR_ADDR, std::as_bytes(std::span(key.address.bytes)));
    buffer.AddNetworkU16(IPVS_SVC_ATTR_PORT, key.port);
  }
  buffer.EndNest(nest);
  return buffer.bytes();
}

}  // namespace

Request ServicesRequest() { return {IPVS_CMD_GET_SERVICE, Request::Kind::kDump, {}}; }
Request InfoRequest() { return {IPVS_CMD_GET_INFO, Request::Kind::kSingle, {}}; }
Request TimeoutsRequest() { return {IPVS_CMD_GET_CONFIG, Request::Kind::kSingle, {}}; }
Request SyncDaemonsRequest() { return {IPVS_CMD_GET_DAEMON, Request::Kind::kDump, {}}; }

Request BackendsRequest(const ServiceKey& service, netlink::AttributeWriter& buffer) {
  return {IPVS_CMD_GET_DEST, Request::Kind::kDump, EncodeKey(service, buffer)};
}

Request ServiceRequest(const ServiceKey& service, netlink::AttributeWriter& buffer) {
  return {IPVS_CMD_GET_SERVICE, Request::Kind::kSingle, EncodeKey(service, buffer)};
}

}  // namespace lvs::ipvs
