#include "tests/support/fake_kernel.h"

#include <arpa/inet.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cinttypes>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <span>
#include <stdexcept>
#include <utility>

#include "collectors/ipvs/request.h"
#include "collectors/netlink/attributes.h"
#include "collectors/netlink/framing.h"

namespace lvs::fake {
namespace {

using ipvs::ForwardMethod;
using ipvs::Protocol;
using netlink::AttributeReader;
using netlink::AttributeWriter;

constexpr std::uint16_t kFamilyId = 28;
constexpr std::uint32_t kOwnPort = 4711;
constexpr std::size_t kDatagramSize = 32 * 1024;

[[noreturn]] void Refuse(std::string_view what) {
  throw std::invalid_argument("not understood: " + std::string(what));
}

std::uint16_t ParsePort(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) Refuse(text);
  return port;
}

Bytes AsBytes(const Address& address) { return std::as_bytes(std::span(address.bytes)); }

std::vector<std::byte> Packed(std::uint16_t type, std::uint16_t flags, std::uint32_t sequence,
                              std::uint32_t port, Bytes payload) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(sizeof header + payload.size());
  header.nlmsg_type = type;
  header.nlmsg_flags = flags;
  header.nlmsg_seq = sequence;
  header.nlmsg_pid = port;
  std::vector<std::byte> packed(NLMSG_ALIGN(header.nlmsg_len));
  std::memcpy(packed.data(), &header, sizeof header);
  std::copy(payload.begin(), payload.end(), packed.begin() + sizeof header);
  return packed;
}

std::vector<std::byte> Status(std::uint16_t type, int error, std::uint32_t sequence,
                              std::uint32_t port, std::uint16_t flags) {
  // NLMSG_ERROR repeats the request's header behind the number.
  std::vector<std::byte> payload(type == NLMSG_ERROR ? sizeof(nlmsgerr) : sizeof(int));
  const int status = -error;
  std::memcpy(payload.data(), &status, sizeof status);
  return Packed(type, flags, sequence, port, payload);
}

ipvs::ServiceKey DecodeKey(Bytes attributes) {
  ipvs::ServiceKey key;
  AttributeReader message(attributes);
  while (message.Next()) {
    AttributeReader service = message.Nested();
    while (service.Next()) {
      switch (service.type()) {
        case IPVS_SVC_ATTR_AF:
          key.address.family =
              service.U16() == AF_INET ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
          break;
        case IPVS_SVC_ATTR_PROTOCOL:
          key.protocol = static_cast<Protocol>(service.U16());
          break;
        case IPVS_SVC_ATTR_ADDR:
          std::memcpy(key.address.bytes.data(), service.value().data(), 16);
          break;
        case IPVS_SVC_ATTR_PORT:
          key.port = service.NetworkU16();
          break;
        case IPVS_SVC_ATTR_FWMARK:
          key.fwmark = service.U32();
          key.protocol = Protocol::kFwmark;
          break;
        default:
          break;
      }
    }
  }
  return key;
}

std::string HexEndpoint(const Address& address, std::uint16_t port) {
  char text[64] = "";
  const auto& b = address.bytes;
  if (address.family == AddressFamily::kIpv4) {
    std::snprintf(text, sizeof text, "%02X%02X%02X%02X:%04X", b[0], b[1], b[2], b[3], port);
    return text;
  }
  std::string groups;
  for (std::size_t i = 0; i < 16; i += 2) {
    std::snprintf(text, sizeof text, "%s%02x%02x", i == 0 ? "" : ":", b[i], b[i + 1]);
    groups += text;
  }
  std::snprintf(text, sizeof text, "]:%04X", port);
  return "[" + groups + text;
}

const char* ForwardWord(ForwardMethod forward) {
  switch (forward) {
    case ForwardMethod::kLocal:
      return "Local";
    case ForwardMethod::kTunnel:
      return "Tunnel";
    case ForwardMethod::kRoute:
      return "Route";
    default:
      return "Masq";
  }
}

}  // namespace

ipvs::BackendKey ParseBackend(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) Refuse(text);
  std::string_view address = text.substr(0, colon);
  if (address.starts_with('[')) address = address.substr(1, address.size() - 2);
  return {Ip(address), ParsePort(text.substr(colon + 1))};
}

ipvs::ServiceKey ParseService(std::string_view text) {
  ipvs::ServiceKey key;
  if (text.starts_with("mark ")) {
    key.protocol = Protocol::kFwmark;
    std::from_chars(text.data() + 5, text.data() + 13, key.fwmark, 16);
    if (text.ends_with("ipv6")) key.address.family = AddressFamily::kIpv6;
    if (ToString(key) != text) Refuse(text);
    return key;
  }
  const std::size_t slash = text.rfind('/');
  for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp}) {
    if (slash == std::string_view::npos || text.substr(slash + 1) != Name(protocol)) continue;
    const ipvs::BackendKey endpoint = ParseBackend(text.substr(0, slash));
    return {endpoint.address, protocol, endpoint.port, 0};
  }
  Refuse(text);
}

Backend::Backend(std::string_view endpoint) {
  value_.key = ParseBackend(endpoint);
  value_.weight = 1;
  value_.persistence_templates = 0;
  value_.counters.emplace();
}

Backend& Backend::Weight(std::uint32_t weight) {
  value_.weight = weight;
  return *this;
}

Backend& Backend::Forward(ForwardMethod forward) {
  value_.forward = forward;
  return *this;
}

Backend& Backend::Tunnel(ipvs::TunnelType type, std::uint16_t port, std::uint16_t flags) {
  value_.forward = ForwardMethod::kTunnel;
  value_.tunnel_type = type;
  value_.tunnel_port = port;
  value_.tunnel_flags = flags;
  return *this;
}

Backend& Backend::Thresholds(std::uint32_t upper, std::uint32_t lower) {
  value_.upper_threshold = upper;
  value_.lower_threshold = lower;
  return *this;
}

Backend& Backend::Connections(std::uint32_t active, std::uint32_t inactive) {
  value_.active_connections = active;
  value_.inactive_connections = inactive;
  return *this;
}

Backend& Backend::Templates(std::uint32_t templates) {
  value_.persistence_templates = templates;
  return *this;
}

Backend& Backend::Counters(const ipvs::Counters& counters) {
  value_.counters = counters;
  return *this;
}

Service::Service(std::string_view name) {
  value_.key = ParseService(name);
  value_.scheduler = "rr";
  value_.netmask = value_.key.address.family == AddressFamily::kIpv4 ? 0xffffffff : 128;
  value_.counters.emplace();
}

Service& Service::With(const Backend& backend) {
  value_.backends.push_back(backend.value());
  return *this;
}

Service& Service::Scheduler(std::string_view scheduler) {
  value_.scheduler = scheduler;
  return *this;
}

Service& Service::Flags(std::uint32_t flags) {
  value_.flags |= flags;
  return *this;
}

Service& Service::Persistent(std::uint32_t seconds) {
  value_.flags |= ipvs::kServicePersistent;
  value_.persistence_timeout = seconds;
  return *this;
}

Service& Service::Netmask(std::uint32_t netmask) {
  value_.netmask = netmask;
  return *this;
}

Service& Service::Engine(std::string_view engine) {
  value_.persistence_engine = engine;
  return *this;
}

Service& Service::Counters(const ipvs::Counters& counters) {
  value_.counters = counters;
  return *this;
}

Damage& Damage::FailsWith(int error_number) {
  error_ = error_number;
  return *this;
}

Damage& Damage::FailsAfter(std::size_t messages, int error_number) {
  error_after_ = messages;
  error_ = error_number;
  return *this;
}

Damage& Damage::IsSilent() {
  silent_ = true;
  return *this;
}

Damage& Damage::HangsUntilStopped() {
  hangs_ = true;
  return *this;
}

Damage& Damage::TakesBeforeEachDatagram(Clock::duration time) {
  pause_ = time;
  return *this;
}

Damage& Damage::CutsReplyAfter(std::size_t bytes) {
  cut_ = bytes;
  return *this;
}

Damage& Damage::Overwrites(std::size_t offset, std::string_view bytes) {
  overwrite_ = {offset, std::string(bytes)};
  return *this;
}

Damage& Damage::ListsTwice() {
  twice_ = true;
  return *this;
}

Damage& Damage::Skips(std::size_t entry) {
  skip_ = entry;
  return *this;
}

Damage& Damage::EndsAfter(std::size_t entries) {
  end_ = entries;
  return *this;
}

Damage& Damage::IsInterrupted() {
  interrupted_ = true;
  return *this;
}

Damage& Damage::ComesFromPort(std::uint32_t port) {
  port_ = port;
  return *this;
}

Damage& Damage::AnswersSequence(std::uint32_t sequence) {
  sequence_ = sequence;
  return *this;
}

Damage& Damage::IsTruncated() {
  truncated_ = true;
  return *this;
}

Damage& Damage::Does(std::function<void()> action) {
  action_ = std::move(action);
  return *this;
}

// The attributes of one nest, before they are written in one or the other order.
class Kernel::Nest {
 public:
  Nest(const Kernel& kernel, std::uint16_t type) : kernel_(kernel), type_(type) {}

  template <class T>
  void Number(std::uint16_t type, T value) {
    Add(type, std::as_bytes(std::span(&value, 1)));
  }
  void NetworkU16(std::uint16_t type, std::uint16_t value) { Number(type, htons(value)); }
  void Text(std::uint16_t type, const std::string& text) {
    Add(type, std::as_bytes(std::span(text.c_str(), text.size() + 1)));
  }
  void Add(std::uint16_t type, Bytes value) {
    if (kernel_.omitted_ == std::pair(type_, type)) return;
    parts_.push_back({type, {value.begin(), value.end()}});
  }
  void Counters(std::uint16_t narrow_type, std::uint16_t wide_type,
                const std::optional<ipvs::Counters>& counters);

  std::vector<std::byte> value() const {
    AttributeWriter writer;
    auto parts = parts_;
    if (kernel_.unknown_attributes_) {
      parts.insert(parts.begin(), {200, std::vector<std::byte>(7, std::byte{0xee})});
      parts.push_back({NLA_F_NESTED | 201, {}});
    }
    if (kernel_.backwards_) std::reverse(parts.begin(), parts.end());
    for (const auto& [type, bytes] : parts) writer.Add(type, bytes);
    return {writer.bytes().begin(), writer.bytes().end()};
  }

  std::vector<std::byte> Whole() const {
    AttributeWriter writer;
    writer.Add(type_, value());
    return {writer.bytes().begin(), writer.bytes().end()};
  }

 private:
  const Kernel& kernel_;
  const std::uint16_t type_;
  std::vector<std::pair<std::uint16_t, std::vector<std::byte>>> parts_;
};

void Kernel::Nest::Counters(std::uint16_t narrow_type, std::uint16_t wide_type,
                            const std::optional<ipvs::Counters>& counters) {
  if (!counters.has_value()) return;
  const auto stats = [&](auto packets, std::uint16_t type) {
    using Packets = decltype(packets);
    Nest nest(kernel_, type);
    nest.Number(IPVS_STATS_ATTR_CONNS, static_cast<Packets>(counters->connections));
    nest.Number(IPVS_STATS_ATTR_INPKTS, static_cast<Packets>(counters->incoming_packets));
    nest.Number(IPVS_STATS_ATTR_OUTPKTS, static_cast<Packets>(counters->outgoing_packets));
    nest.Add(IPVS_STATS_ATTR_PAD, {});
    nest.Number(IPVS_STATS_ATTR_INBYTES, counters->incoming_bytes);
    nest.Number(IPVS_STATS_ATTR_OUTBYTES, counters->outgoing_bytes);
    for (std::uint16_t rate = IPVS_STATS_ATTR_CPS; rate <= IPVS_STATS_ATTR_OUTBPS; ++rate) {
      nest.Number(rate, Packets{77});
    }
    Add(type, nest.value());
  };
  stats(std::uint32_t{}, narrow_type);
  if (kernel_.wide_counters_) stats(std::uint64_t{}, wide_type);
}

Kernel::Kernel() {
  procfs_.Write("sys/net/ipv4/vs/run_estimation", "1\n");
  procfs_.Write("sys/net/ipv4/vs/sync_threshold", "3\t50\n");
  LoadsModule();
}

void Kernel::Has(const Service& service) {
  Forgets(ToString(service.value().key));
  services_.insert(services_.begin(), service.value());
  services_file_is_old_ = true;
}

void Kernel::Forgets(std::string_view service) {
  const ipvs::ServiceKey key = ParseService(service);
  std::erase_if(services_, [&](const ipvs::Service& s) { return s.key == key; });
  services_file_is_old_ = true;
}

void Kernel::ForgetsBackend(std::string_view service, std::string_view backend) {
  const ipvs::BackendKey key = ParseBackend(backend);
  std::erase_if(Get(service).backends, [&](const ipvs::Backend& b) { return b.key == key; });
  services_file_is_old_ = true;
}

void Kernel::Adds(std::string_view service, const Backend& backend) {
  std::vector<ipvs::Backend>& backends = Get(service).backends;
  backends.insert(backends.begin(), backend.value());
  services_file_is_old_ = true;
}

void Kernel::Flushes() {
  services_.clear();
  services_file_is_old_ = true;
}

void Kernel::Runs(const ipvs::SyncDaemon& daemon) { daemons_.push_back(daemon); }

void Kernel::UnloadsModule() {
  loaded_ = false;
  procfs_.Remove("net/ip_vs");
  procfs_.Remove("net/ip_vs_stats_percpu");
}

void Kernel::LoadsModule() {
  loaded_ = true;
  procfs_.Write("net/ip_vs_stats_percpu",
                "       Total Incoming Outgoing         Incoming         Outgoing\n"
                "CPU    Conns  Packets  Packets            Bytes            Bytes\n"
                "  0        A       14        0              3E8                0\n"
                "  ~        9       13        0              3E7                0\n"
                "\n"
                "     Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s\n"
                "           0        0        0                0                0\n");
  WriteServicesFile();
}

void Kernel::Recovers() {
  damage_.clear();
  every_damage_ = {};
}

// ip_vs_info_seq_show() of net/netfilter/ipvs/ip_vs_ctl.c
void Kernel::WriteServicesFile() {
  std::string text =
      "IP Virtual Server version 1.2.1 (size=4096)\n"
      "Prot LocalAddress:Port Scheduler Flags\n"
      "  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n";
  char line[160];
  for (const ipvs::Service& service : services_) {
    const bool ipv4 = service.key.address.family == AddressFamily::kIpv4;
    const bool mark = service.key.protocol == Protocol::kFwmark;
    std::snprintf(line, sizeof line, "%08X", service.key.fwmark);
    text += std::string(Name(service.key.protocol)) + "  " +
            (mark ? line : HexEndpoint(service.key.address, service.key.port)) + " " +
            service.scheduler + " ";
    if ((service.flags & ipvs::kServiceOnePacket) != 0 && (ipv4 || mark)) text += "ops ";
    if ((service.flags & ipvs::kServicePersistent) != 0) {
      std::snprintf(line, sizeof line, "persistent %u %08X",
                    service.persistence_timeout.value_or(0) * 100,
                    ipv4 ? service.netmask : ntohl(service.netmask));
      text += line;
    }
    text += "\n";
    for (const ipvs::Backend& backend : service.backends) {
      std::snprintf(
          line, sizeof line, "  -> %s      %-7s %-6" PRIu64 " %-10" PRIu64 " %-10" PRIu64 "\n",
          HexEndpoint(backend.key.address, backend.key.port).c_str(), ForwardWord(backend.forward),
          backend.weight, backend.active_connections, backend.inactive_connections);
      text += line;
    }
  }
  procfs_.Write("net/ip_vs", text);
}

const ipvs::Service* Kernel::Find(const ipvs::ServiceKey& key) const {
  const auto found = std::find_if(services_.begin(), services_.end(),
                                  [&](const ipvs::Service& s) { return s.key == key; });
  return found == services_.end() ? nullptr : &*found;
}

ipvs::Service& Kernel::Get(std::string_view service) {
  const ipvs::ServiceKey key = ParseService(service);
  for (ipvs::Service& candidate : services_) {
    if (candidate.key == key) return candidate;
  }
  Refuse(service);
}

Kernel::Message Kernel::EncodeService(const ipvs::Service& service) const {
  const ipvs::ServiceKey& key = service.key;
  const bool ipv4 = key.address.family == AddressFamily::kIpv4;
  Nest nest(*this, IPVS_CMD_ATTR_SERVICE);
  nest.Number<std::uint16_t>(IPVS_SVC_ATTR_AF, ipv4 ? AF_INET : AF_INET6);
  if (key.protocol == Protocol::kFwmark) {
    nest.Number(IPVS_SVC_ATTR_FWMARK, key.fwmark);
  } else {
    nest.Number<std::uint16_t>(IPVS_SVC_ATTR_PROTOCOL, static_cast<std::uint16_t>(key.protocol));
    nest.Add(IPVS_SVC_ATTR_ADDR, AsBytes(key.address));
    nest.NetworkU16(IPVS_SVC_ATTR_PORT, key.port);
  }
  nest.Text(IPVS_SVC_ATTR_SCHED_NAME, service.scheduler);
  if (!service.persistence_engine.empty()) {
    nest.Text(IPVS_SVC_ATTR_PE_NAME, service.persistence_engine);
  }
  nest.Number(IPVS_SVC_ATTR_FLAGS, ip_vs_flags{service.flags | ipvs::kServiceHashed, ~0U});
  nest.Number(IPVS_SVC_ATTR_TIMEOUT, service.persistence_timeout.value_or(0));
  nest.Number(IPVS_SVC_ATTR_NETMASK, ipv4 ? htonl(service.netmask) : service.netmask);
  nest.Counters(IPVS_SVC_ATTR_STATS, IPVS_SVC_ATTR_STATS64, service.counters);
  return nest.Whole();
}

Kernel::Message Kernel::EncodeBackend(const ipvs::Backend& backend) const {
  const bool ipv4 = backend.key.address.family == AddressFamily::kIpv4;
  Nest nest(*this, IPVS_CMD_ATTR_DEST);
  nest.Add(IPVS_DEST_ATTR_ADDR, AsBytes(backend.key.address));
  nest.NetworkU16(IPVS_DEST_ATTR_PORT, backend.key.port);
  nest.Number(IPVS_DEST_ATTR_FWD_METHOD, static_cast<std::uint32_t>(backend.forward));
  nest.Number(IPVS_DEST_ATTR_WEIGHT, static_cast<std::uint32_t>(backend.weight));
  nest.Number(IPVS_DEST_ATTR_TUN_TYPE, static_cast<std::uint8_t>(backend.tunnel_type));
  nest.NetworkU16(IPVS_DEST_ATTR_TUN_PORT, backend.tunnel_port);
  nest.Number(IPVS_DEST_ATTR_TUN_FLAGS, backend.tunnel_flags);
  nest.Number(IPVS_DEST_ATTR_U_THRESH, backend.upper_threshold);
  nest.Number(IPVS_DEST_ATTR_L_THRESH, backend.lower_threshold);
  nest.Number(IPVS_DEST_ATTR_ACTIVE_CONNS, static_cast<std::uint32_t>(backend.active_connections));
  nest.Number(IPVS_DEST_ATTR_INACT_CONNS, static_cast<std::uint32_t>(backend.inactive_connections));
  nest.Number(IPVS_DEST_ATTR_PERSIST_CONNS,
              static_cast<std::uint32_t>(backend.persistence_templates.value_or(0)));
  nest.Number<std::uint16_t>(IPVS_DEST_ATTR_ADDR_FAMILY, ipv4 ? AF_INET : AF_INET6);
  nest.Counters(IPVS_DEST_ATTR_STATS, IPVS_DEST_ATTR_STATS64, backend.counters);
  return nest.Whole();
}

Kernel::Message Kernel::EncodeDaemon(const ipvs::SyncDaemon& daemon) const {
  const bool master = daemon.role == ipvs::SyncDaemon::Role::kMaster;
  const bool ipv4 = daemon.multicast_group.family == AddressFamily::kIpv4;
  Nest nest(*this, IPVS_CMD_ATTR_DAEMON);
  nest.Number(IPVS_DAEMON_ATTR_STATE, std::uint32_t{master ? 1U : 2U});
  nest.Text(IPVS_DAEMON_ATTR_MCAST_IFN, daemon.interface);
  nest.Number(IPVS_DAEMON_ATTR_SYNC_ID, daemon.sync_id);
  nest.Number(IPVS_DAEMON_ATTR_SYNC_MAXLEN, std::uint16_t{1472});
  nest.Number(IPVS_DAEMON_ATTR_MCAST_PORT, daemon.multicast_port);
  nest.Number(IPVS_DAEMON_ATTR_MCAST_TTL, std::uint8_t{1});
  const Bytes group = AsBytes(daemon.multicast_group);
  if (ipv4) {
    nest.Add(IPVS_DAEMON_ATTR_MCAST_GROUP, group.first(4));
  } else {
    nest.Add(IPVS_DAEMON_ATTR_MCAST_GROUP6, group);
  }
  return nest.Whole();
}

std::vector<Kernel::Message> Kernel::Reply(const netlink::Request& request, int& error) const {
  std::vector<Message> messages;
  AttributeWriter writer;
  const bool dump = request.kind == netlink::Request::Kind::kDump;
  switch (request.command) {
    case IPVS_CMD_GET_SERVICE:
      if (dump) {
        for (const ipvs::Service& service : services_) messages.push_back(EncodeService(service));
      } else if (const ipvs::Service* service = Find(DecodeKey(request.attributes))) {
        messages.push_back(EncodeService(*service));
      } else {
        error = ESRCH;
      }
      break;
    case IPVS_CMD_GET_DEST:
      if (const ipvs::Service* service = Find(DecodeKey(request.attributes))) {
        for (const ipvs::Backend& backend : service->backends) {
          messages.push_back(EncodeBackend(backend));
        }
      }
      break;
    case IPVS_CMD_GET_DAEMON:
      for (const ipvs::SyncDaemon& daemon : daemons_) messages.push_back(EncodeDaemon(daemon));
      break;
    case IPVS_CMD_GET_CONFIG:
      writer.AddU32(IPVS_CMD_ATTR_TIMEOUT_TCP, 900);
      writer.AddU32(IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, 120);
      writer.AddU32(IPVS_CMD_ATTR_TIMEOUT_UDP, 300);
      messages.push_back({writer.bytes().begin(), writer.bytes().end()});
      break;
    case IPVS_CMD_GET_INFO:
      writer.AddU32(IPVS_INFO_ATTR_VERSION, 0x010201);
      writer.AddU32(IPVS_INFO_ATTR_CONN_TAB_SIZE, 4096);
      messages.push_back({writer.bytes().begin(), writer.bytes().end()});
      break;
    default:
      error = EOPNOTSUPP;
  }
  return messages;
}

namespace {

// "GET_DEST dump 10.0.0.1:80/TCP"
std::string Describe(const netlink::Request& request) {
  constexpr std::pair<int, const char*> kCommands[] = {{IPVS_CMD_GET_SERVICE, "GET_SERVICE"},
                                                       {IPVS_CMD_GET_DEST, "GET_DEST"},
                                                       {IPVS_CMD_GET_DAEMON, "GET_DAEMON"},
                                                       {IPVS_CMD_GET_CONFIG, "GET_CONFIG"},
                                                       {IPVS_CMD_GET_INFO, "GET_INFO"}};
  std::string text = "command " + std::to_string(request.command);
  for (const auto& [command, name] : kCommands) {
    if (command == request.command) text = name;
  }
  if (request.kind == netlink::Request::Kind::kDump) text += " dump";
  if (!request.attributes.empty()) text += " " + ToString(DecodeKey(request.attributes));
  return text;
}

}  // namespace

void Damage::Spoil(std::vector<std::vector<std::byte>>& messages, int& error) const {
  if (error_.has_value()) {
    error = *error_;
    messages.resize(std::min(messages.size(), error_after_.value_or(0)));
  }
  if (skip_.has_value() && *skip_ < messages.size()) {
    messages.erase(messages.begin() + static_cast<std::ptrdiff_t>(*skip_));
  }
  if (end_.has_value()) messages.resize(std::min(messages.size(), *end_));
  if (twice_) {
    const std::vector<std::vector<std::byte>> again = messages;
    messages.insert(messages.end(), again.begin(), again.end());
  }
  if (overwrite_.has_value() && !messages.empty()) {
    const auto& [offset, bytes] = *overwrite_;
    std::memcpy(messages.front().data() + offset, bytes.data(), bytes.size());
  }
}

// As few datagrams as the messages fit into, then the end marker in its own.
std::vector<std::vector<std::byte>> Damage::Pack(
    const std::vector<std::vector<std::byte>>& messages, bool dump, int error,
    std::uint32_t sequence) const {
  sequence = sequence_.value_or(sequence);
  const auto flags =
      static_cast<std::uint16_t>((dump ? NLM_F_MULTI : 0) | (interrupted_ ? NLM_F_DUMP_INTR : 0));
  std::vector<std::vector<std::byte>> datagrams;
  for (const std::vector<std::byte>& message : messages) {
    std::vector<std::byte> payload(GENL_HDRLEN, std::byte{1});
    payload.insert(payload.end(), message.begin(), message.end());
    const auto packed = Packed(kFamilyId, flags, sequence, kOwnPort, payload);
    if (datagrams.empty() || datagrams.back().size() + packed.size() > kDatagramSize) {
      datagrams.emplace_back();
    }
    datagrams.back().insert(datagrams.back().end(), packed.begin(), packed.end());
  }
  const std::uint16_t end = dump && error == 0 ? NLMSG_DONE : NLMSG_ERROR;
  datagrams.push_back(Status(end, error, sequence, kOwnPort, flags));
  for (std::vector<std::byte>& datagram : datagrams) {
    datagram.resize(std::min(datagram.size(), cut_.value_or(datagram.size())));
  }
  return datagrams;
}

class Kernel::Connection : public netlink::Transport {
 public:
  explicit Connection(Kernel& kernel) : kernel_(kernel) {}
  Result<void> Exchange(const netlink::Request& request, const netlink::Patience& patience,
                        const netlink::OnMessage& on_message) override {
    if (WaitForStop(Clock::now())) return netlink::StoppedError();
    return kernel_.Answer(request, patience, on_message, *this);
  }
  void Stop() override {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

  // False: it did not come until then.
  bool WaitForStop(Deadline until) {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, until, [&] { return stopped_; });
  }

 private:
  Kernel& kernel_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
};

Result<void> Kernel::Answer(const netlink::Request& request, const netlink::Patience& patience,
                            const netlink::OnMessage& on_message, Connection& connection) {
  requests_.push_back(Describe(request));
  const auto own = damage_.find(requests_.size());
  const Damage damage = own == damage_.end() ? every_damage_ : own->second;
  if (damage.action_) damage.action_();
  if (loaded_ && std::exchange(services_file_is_old_, false)) WriteServicesFile();
  const Clock::duration left = patience.deadline - Clock::now();
  if (damage.hangs_ && connection.WaitForStop(patience.deadline)) return netlink::StoppedError();
  if (damage.silent_ || damage.hangs_) {
    return netlink::TimeoutError(std::min(left, patience.silence));
  }
  if (!loaded_) return Error{ErrorCode::kModuleAbsent, "the kernel has no such family"};

  int error = 0;
  std::vector<Message> messages = Reply(request, error);
  damage.Spoil(messages, error);
  const auto sequence = static_cast<std::uint32_t>(requests_.size());
  const bool dump = request.kind == netlink::Request::Kind::kDump;
  netlink::Conversation conversation({kFamilyId, sequence, kOwnPort});
  Clock::duration passed{};
  for (const auto& datagram : damage.Pack(messages, dump, error, sequence)) {
    passed += damage.pause_;
    if (damage.pause_ > patience.silence) return netlink::TimeoutError(patience.silence);
    if (passed > left) return netlink::TimeoutError(left);
    const auto progress =
        conversation.Receive({datagram, damage.port_.value_or(0), damage.truncated_}, on_message);
    if (!progress.ok()) return progress.error();
    if (progress.value() == netlink::Progress::kDone) return {};
  }
  return netlink::TimeoutError(std::min(left, patience.silence));
}

std::unique_ptr<netlink::Transport> Kernel::Connect() {
  return std::make_unique<Connection>(*this);
}

}  // namespace lvs::fake
