#include "collectors/ipvs/decode.h"

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/ip_vs.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <string>

#include "collectors/netlink/attributes.h"

namespace lvs::ipvs {
namespace {

using netlink::AttributeReader;

constexpr std::size_t kAddressLength = 16;  // union nf_inet_addr, for IPv4 too
constexpr std::size_t kMaxName = 15;        // of a scheduler and of a persistence engine

// An attribute without which a message says too little.
struct Needed {
  std::uint16_t type;
  const char* name;
};

// The attributes of one nest that were there, by number.
class Seen {
 public:
  void Add(std::uint16_t type) {
    if (type < 64) bits_ |= std::uint64_t{1} << type;
  }
  bool Has(std::uint16_t type) const { return ((bits_ >> type) & 1) != 0; }

  Result<void> Demand(std::span<const Needed> needed, const char* of_what) const {
    for (const Needed& attribute : needed) {
      if (Has(attribute.type)) continue;
      return Error{ErrorCode::kMalformed, std::string("a ") + of_what + " without its " +
                                              attribute.name + " (attribute " +
                                              std::to_string(attribute.type) + ")"};
    }
    return {};
  }

 private:
  std::uint64_t bits_ = 0;
};

AddressFamily ReadFamily(AttributeReader& reader) {
  const std::uint16_t family = reader.U16();
  if (family != AF_INET && family != AF_INET6) reader.Fail("address family 2 or 10");
  return family == AF_INET6 ? AddressFamily::kIpv6 : AddressFamily::kIpv4;
}

void ReadAddress(AttributeReader& reader, Address& address) {
  const Bytes bytes = reader.Block(kAddressLength);
  if (!bytes.empty()) std::memcpy(address.bytes.data(), bytes.data(), kAddressLength);
}

// An IPv4 address is its first four bytes; nothing else may get into a key.
void SetFamily(AddressFamily family, Address& address) {
  address.family = family;
  if (family == AddressFamily::kIpv4) std::memset(address.bytes.data() + 4, 0, kAddressLength - 4);
}

// struct ip_vs_flags: the flags and a mask of those that mean something, which is all ones on read.
std::uint32_t ReadFlags(AttributeReader& reader) {
  const Bytes bytes = reader.Block(sizeof(ip_vs_flags));
  ip_vs_flags flags{};
  if (!bytes.empty()) std::memcpy(&flags, bytes.data(), sizeof flags);
  return flags.flags & ~kServiceHashed;
}

SyncDaemon::Role ReadRole(AttributeReader& reader) {
  const std::uint32_t state = reader.U32();
  if (state != IP_VS_STATE_MASTER && state != IP_VS_STATE_BACKUP) reader.Fail("state 1 or 2");
  return state == IP_VS_STATE_BACKUP ? SyncDaemon::Role::kBackup : SyncDaemon::Role::kMaster;
}

// 0x010201 is "1.2.1".
std::string VersionText(std::uint32_t version) {
  const auto part = [&](unsigned shift) { return std::to_string((version >> shift) & 0xff); };
  return part(16) + "." + part(8) + "." + part(0);
}

// The nests STATS and STATS64 have the same numbers; in STATS all but the bytes are 32 bits wide.
enum class Width { k32, k64 };

Counters ReadCounters(AttributeReader& reader, Width width) {
  const auto read = [&] { return width == Width::k64 ? reader.U64() : reader.U32(); };
  Counters counters;
  while (reader.Next()) {
    switch (reader.type()) {
      case IPVS_STATS_ATTR_CONNS:
        counters.connections = read();
        break;
      case IPVS_STATS_ATTR_INPKTS:
        counters.incoming_packets = read();
        break;
      case IPVS_STATS_ATTR_OUTPKTS:
        counters.outgoing_packets = read();
        break;
      case IPVS_STATS_ATTR_INBYTES:
        counters.incoming_bytes = reader.U64();
        break;
      case IPVS_STATS_ATTR_OUTBYTES:
        counters.outgoing_bytes = reader.U64();
        break;
      default:
        break;  // the kernel's rates, and padding
    }
  }
  return counters;
}

// The better of the two nests, in whatever order they come. The kernel always sends both: the
// narrow one is only looked into where the wide one is missing, which saves a quarter of the
// decoding.
class BestCounters {
 public:
  void SetWide(AttributeReader& reader) {
    AttributeReader nest = reader.Nested();
    wide_ = ReadCounters(nest, Width::k64);
  }
  void SetNarrow(AttributeReader& reader) { narrow_ = reader.value(); }

  // reader is told of a fault in the narrow nest.
  std::optional<Counters> Choose(AttributeReader& reader) const {
    if (wide_.has_value() || !narrow_.has_value()) return wide_;
    AttributeReader nest(*narrow_);
    const Counters counters = ReadCounters(nest, Width::k32);
    if (!nest.ok()) reader.Fail("whole 32-bit statistics");
    return counters;
  }

 private:
  std::optional<Counters> wide_;
  std::optional<Bytes> narrow_;
};

bool IsBalanced(std::uint16_t protocol) {
  return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

// Returns the number of the protocol; 0 for a mark service.
std::uint16_t ReadService(AttributeReader& reader, Service& out, Seen& seen) {
  AddressFamily family = AddressFamily::kIpv4;
  std::uint32_t netmask = 0;
  std::uint32_t timeout = 0;
  std::uint16_t protocol = 0;
  BestCounters counters;
  out.key = {};
  out.scheduler.clear();
  out.flags = 0;
  out.persistence_engine.clear();
  while (reader.Next()) {
    seen.Add(reader.type());
    switch (reader.type()) {
      case IPVS_SVC_ATTR_AF:
        family = ReadFamily(reader);
        break;
      case IPVS_SVC_ATTR_PROTOCOL:
        protocol = reader.U16();
        break;
      case IPVS_SVC_ATTR_ADDR:
        ReadAddress(reader, out.key.address);
        break;
      case IPVS_SVC_ATTR_PORT:
        out.key.port = reader.NetworkU16();
        break;
      case IPVS_SVC_ATTR_FWMARK:
        out.key.fwmark = reader.U32();
        break;
      case IPVS_SVC_ATTR_SCHED_NAME:
        out.scheduler = reader.Text(kMaxName);
        break;
      case IPVS_SVC_ATTR_FLAGS:
        out.flags = ReadFlags(reader);
        break;
      case IPVS_SVC_ATTR_TIMEOUT:
        timeout = reader.U32();
        break;
      case IPVS_SVC_ATTR_NETMASK:
        netmask = reader.U32();
        break;
      case IPVS_SVC_ATTR_STATS:
        counters.SetNarrow(reader);
        break;
      case IPVS_SVC_ATTR_PE_NAME:
        out.persistence_engine = reader.Text(kMaxName);
        break;
      case IPVS_SVC_ATTR_STATS64:
        counters.SetWide(reader);
        break;
      default:
        break;
    }
  }
  out.counters = counters.Choose(reader);
  const bool mark = seen.Has(IPVS_SVC_ATTR_FWMARK);
  if (mark)
    out.key = {.address = {}, .protocol = Protocol::kFwmark, .port = 0, .fwmark = out.key.fwmark};
  out.key.protocol = mark ? Protocol::kFwmark : static_cast<Protocol>(protocol);
  SetFamily(family, out.key.address);
  // The kernel keeps an IPv4 mask in network order and an IPv6 prefix length in its own.
  out.netmask = family == AddressFamily::kIpv4 ? ntohl(netmask) : netmask;
  out.persistence_timeout.reset();
  if ((out.flags & kServicePersistent) != 0 && seen.Has(IPVS_SVC_ATTR_TIMEOUT)) {
    out.persistence_timeout = timeout;
  }
  return mark ? std::uint16_t{0} : protocol;
}

void ReadBackend(AttributeReader& reader, AddressFamily service_family, Backend& out, Seen& seen) {
  AddressFamily family = service_family;
  BestCounters counters;
  out = {};
  while (reader.Next()) {
    seen.Add(reader.type());
    switch (reader.type()) {
      case IPVS_DEST_ATTR_ADDR:
        ReadAddress(reader, out.key.address);
        break;
      case IPVS_DEST_ATTR_PORT:
        out.key.port = reader.NetworkU16();
        break;
      case IPVS_DEST_ATTR_FWD_METHOD:
        out.forward = static_cast<ForwardMethod>(reader.U32() & IP_VS_CONN_F_FWD_MASK);
        break;
      case IPVS_DEST_ATTR_WEIGHT:
        out.weight = reader.U32();
        break;
      case IPVS_DEST_ATTR_U_THRESH:
        out.upper_threshold = reader.U32();
        break;
      case IPVS_DEST_ATTR_L_THRESH:
        out.lower_threshold = reader.U32();
        break;
      case IPVS_DEST_ATTR_ACTIVE_CONNS:
        out.active_connections = reader.U32();
        break;
      case IPVS_DEST_ATTR_INACT_CONNS:
        out.inactive_connections = reader.U32();
        break;
      case IPVS_DEST_ATTR_PERSIST_CONNS:
        out.persistence_templates = reader.U32();
        break;
      case IPVS_DEST_ATTR_STATS:
        counters.SetNarrow(reader);
        break;
      case IPVS_DEST_ATTR_ADDR_FAMILY:
        family = ReadFamily(reader);
        break;
      case IPVS_DEST_ATTR_STATS64:
        counters.SetWide(reader);
        break;
      case IPVS_DEST_ATTR_TUN_TYPE:
        out.tunnel_type = static_cast<TunnelType>(reader.U8());
        break;
      case IPVS_DEST_ATTR_TUN_PORT:
        out.tunnel_port = reader.NetworkU16();
        break;
      case IPVS_DEST_ATTR_TUN_FLAGS:
        out.tunnel_flags = reader.U16();
        break;
      default:
        break;
    }
  }
  out.counters = counters.Choose(reader);
  SetFamily(family, out.key.address);
}

void ReadSyncDaemon(AttributeReader& reader, SyncDaemon& out, Seen& seen) {
  out = {};
  while (reader.Next()) {
    seen.Add(reader.type());
    switch (reader.type()) {
      case IPVS_DAEMON_ATTR_STATE:
        out.role = ReadRole(reader);
        break;
      case IPVS_DAEMON_ATTR_MCAST_IFN:
        out.interface = reader.Text(IFNAMSIZ - 1);
        break;
      case IPVS_DAEMON_ATTR_SYNC_ID:
        out.sync_id = reader.U32();
        break;
      case IPVS_DAEMON_ATTR_MCAST_GROUP: {
        const Bytes group = reader.Block(4);
        if (group.empty()) break;
        out.multicast_group = {};
        std::memcpy(out.multicast_group.bytes.data(), group.data(), group.size());
        break;
      }
      case IPVS_DAEMON_ATTR_MCAST_GROUP6:
        ReadAddress(reader, out.multicast_group);
        out.multicast_group.family = AddressFamily::kIpv6;
        break;
      // The one port of this family that is in host order.
      case IPVS_DAEMON_ATTR_MCAST_PORT:
        out.multicast_port = reader.U16();
        break;
      default:
        break;
    }
  }
}

constexpr std::array<Needed, 4> kServiceNeeds = {{{IPVS_SVC_ATTR_AF, "address family"},
                                                  {IPVS_SVC_ATTR_SCHED_NAME, "scheduler"},
                                                  {IPVS_SVC_ATTR_FLAGS, "flags"},
                                                  {IPVS_SVC_ATTR_NETMASK, "netmask"}}};
// Of a service without a mark.
constexpr std::array<Needed, 3> kServiceAddressNeeds = {{{IPVS_SVC_ATTR_PROTOCOL, "protocol"},
                                                         {IPVS_SVC_ATTR_ADDR, "address"},
                                                         {IPVS_SVC_ATTR_PORT, "port"}}};
constexpr std::array<Needed, 6> kBackendNeeds = {
    {{IPVS_DEST_ATTR_ADDR, "address"},
     {IPVS_DEST_ATTR_PORT, "port"},
     {IPVS_DEST_ATTR_FWD_METHOD, "forward method"},
     {IPVS_DEST_ATTR_WEIGHT, "weight"},
     {IPVS_DEST_ATTR_ACTIVE_CONNS, "active connections"},
     {IPVS_DEST_ATTR_INACT_CONNS, "inactive connections"}}};
constexpr std::array<Needed, 3> kSyncDaemonNeeds = {{{IPVS_DAEMON_ATTR_STATE, "state"},
                                                     {IPVS_DAEMON_ATTR_MCAST_IFN, "interface"},
                                                     {IPVS_DAEMON_ATTR_SYNC_ID, "sync id"}}};
constexpr std::array<Needed, 1> kInfoNeeds = {{{IPVS_INFO_ATTR_VERSION, "version"}}};
constexpr std::array<Needed, 3> kTimeoutsNeeds = {{{IPVS_CMD_ATTR_TIMEOUT_TCP, "TCP timeout"},
                                                   {IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, "FIN timeout"},
                                                   {IPVS_CMD_ATTR_TIMEOUT_UDP, "UDP timeout"}}};

}  // namespace

Result<void> DecodeService(Bytes attributes, Service& out) {
  Seen seen;
  std::uint16_t protocol = 0;
  AttributeReader message(attributes);
  while (message.Next()) {
    if (message.type() != IPVS_CMD_ATTR_SERVICE) continue;
    AttributeReader service = message.Nested();
    protocol = ReadService(service, out, seen);
  }
  if (!message.ok()) return message.result();
  if (!seen.Has(IPVS_SVC_ATTR_FWMARK)) {
    if (Result<void> enough = seen.Demand(kServiceAddressNeeds, "service"); !enough.ok()) {
      return enough;
    }
    if (!IsBalanced(protocol)) {
      return Error{ErrorCode::kNotSupported,
                   "a service of protocol " + std::to_string(protocol) + ", not 6, 17 or 132"};
    }
  }
  return seen.Demand(kServiceNeeds, "service");
}

Result<void> DecodeBackend(Bytes attributes, AddressFamily service_family, Backend& out) {
  Seen seen;
  AttributeReader message(attributes);
  while (message.Next()) {
    if (message.type() != IPVS_CMD_ATTR_DEST) continue;
    AttributeReader backend = message.Nested();
    ReadBackend(backend, service_family, out, seen);
  }
  if (!message.ok()) return message.result();
  return seen.Demand(kBackendNeeds, "backend");
}

Result<void> DecodeInfo(Bytes attributes, Info& out) {
  Seen seen;
  out = {};
  AttributeReader message(attributes);
  while (message.Next()) {
    seen.Add(message.type());
    if (message.type() == IPVS_INFO_ATTR_VERSION) out.version = VersionText(message.U32());
    if (message.type() == IPVS_INFO_ATTR_CONN_TAB_SIZE) {
      out.connection_table_buckets = message.U32();
    }
  }
  if (!message.ok()) return message.result();
  return seen.Demand(kInfoNeeds, "reply to the information request");
}

Result<void> DecodeTimeouts(Bytes attributes, Timeouts& out) {
  Seen seen;
  AttributeReader message(attributes);
  while (message.Next()) {
    seen.Add(message.type());
    switch (message.type()) {
      case IPVS_CMD_ATTR_TIMEOUT_TCP:
        out.tcp = message.U32();
        break;
      case IPVS_CMD_ATTR_TIMEOUT_TCP_FIN:
        out.tcp_fin = message.U32();
        break;
      case IPVS_CMD_ATTR_TIMEOUT_UDP:
        out.udp = message.U32();
        break;
      default:
        break;
    }
  }
  if (!message.ok()) return message.result();
  return seen.Demand(kTimeoutsNeeds, "reply to the timeouts request");
}

Result<void> DecodeSyncDaemon(Bytes attributes, SyncDaemon& out) {
  Seen seen;
  AttributeReader message(attributes);
  while (message.Next()) {
    if (message.type() != IPVS_CMD_ATTR_DAEMON) continue;
    AttributeReader daemon = message.Nested();
    ReadSyncDaemon(daemon, out, seen);
  }
  if (!message.ok()) return message.result();
  return seen.Demand(kSyncDaemonNeeds, "sync daemon");
}

}  // namespace lvs::ipvs
