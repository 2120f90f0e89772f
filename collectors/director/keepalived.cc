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
  const bool can_be_asked = !settings.notify_fifo.empty() || !settings.json_file.empty();
  const bool by_itself = was_seen_ || can_be_asked || !settings.instances.empty();
  if (settings.expected.value_or(by_itself)) reading.up = pid.has_value();
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
  if (!S_ISREG(facts.st_mode)) {
    return Note(reading, {ErrorCode::kInvalidInput, settings.json_file + ": not a regular file"});
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
  if (has_writer_) holds_until_.reset();  // a change since then will be, or was, in the pipe
}

void Keepalived::ReadFifo(const KeepalivedSettings& settings, Clock::time_point now,
                          KeepalivedReading& reading) {
  has_writer_ = false;
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
  has_writer_ = content.value().has_writer;
  NoteDeafness(settings, now, reading);
}

// A keepalived that was started before there was a pipe has none, and one whose pipe was deleted
// goes on writing into that.
void Keepalived::NoteDeafness(const KeepalivedSettings& settings, Clock::time_point now,
                              KeepalivedReading& reading) {
  if (has_writer_ || !pid_) return without_writer_since_.reset();
  if (!without_writer_since_) without_writer_since_ = now;
  if (now - *without_writer_since_ < kOpensWithin) return;
  if (!holds_until_) vrrp_.Forget();
  Note(reading, {ErrorCode::kSystem, settings.notify_fifo +
                                         ": keepalived runs and has not opened it as its " +
                                         "vrrp_notify_fifo; a reload of keepalived opens it"});
}

void Keepalived::SendSignal(const KeepalivedSettings& settings, Clock::time_point now) {
  if (!settings.send_signal || !pid_) return signal_error_.reset();
  if (signalled_at_ && now - *signalled_at_ < kSignalEvery) return;
  signalled_at_ = now;
  signal_error_ = Signal();
}

std::optional<Error> Keepalived::Signal() const {
  const int signal = SIGRTMIN + 2;
  const std::string folder = procfs_ + "/" + std::to_string(*pid_);
  const Result<std::string> status = ReadFile(folder + "/status", kMaxSmall);
  if (!status.ok() || !TakesSignal(status.value(), signal)) {
    return Error{ErrorCode::kNotSupported,
                 "keepalived does not take the signal for JSON: built without it?"};
  }
  if (kill(*pid_, signal) == 0) return std::nullopt;
  return Error{errno == EPERM ? ErrorCode::kNoPermission : ErrorCode::kSystem,
               "cannot signal keepalived, which needs CAP_KILL or its user"};
}

KeepalivedReading Keepalived::Read(const KeepalivedSettings& settings, Clock::time_point now,
                                   WallTime wall_now) {
  KeepalivedReading reading;
  vrrp_.Expect(settings.instances);
  ReadPid(settings, reading);
  SendSignal(settings, now);
  if (signal_error_) Note(reading, *signal_error_);
  // In this order: every line that was written before the file is in the pipe, so the last line, if
  // there is one, tells what holds now.
  ReadJson(settings, wall_now, reading);
  ReadFifo(settings, now, reading);
  if (holds_until_ && wall_now > *holds_until_) vrrp_.Forget();
  if (reading.up && !*reading.up) vrrp_.Stop();
  reading.instances = vrrp_.instances();
  reading.instances_are_all = vrrp_.KnowsAllExpected();
  return reading;
}

}  // namespace lvs::director
