#include "collectors/process/process.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <memory>
#include <utility>

#include "collectors/read_file.h"

namespace lvs::process {
namespace {

constexpr auto kGauge = MetricType::kGauge;
constexpr std::size_t kMaxFile = 64 * 1024;

template <class T>
void AddIfKnown(const std::optional<T>& value, Samples& out) {
  if (value) out.Add(*value);
}

// Names and meanings are those of every Prometheus client library.
constexpr Column<Process> kColumns[] = {
    {{"process_cpu_seconds_total",
      MetricType::kCounter,
      "Total user and system CPU time spent in seconds.",
      {}},
     [](const Process& p, Samples& out) { AddIfKnown(p.cpu_seconds, out); }},
    {{"process_open_fds", kGauge, "Number of open file descriptors.", {}},
     [](const Process& p, Samples& out) { AddIfKnown(p.open_fds, out); }},
    {{"process_max_fds", kGauge, "Maximum number of open file descriptors.", {}},
     [](const Process& p, Samples& out) { AddIfKnown(p.max_fds, out); }},
    {{"process_virtual_memory_bytes", kGauge, "Virtual memory size in bytes.", {}},
     [](const Process& p, Samples& out) { AddIfKnown(p.virtual_memory_bytes, out); }},
    {{"process_virtual_memory_max_bytes",
      kGauge,
      "Maximum amount of virtual memory available in bytes.",
      {}},
     [](const Process& p, Samples& out) { AddIfKnown(p.virtual_memory_max_bytes, out); }},
    {{"process_resident_memory_bytes", kGauge, "Resident memory size in bytes.", {}},
     [](const Process& p, Samples& out) { AddIfKnown(p.resident_memory_bytes, out); }},
    {{"process_start_time_seconds",
      kGauge,
      "Start time of the process since unix epoch in seconds.",
      {}},
     [](const Process& p, Samples& out) { AddIfKnown(p.start_time_seconds, out); }},
    {{"process_threads", kGauge, "Number of operating system threads in the process.", {}},
     [](const Process& p, Samples& out) { AddIfKnown(p.threads, out); }},
};

double TicksPerSecond() { return static_cast<double>(sysconf(_SC_CLK_TCK)); }

std::optional<std::uint64_t> SoftLimit(__rlimit_resource resource) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0) return std::nullopt;
  return limit.rlim_cur;
}

// The "btime" line of /proc/stat: when the machine booted, in seconds since the epoch.
std::optional<std::uint64_t> ReadBootTime(const std::string& procfs) {
  const Result<std::string> text = ReadFile(procfs + "/stat", 1024 * 1024);
  if (!text.ok()) return std::nullopt;
  constexpr std::string_view kKey = "\nbtime ";
  const std::size_t at = text.value().find(kKey);
  if (at == std::string::npos) return std::nullopt;
  const char* const begin = text.value().data() + at + kKey.size();
  std::uint64_t seconds = 0;
  const auto parsed = std::from_chars(begin, text.value().data() + text.value().size(), seconds);
  if (parsed.ec != std::errc()) return std::nullopt;
  return seconds;
}

std::optional<std::uint64_t> CountOpenFiles(const std::string& procfs) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir((procfs + "/self/fd").c_str()),
                                                   closedir);
  if (!folder) return std::nullopt;
  std::uint64_t count = 0;
  while (readdir(folder.get()) != nullptr) ++count;
  constexpr std::uint64_t kNotCounted = 3;  // ".", ".." and the folder's own descriptor
  if (count < kNotCounted) return std::nullopt;
  return count - kNotCounted;
}

}  // namespace

Result<Stat> ParseStat(std::string_view text) {
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos) {
    return Error{ErrorCode::kMalformed, "process: stat has no command name in parentheses"};
  }
  Stat stat;
  const std::pair<int, std::uint64_t*> wanted[] = {
      {14, &stat.user_ticks},  {15, &stat.system_ticks},  {20, &stat.threads},
      {22, &stat.start_ticks}, {23, &stat.virtual_bytes}, {24, &stat.resident_pages}};
  const auto* next = std::begin(wanted);
  const char* at = text.data() + name_end + 1;
  const char* const end = text.data() + text.size();
  for (int field = 3; next != std::end(wanted); ++field) {
    while (at != end && *at == ' ') ++at;
    const char* const begin = at;
    while (at != end && *at != ' ' && *at != '\n') ++at;
    if (begin == at) return Error{ErrorCode::kMalformed, "process: stat is too short"};
    if (field != next->first) continue;
    if (std::from_chars(begin, at, *next->second).ptr != at) {
      return Error{ErrorCode::kMalformed,
                   "process: field " + std::to_string(field) + " of stat is not a number"};
    }
    ++next;
  }
  return stat;
}

Process ReadProcess(const std::string& procfs, std::optional<double> known_start_time) {
  Process process;
  process.open_fds = CountOpenFiles(procfs);
  process.max_fds = SoftLimit(RLIMIT_NOFILE);
  process.virtual_memory_max_bytes = SoftLimit(RLIMIT_AS);
  const Result<std::string> text = ReadFile(procfs + "/self/stat", kMaxFile);
  if (!text.ok()) return process;
  const Result<Stat> stat = ParseStat(text.value());
  if (!stat.ok()) return process;

  const Stat& s = stat.value();
  process.cpu_seconds = static_cast<double>(s.user_ticks + s.system_ticks) / TicksPerSecond();
  process.threads = s.threads;
  process.virtual_memory_bytes = s.virtual_bytes;
  process.resident_memory_bytes =
      s.resident_pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  if (known_start_time) {
    process.start_time_seconds = known_start_time;
  } else if (const auto boot_time = ReadBootTime(procfs)) {
    process.start_time_seconds =
        static_cast<double>(*boot_time) + static_cast<double>(s.start_ticks) / TicksPerSecond();
  }
  return process;
}

std::vector<const MetricInfo*> DescribeProcess() {
  std::vector<const MetricInfo*> infos;
  for (const auto& column : kColumns) infos.push_back(&column.info);
  return infos;
}

Collection ProcessCollector::Collect(Deadline) {
  const Process process = ReadProcess(procfs_, start_time_seconds_);
  start_time_seconds_ = process.start_time_seconds;
  Collection collection;
  Render(
      kColumns, [process](const auto& visit) { visit(process, ""); }, collection.families);
  if (!process.resident_memory_bytes) {
    collection.error =
        Error{ErrorCode::kSystem, "process: " + procfs_ + "/self/stat could not be read"};
  }
  return collection;
}

}  // namespace lvs::process
