#include "collectors/director/keepalived.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>

#include "collectors/read_file.h"

namespace lvs::director {
namespace {

constexpr std::size_t kMaxJson = 1 << 20;
constexpr std::size_t kMaxSmall = 16 * 1024;
constexpr std::chrono::seconds kJsonIsWritten{2};

void Note(KeepalivedReading& reading, Error error) {
  if (!reading.error) reading.error = {error.code, "director: " + error.message};
}

WallTime ModifiedAt(const struct stat& facts) {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(
      std::chrono::seconds(facts.st_mtim.tv_sec) +
      std::chrono::nanoseconds(facts.st_mtim.tv_nsec)));
}

}  // namespace

std::optional<int> ParsePid(std::string_view text) {
  int pid = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, pid);
  const std::string_view rest(parsed.ptr, static_cast<std::size_t>(end - parsed.ptr));
  if (parsed.ec != std::errc() || pid <= 0 || (!rest.empty() && rest != "\n")) return std::nullopt;
  return pid;
}

bool TakesSignal(std::string_view status, int signal) {
  std::uint64_t taken = 0;
  for (const std::string_view key : {"\nSigCgt:\t", "\nSigBlk:\t"}) {
    const std::size_t at = status.find(key);
    if (at == std::string_view::npos) continue;
    std::uint64_t mask = 0;
    const char* const begin = status.data() + at + key.size();
    if (std::from_chars(begin, status.data() + status.size(), mask, 16).ec == std::errc()) {
      taken |= mask;
    }
  }
  return ((taken >> (signal - 1)) & 1) != 0;
}

void Keepalived::ReadPid(const KeepalivedSettings& settings, KeepalivedReading& reading) {
  const Result<std::string> text = ReadFile(settings.pid_file, kMaxSmall);
  std::optional<int> pid;
  if (text.ok()) {
    pid = ParsePid(text.value());
    if (!pid) Note(reading, {ErrorCode::kMalformed, settings.pid_file + ": no process number"});
  } else if (text.error().code != ErrorCode::kNotFound) {
    Note(reading, text.error());
    return;
  }
  // A number that is left over from a dead one may be anybody's now.
  if (pid) {
    const Result<std::string> name =
        ReadFile(procfs_ + "/" + std::to_string(*pid) + "/comm", kMaxSmall);
    if (!name.ok() || !name.value().starts_with("keepalived")) pid.reset();
  }
  if (pid_ && pid && *pid_ != *pid) vrrp_.Forget();  // the new one tells of itself
  pid_ = pid;
  was_seen_ = was_seen_ || pid.has_value();
  if (settings.expected.value_or(was_seen_)) reading.up = pid.has_value();
}

void Keepalived::ReadJson(const KeepalivedSettings& settings, WallTime now,
                          KeepalivedReading& reading) {
  if (settings.json_file.empty()) return;
  struct stat facts {};
  if (stat(settings.json_file.c_str(), &facts) != 0) {
    // Not there until the first signal.
    if (errno != ENOENT) Note(reading, FileError(settings.json_file, errno));
    return;
  }
  const WallTime written = ModifiedAt(facts);
  if (json_at_ == written || now - written > kJsonHolds) return;
  const Result<std::string> text = ReadFile(settings.json_file, kMaxJson);
  if (!text.ok()) return Note(reading, text.error());
  const auto reports = ParseVrrpJson(text.value());
  if (!reports.ok()) {
    // keepalived 2.2.7 writes the file under its final name: the next look finds the rest of it.
    if (now - written < kJsonIsWritten) return;
    return Note(reading,
                {reports.error().code, settings.json_file + ": " + reports.error().message});
  }
  json_at_ = written;
  vrrp_.TellAll(reports.value());
  holds_until_ = written + kJsonHolds;
  if (fifo_.is_open()) holds_until_.reset();  // a change since then will be, or was, in the pipe
}

void Keepalived::ReadFifo(const KeepalivedSettings& settings, KeepalivedReading& reading) {
  if (settings.notify_fifo.empty()) return fifo_.Close();
  const Result<PipeContent> content = fifo_.Read(settings.notify_fifo);
  if (!content.ok()) return Note(reading, content.error());
  for (const std::string& line : content.value().lines) {
    const Result<std::optional<VrrpReport>> report = ParseNotifyLine(line);
    if (!report.ok()) {
      Note(reading, {report.error().code, settings.notify_fifo + ": " + report.error().message});
    } else if (report.value()) {
      vrrp_.Tell(*report.value());
      holds_until_.reset();
    }
  }
  if (content.value().was_full) {
    vrrp_.Forget();
    Note(reading, {ErrorCode::kSystem,
                   settings.notify_fifo + ": the pipe was full, and keepalived has dropped lines"});
  }
}

void Keepalived::SendSignal(const KeepalivedSettings& settings, Clock::time_point now,
                            KeepalivedReading& reading) {
  if (!settings.send_signal || !pid_) return;
  if (signalled_at_ && now - *signalled_at_ < kSignalEvery) return;
  signalled_at_ = now;
  const int signal = SIGRTMIN + 2;
  const std::string folder = procfs_ + "/" + std::to_string(*pid_);
  const Result<std::string> status = ReadFile(folder + "/status", kMaxSmall);
  if (!status.ok() || !TakesSignal(status.value(), signal)) {
    return Note(reading, {ErrorCode::kNotSupported,
                          "keepalived does not take the signal for JSON: built without it?"});
  }
  if (kill(*pid_, signal) == 0) return;
  Note(reading, {errno == EPERM ? ErrorCode::kNoPermission : ErrorCode::kSystem,
                 "cannot signal keepalived, which needs CAP_KILL or its user"});
}

KeepalivedReading Keepalived::Read(const KeepalivedSettings& settings, Clock::time_point now,
                                   WallTime wall_now) {
  KeepalivedReading reading;
  vrrp_.Expect(settings.instances);
  ReadPid(settings, reading);
  SendSignal(settings, now, reading);
  // In this order: every line that was written before the file is in the pipe, so the last line, if
  // there is one, tells what holds now.
  ReadJson(settings, wall_now, reading);
  ReadFifo(settings, reading);
  if (holds_until_ && wall_now > *holds_until_) vrrp_.Forget();
  if (reading.up && !*reading.up) vrrp_.Stop();
  reading.instances = vrrp_.instances();
  return reading;
}

}  // namespace lvs::director
