// What the kernel's IPVS tells, as plain values: services, their backends, and what belongs to
// neither. Nothing here knows netlink, files or metrics.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/address.h"

namespace lvs::ipvs {

enum class Protocol : std::uint8_t { kFwmark = 0, kTcp = 6, kUdp = 17, kSctp = 132 };

// "TCP", "UDP", "SCTP", "FWM", as the proto label says it.
std::string_view Name(Protocol protocol);

// Identity of a virtual service. A mark service has a zero address and port 0; IPv4 and IPv6
// services of one mark are two services. Others have fwmark 0.
struct ServiceKey {
  Address address;  // its family is the family of the service, for marks too
  Protocol protocol = Protocol::kTcp;
  std::uint16_t port = 0;  // host order
  std::uint32_t fwmark = 0;

  auto operator<=>(const ServiceKey&) const = default;
};

// "10.0.0.1:80/TCP", "[2001:db8::1]:443/TCP" or "mark 0000000A ipv4": how log lines name a service,
// and its default name on the page.
std::string ToString(const ServiceKey& key);

// Identity of a backend inside its service.
struct BackendKey {
  Address address;         // differs in family from the service only for tunnels
  std::uint16_t port = 0;  // host order; usually 0 under a mark or port-0 service

  auto operator<=>(const BackendKey&) const = default;
};

// "10.1.0.1:80", "[2001:db8::1]:80", or the address alone where the port is 0.
std::string ToString(const BackendKey& key);

struct Counters {
  std::uint64_t connections = 0;
  std::uint64_t incoming_packets = 0;
  std::uint64_t outgoing_packets = 0;
  std::uint64_t incoming_bytes = 0;
  std::uint64_t outgoing_bytes = 0;

  auto operator<=>(const Counters&) const = default;
};

// IP_VS_CONN_F_FWD_MASK values of linux/ip_vs.h.
enum class ForwardMethod : std::uint8_t {
  kMasquerade = 0,
  kLocal = 1,
  kTunnel = 2,
  kRoute = 3,
  kBypass = 4
};

// IP_VS_CONN_F_TUNNEL_TYPE_* of linux/ip_vs.h. Meaningful only with ForwardMethod::kTunnel.
enum class TunnelType : std::uint8_t { kIpip = 0, kGue = 1, kGre = 2 };

// linux/ip_vs.h: IP_VS_TUNNEL_ENCAP_FLAG_*
inline constexpr std::uint16_t kTunnelChecksum = 0x1;
inline constexpr std::uint16_t kTunnelRemoteChecksum = 0x2;

struct Backend {
  BackendKey key;
  // Bits 0-2 of FWD_METHOD; a value this program does not know stays a number outside the enum.
  ForwardMethod forward = ForwardMethod::kMasquerade;
  TunnelType tunnel_type = TunnelType::kIpip;
  std::uint16_t tunnel_port = 0;  // host order; 0 unless gue
  std::uint16_t tunnel_flags = 0;
  // 32 bits in the kernel; 64 here, so that backends can be summed.
  std::uint64_t weight = 0;           // 0: quiesced
  std::uint32_t upper_threshold = 0;  // connections; 0: not set
  std::uint32_t lower_threshold = 0;
  std::uint64_t active_connections = 0;
  std::uint64_t inactive_connections = 0;
  // Absent when the source does not tell (the proc fallback).
  std::optional<std::uint64_t> persistence_templates;
  std::optional<Counters> counters;
};

// linux/ip_vs.h: IP_VS_SVC_F_*
inline constexpr std::uint32_t kServicePersistent = 0x1;
inline constexpr std::uint32_t kServiceHashed = 0x2;
inline constexpr std::uint32_t kServiceOnePacket = 0x4;

struct Service {
  ServiceKey key;
  std::string scheduler;    // at most 15 characters; "none" when none is bound
  std::uint32_t flags = 0;  // IP_VS_SVC_F_* with the kernel's own "hashed" bit cleared
  std::optional<std::uint32_t> persistence_timeout;  // seconds; only for a persistent service
  // IPv4: the mask as a number in host order (0xffffffff is /32). IPv6: the prefix length.
  std::uint32_t netmask = 0;
  std::string persistence_engine;  // "sip" or empty
  std::optional<Counters> counters;
  std::vector<Backend> backends;
};

struct Info {
  std::string version;  // "1.2.1"
  std::optional<std::uint32_t> connection_table_buckets;
};

// Seconds.
struct Timeouts {
  std::uint32_t tcp = 0;
  std::uint32_t tcp_fin = 0;
  std::uint32_t udp = 0;
};

struct SyncDaemon {
  enum class Role : std::uint8_t { kMaster, kBackup };
  Role role = Role::kMaster;
  std::string interface;
  std::uint32_t sync_id = 0;
  // Where the messages go: UDP port + i for thread i. The kernel's defaults (ip_vs_sync.c).
  Address multicast_group = {AddressFamily::kIpv4, {224, 0, 0, 81}};
  std::uint16_t multicast_port = 8848;

  auto operator<=>(const SyncDaemon&) const = default;
};

// One file of /proc/sys/net/ipv4/vs that holds a number. sync_threshold holds two and becomes two
// settings, sync_threshold and sync_period.
struct Sysctl {
  std::string name;
  std::int64_t value = 0;
};

// Everything read at one moment. What could not be read is absent; what the kernel says is zero or
// empty is zero or empty.
struct Table {
  // True when the services came over netlink as asked. False: not read at all (services is empty
  // and services_known false) or read from /proc/net/ip_vs (services_known true).
  bool up = false;
  bool services_known = false;
  std::optional<Info> info;
  std::optional<Timeouts> timeouts;
  std::optional<std::vector<SyncDaemon>> sync_daemons;
  std::optional<Counters> totals;            // sum of the live per-CPU rows
  std::optional<Counters> estimator_totals;  // the "~" row: up to 2 s old, zeroed by ipvsadm -Z
  std::optional<std::uint64_t> sync_receive_drops;  // absent when no backup daemon runs
  std::optional<bool> estimation_enabled;
  std::vector<Sysctl> sysctls;
  std::vector<Service> services;  // no two with the same key, nor two backends in one service
};

// The services in the order of their keys, as people like to see them; the kernel's own is newest
// first. Points into table.
std::vector<const Service*> InOrder(const Table& table);

}  // namespace lvs::ipvs
