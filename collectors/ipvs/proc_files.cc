#include "collectors/ipvs/proc_files.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "collectors/read_file.h"

namespace lvs::ipvs {
namespace {

// Bounds for files that grow with the table, the sockets and the CPUs: far above what was seen.
constexpr std::size_t kMaxServicesSize = 64 << 20;
constexpr std::size_t kMaxSocketsSize = 64 << 20;
constexpr std::size_t kMaxTotalsSize = 4 << 20;
constexpr std::size_t kMaxSettingSize = 4096;

// Splits a text into lines and a line into words.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  // False at the end. A last line without its line feed is one, too, but then cut() is true.
  bool Next() {
    if (rest_.empty()) return false;
    const std::size_t end = rest_.find('\n');
    cut_ = end == std::string_view::npos;
    words_ = rest_.substr(0, end);
    rest_.remove_prefix(cut_ ? rest_.size() : end + 1);
    ++number_;
    return true;
  }

  // The next word of the line, empty at its end.
  std::string_view Word() {
    words_.remove_prefix(std::min(words_.find_first_not_of(" \t"), words_.size()));
    const std::string_view word = words_.substr(0, words_.find_first_of(" \t"));
    words_.remove_prefix(word.size());
    return word;
  }

  bool cut() const { return cut_; }

  Error Expected(const char* what) const {
    return {ErrorCode::kMalformed,
            "line " + std::to_string(number_) + ": expected " + (cut_ ? "a whole line" : what)};
  }

 private:
  std::string_view rest_;
  std::string_view words_;
  std::size_t number_ = 0;
  bool cut_ = false;
};

// True when all of text is a number of the type; base 10 or 16, no prefix.
template <class T>
bool ParseNumber(std::string_view text, int base, T& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc() && end == text.data() + text.size();
}

bool StartsWith(std::string_view text, char first) { return !text.empty() && text[0] == first; }

// "0A000001:0050" or "[2001:0db8:0000:0000:0000:0000:0000:0001]:01BB": most significant digit first.
bool ParseEndpoint(std::string_view text, Address& address, std::uint16_t& port) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string_view digits = text.substr(0, colon);
  if (!ParseNumber(text.substr(colon + 1), 16, port)) return false;
  address = {};
  if (!StartsWith(digits, '[')) {
    std::uint32_t number = 0;
    if (digits.size() != 8 || !ParseNumber(digits, 16, number)) return false;
    number = htonl(number);
    std::memcpy(address.bytes.data(), &number, sizeof number);
    return true;
  }
  address.family = AddressFamily::kIpv6;
  constexpr std::size_t kLength = 1 + 8 * 4 + 7 + 1;
  if (digits.size() != kLength || digits.back() != ']') return false;
  for (std::size_t group = 0; group < 8; ++group) {
    std::uint16_t number = 0;
    const std::string_view four = digits.substr(1 + 5 * group, 4);
    if (!ParseNumber(four, 16, number)) return false;
    if (group > 0 && digits[5 * group] != ':') return false;
    address.bytes[2 * group] = static_cast<std::uint8_t>(number >> 8);
    address.bytes[2 * group + 1] = static_cast<std::uint8_t>(number & 0xff);
  }
  return true;
}

// A service while its backends are still to come: what depends on its family is not known yet.
struct OpenService {
  Service service;
  std::optional<std::uint32_t> mask;  // as shown, for persistent services only
  bool wanted = false;
};

// The family of a mark service is not told. Only tunnels may have the other family than it.
bool FindFamily(OpenService& open) {
  const std::vector<Backend>& backends = open.service.backends;
  if (backends.empty()) return false;
  const auto same_family = std::find_if(backends.begin(), backends.end(), [](const Backend& backend) {
    return backend.forward != ForwardMethod::kTunnel;
  });
  const Backend& witness = same_family == backends.end() ? backends.front() : *same_family;
  open.service.key.address.family = witness.key.address.family;
  return true;
}

void Finish(OpenService& open, std::vector<Service>& services) {
  if (!std::exchange(open.wanted, false)) return;
  Service& service = open.service;
  if (service.key.protocol == Protocol::kFwmark && !FindFamily(open)) return;
  // The file shows ntohl() of a mask in network order, or of a prefix length in host order. Where
  // it shows none, all of the client's address counts.
  if (service.key.address.family == AddressFamily::kIpv4) {
    service.netmask = open.mask.value_or(0xffffffff);
  } else {
    service.netmask = open.mask.has_value() ? htonl(*open.mask) : 128;
  }
  services.push_back(std::move(service));
}

bool ParseProtocol(std::string_view word, Protocol& protocol) {
  for (const Protocol known :
       {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp, Protocol::kFwmark}) {
    if (word != Name(known)) continue;
    protocol = known;
    return true;
  }
  return false;
}

// "IP Virtual Server version 1.2.1 (size=4096)"
Result<Info> ParseTitle(Lines& lines) {
  Info info;
  std::string_view size;
  if (!lines.Next()) return Error{ErrorCode::kMalformed, "the file is empty"};
  for (std::string_view word = lines.Word(); !word.empty(); word = lines.Word()) {
    if (word == "version") info.version = lines.Word();
    if (word.starts_with("(size=") && word.ends_with(')')) {
      size = word.substr(6, word.size() - 7);
    }
  }
  std::uint32_t buckets = 0;
  if (ParseNumber(size, 10, buckets)) info.connection_table_buckets = buckets;
  if (lines.cut() || info.version.empty() || info.version.size() > 11) {
    return lines.Expected("the version");
  }
  return info;
}

// "TCP  0A000001:0050 rr ops persistent 30000 FFFFFFFF", "FWM  000000FF wlc persistent ..."
Result<OpenService> ParseServiceLine(Lines& lines, std::string_view protocol) {
  OpenService open;
  Service& service = open.service;
  open.wanted = ParseProtocol(protocol, service.key.protocol);
  if (!open.wanted) return open;
  const std::string_view address = lines.Word();
  if (service.key.protocol == Protocol::kFwmark) {
    if (!ParseNumber(address, 16, service.key.fwmark)) return lines.Expected("a mark");
  } else if (!ParseEndpoint(address, service.key.address, service.key.port)) {
    return lines.Expected("a service's address and port");
  }
  service.scheduler = lines.Word().substr(0, 15);
  if (service.scheduler.empty()) return lines.Expected("a scheduler");
  for (std::string_view word = lines.Word(); !word.empty(); word = lines.Word()) {
    if (word == "ops") service.flags |= kServiceOnePacket;
    if (word != "persistent") continue;
    service.flags |= kServicePersistent;
    lines.Word();  // the timeout, in jiffies of unknown length
    if (!ParseNumber(lines.Word(), 16, open.mask.emplace())) {
      return lines.Expected("a persistence mask");
    }
  }
  return open;
}

bool ParseForward(std::string_view word, ForwardMethod& forward) {
  constexpr std::array<std::pair<std::string_view, ForwardMethod>, 4> kNames = {
      {{"Masq", ForwardMethod::kMasquerade},
       {"Local", ForwardMethod::kLocal},
       {"Tunnel", ForwardMethod::kTunnel},
       {"Route", ForwardMethod::kRoute}}};
  for (const auto& [name, method] : kNames) {
    if (word != name) continue;
    forward = method;
    return true;
  }
  return false;
}

// "  -> 0A010001:0050      Route   1      0          0"; the arrow is already read.
Result<Backend> ParseBackendLine(Lines& lines) {
  Backend backend;
  if (!ParseEndpoint(lines.Word(), backend.key.address, backend.key.port)) {
    return lines.Expected("a backend's address and port");
  }
  if (!ParseForward(lines.Word(), backend.forward)) return lines.Expected("a forward method");
  if (!ParseNumber(lines.Word(), 10, backend.weight)) return lines.Expected("a weight");
  if (!ParseNumber(lines.Word(), 10, backend.active_connections) ||
      !ParseNumber(lines.Word(), 10, backend.inactive_connections)) {
    return lines.Expected("active and inactive connections");
  }
  return backend;
}

// Adds the five hexadecimal numbers of a row, most of them since the module or namespace began.
bool AddCounters(Lines& lines, Counters& sum) {
  for (std::uint64_t* field : {&sum.connections, &sum.incoming_packets, &sum.outgoing_packets,
                               &sum.incoming_bytes, &sum.outgoing_bytes}) {
    std::uint64_t number = 0;
    if (!ParseNumber(lines.Word(), 16, number)) return false;
    *field += number;
  }
  return true;
}

// "510000E0:2290" or 32 digits and a port: each group of 8 is four bytes of the address, read as a
// number in the machine's own order. The port is in reading order.
bool ParseSocketAddress(std::string_view text, AddressFamily family, Address& address,
                        std::uint16_t& port) {
  const std::size_t groups = family == AddressFamily::kIpv4 ? 1 : 4;
  if (text.size() != groups * 8 + 5 || text[groups * 8] != ':') return false;
  address = {.family = family, .bytes = {}};
  for (std::size_t group = 0; group < groups; ++group) {
    std::uint32_t number = 0;
    if (!ParseNumber(text.substr(8 * group, 8), 16, number)) return false;
    std::memcpy(address.bytes.data() + 4 * group, &number, sizeof number);
  }
  return ParseNumber(text.substr(groups * 8 + 1), 16, port);
}

bool ReceivesSync(std::span<const SyncDaemon> daemons, const Address& address, std::uint16_t port) {
  constexpr int kMaxThreads = 64;
  return std::any_of(daemons.begin(), daemons.end(), [&](const SyncDaemon& daemon) {
    return daemon.role == SyncDaemon::Role::kBackup && daemon.multicast_group == address &&
           port >= daemon.multicast_port && port < daemon.multicast_port + kMaxThreads;
  });
}

// A file of /proc/sys/net/ipv4/vs and the settings its numbers become.
struct SettingName {
  const char* file;
  std::array<std::string_view, 2> names;  // the second is empty for a file with one number
};

constexpr SettingName One(const char* name) { return {name, {name, ""}}; }

constexpr std::array kSettings = {
    One("am_droprate"),
    One("amemthresh"),
    One("backup_only"),
    One("cache_bypass"),
    One("conn_lfactor"),
    One("conn_max"),
    One("conn_reuse_mode"),
    One("conntrack"),
    One("debug_level"),
    One("drop_entry"),
    One("drop_packet"),
    One("est_nice"),
    One("expire_nodest_conn"),
    One("expire_quiescent_template"),
    One("ignore_tunneled"),
    One("nat_icmp_send"),
    One("pmtu_disc"),
    One("run_estimation"),
    One("schedule_icmp"),
    One("secure_tcp"),
    One("sloppy_sctp"),
    One("sloppy_tcp"),
    One("snat_reroute"),
    One("svc_lfactor"),
    One("sync_persist_mode"),
    One("sync_ports"),
    One("sync_qlen_max"),
    One("sync_refresh_period"),
    One("sync_retries"),
    One("sync_sock_size"),
    SettingName{"sync_threshold", {"sync_threshold", "sync_period"}},
    One("sync_version"),
};

// How many numbers there are, as many as the setting has names; 0 when text is anything else.
std::size_t ParseSetting(std::string_view text, const SettingName& setting,
                         std::array<std::int64_t, 2>& numbers) {
  const std::size_t count = setting.names[1].empty() ? 1 : 2;
  Lines lines(text);
  if (!lines.Next()) return 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!ParseNumber(lines.Word(), 10, numbers[i])) return 0;
  }
  return lines.Word().empty() ? count : 0;
}

std::string_view WithoutBlanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\n"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t\n") + 1);
}

}  // namespace

Result<ProcServices> ParseServices(std::string_view text) {
  Lines lines(text);
  Result<Info> info = ParseTitle(lines);
  if (!info.ok()) return info.error();
  ProcServices result = {std::move(info.value()), {}};
  for (int header = 0; header < 2; ++header) {
    if (!lines.Next() || lines.cut()) return lines.Expected("the column names");
  }
  OpenService open;
  while (lines.Next()) {
    if (lines.cut()) return lines.Expected("");
    const std::string_view first = lines.Word();
    if (first == "->") {
      Result<Backend> backend = ParseBackendLine(lines);
      if (!backend.ok()) return backend.error();
      open.service.backends.push_back(backend.value());
      continue;
    }
    Finish(open, result.services);
    Result<OpenService> next = ParseServiceLine(lines, first);
    if (!next.ok()) return next.error();
    open = std::move(next.value());
  }
  Finish(open, result.services);
  return result;
}

Result<TotalCounters> ParseTotals(std::string_view text) {
  Lines lines(text);
  for (int header = 0; header < 2; ++header) {
    if (!lines.Next()) return lines.Expected("the column names");
  }
  TotalCounters totals;
  while (lines.Next()) {
    const std::string_view cpu = lines.Word();
    const bool estimator = cpu == "~";
    std::uint32_t number = 0;
    if (!estimator && !ParseNumber(cpu, 16, number)) return lines.Expected("a CPU's number or ~");
    if (!AddCounters(lines, estimator ? totals.estimator : totals.live) || lines.cut()) {
      return lines.Expected("five hexadecimal numbers");
    }
    if (estimator) return totals;
  }
  return lines.Expected("a row ~ after the CPUs");
}

Result<std::uint64_t> ParseSyncReceiveDrops(std::string_view text, AddressFamily family,
                                            std::span<const SyncDaemon> daemons) {
  Lines lines(text);
  if (!lines.Next() || lines.cut()) return lines.Expected("the column names");
  std::uint64_t sum = 0;
  while (lines.Next()) {
    if (lines.cut()) return lines.Expected("");
    lines.Word();  // the slot of the hash table
    Address address;
    std::uint16_t port = 0;
    if (!ParseSocketAddress(lines.Word(), family, address, port)) {
      return lines.Expected("a local address and port");
    }
    if (!ReceivesSync(daemons, address, port)) continue;
    std::string_view last;
    for (std::string_view word = lines.Word(); !word.empty(); word = lines.Word()) last = word;
    std::uint64_t drops = 0;
    if (!ParseNumber(last, 10, drops)) return lines.Expected("a number of drops");
    sum += drops;
  }
  return sum;
}

std::vector<std::string_view> SysctlNames() {
  std::vector<std::string_view> names;
  for (const SettingName& setting : kSettings) {
    for (const std::string_view name : setting.names) {
      if (!name.empty()) names.push_back(name);
    }
  }
  return names;
}

struct ProcFiles::SettingFile {
  const SettingName* setting;
  KeptFile file;
};

ProcFiles::ProcFiles(std::string root)
    : root_(std::move(root)),
      services_path_(root_ + "/net/ip_vs"),
      totals_(root_ + "/net/ip_vs_stats_percpu") {}

ProcFiles::~ProcFiles() = default;

bool ProcFiles::ModuleLoaded() {
  if (access(services_path_.c_str(), F_OK) == 0) return true;
  totals_.Close();
  setting_files_.clear();
  estimation_cpus_.reset();
  return false;
}

Result<ProcServices> ProcFiles::ReadServices() const {
  const Result<std::string> text = ReadFile(services_path_, kMaxServicesSize);
  if (!text.ok()) return text.error();
  Result<ProcServices> services = ParseServices(text.value());
  if (!services.ok()) {
    return Error{services.error().code, services_path_ + ": " + services.error().message};
  }
  return services;
}

Result<TotalCounters> ProcFiles::ReadTotals() {
  // A descriptor from before the module was reloaded fails once.
  const bool was_open = totals_.is_open();
  Result<std::string_view> text = totals_.Read(buffer_, kMaxTotalsSize);
  if (!text.ok() && was_open) text = totals_.Read(buffer_, kMaxTotalsSize);
  if (!text.ok()) return text.error();
  Result<TotalCounters> totals = ParseTotals(text.value());
  if (!totals.ok()) {
    return Error{totals.error().code, totals_.path() + ": " + totals.error().message};
  }
  return totals;
}

std::optional<bool> ProcFiles::ReadSettings(std::vector<Sysctl>& sysctls) {
  std::optional<bool> estimation_enabled;
  if (!setting_files_.empty() && ReadOpenSettings(sysctls, estimation_enabled)) {
    return estimation_enabled;
  }
  // First reading, or the module was reloaded and every descriptor is stale.
  OpenSettings();
  ReadOpenSettings(sysctls, estimation_enabled);
  return estimation_enabled;
}

void ProcFiles::OpenSettings() {
  const std::string folder = root_ + "/sys/net/ipv4/vs/";
  setting_files_.clear();
  for (const SettingName& setting : kSettings) {
    KeptFile file(folder + setting.file);
    if (file.Read(buffer_, kMaxSettingSize).ok()) {
      setting_files_.push_back({&setting, std::move(file)});
    }
  }
  estimation_cpus_.emplace(folder + "est_cpulist");
  if (!estimation_cpus_->Read(buffer_, kMaxSettingSize).ok()) estimation_cpus_.reset();
}

// False when a file that could be opened cannot be read any more.
bool ProcFiles::ReadOpenSettings(std::vector<Sysctl>& sysctls,
                                 std::optional<bool>& estimation_enabled) {
  std::size_t used = 0;
  const auto add = [&](std::string_view name, std::int64_t value) {
    if (used == sysctls.size()) sysctls.emplace_back();
    sysctls[used].name.assign(name);
    sysctls[used].value = value;
    ++used;
    if (name == "run_estimation" && value == 0) estimation_enabled = false;
  };
  bool readable = true;
  estimation_enabled.reset();
  if (!setting_files_.empty()) estimation_enabled = true;
  for (SettingFile& setting : setting_files_) {
    const Result<std::string_view> text = setting.file.Read(buffer_, kMaxSettingSize);
    readable = readable && text.ok();
    if (!text.ok()) continue;
    std::array<std::int64_t, 2> numbers{};
    const std::size_t count = ParseSetting(text.value(), *setting.setting, numbers);
    for (std::size_t i = 0; i < count; ++i) add(setting.setting->names[i], numbers[i]);
  }
  sysctls.resize(used);
  if (estimation_cpus_.has_value()) {
    const Result<std::string_view> text = estimation_cpus_->Read(buffer_, kMaxSettingSize);
    readable = readable && text.ok();
    if (text.ok() && WithoutBlanks(text.value()).empty()) estimation_enabled = false;
  }
  return readable;
}

Result<std::optional<std::uint64_t>> ProcFiles::ReadSyncReceiveDrops(
    std::span<const SyncDaemon> daemons) const {
  std::optional<std::uint64_t> sum;
  for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    const bool any = std::any_of(daemons.begin(), daemons.end(), [&](const SyncDaemon& daemon) {
      return daemon.role == SyncDaemon::Role::kBackup && daemon.multicast_group.family == family;
    });
    if (!any) continue;
    const std::string path = root_ + (family == AddressFamily::kIpv4 ? "/net/udp" : "/net/udp6");
    const Result<std::string> text = ReadFile(path, kMaxSocketsSize);
    if (!text.ok()) return text.error();
    const Result<std::uint64_t> drops = ParseSyncReceiveDrops(text.value(), family, daemons);
    if (!drops.ok()) return Error{drops.error().code, path + ": " + drops.error().message};
    sum = sum.value_or(0) + drops.value();
  }
  return sum;
}

}  // namespace lvs::ipvs
