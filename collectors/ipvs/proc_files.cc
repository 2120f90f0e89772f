#include "collectors/ipvs/proc_files.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "collectors/ipvs/proc_text.h"
#include "collectors/read_file.h"

namespace lvs::ipvs {
namespace {

// Bounds for files that grow with the table, the sockets and the CPUs: far above what was seen.
constexpr std::size_t kMaxServicesSize = 64 << 20;
constexpr std::size_t kMaxSocketsSize = 64 << 20;
constexpr std::size_t kMaxTotalsSize = 4 << 20;

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

}  // namespace

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

ProcFiles::ProcFiles(std::string root)
    : root_(std::move(root)),
      services_path_(root_ + "/net/ip_vs"),
      totals_(root_ + "/net/ip_vs_stats_percpu"),
      settings_(root_ + "/sys/net/ipv4/vs/") {}

bool ProcFiles::ModuleLoaded() {
  if (access(services_path_.c_str(), F_OK) == 0) return true;
  totals_.Close();
  settings_.Close();
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
