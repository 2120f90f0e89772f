#include "collectors/connections/table_file.h"

#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <utility>

#include "collectors/ipvs/proc_text.h"
#include "collectors/read_file.h"

namespace lvs::connections {
namespace {

constexpr std::size_t kMaxStatus = 64 * 1024;
constexpr std::size_t kMaxSetting = 4096;

}  // namespace

TableFile::TableFile(std::string path, Descriptor file, Format format)
    : path_(std::move(path)), file_(std::move(file)), format_(format) {}

Result<std::unique_ptr<RowSource>> TableFile::Open(const std::string& procfs) {
  for (const Format format : {Format::kSync, Format::kPlain}) {
    std::string path =
        procfs + (format == Format::kSync ? "/net/ip_vs_conn_sync" : "/net/ip_vs_conn");
    Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.valid()) {
      return std::unique_ptr<RowSource>(new TableFile(std::move(path), std::move(file), format));
    }
    Error error = FileError(path, errno);
    error.message = "connections: " + error.message;
    if (error.code != ErrorCode::kNotFound) return error;
  }
  return Error{ErrorCode::kModuleAbsent, "connections: " + procfs +
                                             "/net/ip_vs_conn_sync is not there: the kernel "
                                             "module ip_vs is not loaded"};
}

Result<std::size_t> TableFile::Read(std::span<char> buffer) {
  while (true) {
    const ssize_t got = read(file_.get(), buffer.data(), buffer.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EINTR) continue;
    Error error = FileError(path_, errno);
    error.message = "connections: " + error.message;
    return error;
  }
}

std::optional<std::uint64_t> ReadEntryCount(const std::string& procfs) {
  const Result<std::string> text = ReadFile(procfs + "/net/ip_vs_status", kMaxStatus);
  if (!text.ok()) return std::nullopt;
  return ParseEntryCount(text.value());
}

std::optional<std::uint64_t> ParseEntryCount(std::string_view text) {
  ipvs::Lines lines(text);
  while (lines.Next()) {
    if (lines.Word() != "Conns:") continue;
    std::uint64_t count = 0;
    if (!ipvs::ParseNumber(lines.Word(), 10, count) || lines.cut()) return std::nullopt;
    return count;
  }
  return std::nullopt;
}

ClassifierRules::TemplateStates TemplateStatesOf(std::string_view release) {
  using enum ClassifierRules::TemplateStates;
  unsigned major = 0;
  unsigned minor = 0;
  const char* const end = release.data() + release.size();
  const auto first = std::from_chars(release.data(), end, major);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '.') return kAssuredOrNone;
  if (std::from_chars(first.ptr + 1, end, minor).ec != std::errc()) return kAssuredOrNone;
  return major < 4 || (major == 4 && minor < 19) ? kAlsoUdp : kAssuredOrNone;
}

ClassifierRules ReadRules(const std::string& procfs) {
  ClassifierRules rules;
  utsname name{};
  if (uname(&name) == 0) rules.template_states = TemplateStatesOf(name.release);
  const Result<std::string> text =
      ReadFile(procfs + "/sys/net/ipv4/ip_unprivileged_port_start", kMaxSetting);
  if (!text.ok()) return rules;
  ipvs::Lines lines(text.value());
  std::uint16_t port = 0;
  if (lines.Next() && ipvs::ParseNumber(lines.Word(), 10, port)) {
    rules.first_unprivileged_port = port;
  }
  return rules;
}

}  // namespace lvs::connections
