// Log lines on standard error, in logfmt or JSON, that never make the caller wait.
#pragma once

#include <spdlog/common.h>
#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace spdlog {
class logger;
namespace details {
class thread_pool;
}
}  // namespace spdlog

namespace lvs {

enum class LogFormat { kLogfmt, kJson };

struct LogField {
  std::string_view key;  // a plain word
  std::string value;     // anything; quoted and escaped when written
};

// "2026-11-22T14:05:00.123Z": UTC with milliseconds, RFC 3339.
std::string FormatTime(spdlog::log_clock::time_point time);

// One line without its line feed: ts, level, msg, then the fields. Control characters are escaped
// and invalid UTF-8 is replaced, so a line is always one line.
std::string FormatLogLine(LogFormat format, spdlog::log_clock::time_point time,
                          std::string_view level, std::string_view message,
                          std::initializer_list<LogField> fields);

// Writes lines to a file descriptor, which it does not own, and never waits long for its reader:
// when a pipe stays full for kPatience the line is dropped and counted, and so are those after it
// until there is room again. The descriptor's flags are not touched; others may share it.
class DescriptorSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit DescriptorSink(int descriptor) : descriptor_(descriptor) {}

  static constexpr std::chrono::milliseconds kPatience{100};

  // Lines dropped since the start. Any thread.
  std::uint64_t dropped() const { return dropped_; }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}

 private:
  bool WaitForRoom();

  const int descriptor_;
  bool stuck_ = false;     // the last wait was in vain
  bool cut_line_ = false;  // the last line was written in part
  std::atomic<std::uint64_t> dropped_{0};
};

// Owned by main. Any thread may log; a thread of its own writes. When lines come faster than they
// can be written the oldest are dropped and counted, and once that is over a line says how many.
// The destructor writes what is queued.
class Log {
 public:
  Log(spdlog::level::level_enum level, LogFormat format, spdlog::sink_ptr sink);
  Log(spdlog::level::level_enum level, LogFormat format, std::shared_ptr<DescriptorSink> sink);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void Debug(std::string_view message, std::initializer_list<LogField> fields = {});
  void Info(std::string_view message, std::initializer_list<LogField> fields = {});
  void Warn(std::string_view message, std::initializer_list<LogField> fields = {});
  void Error(std::string_view message, std::initializer_list<LogField> fields = {});

  // Lines dropped since the start. Not after Flush().
  std::uint64_t dropped() const;

  // Waits until what is queued has been written or dropped; the log cannot be used any more.
  void Flush();

 private:
  Log(spdlog::level::level_enum level, LogFormat format, spdlog::sink_ptr sink,
      std::shared_ptr<const DescriptorSink> descriptor_sink);
  void Write(spdlog::level::level_enum level, std::string_view message,
             std::initializer_list<LogField> fields);

  const LogFormat format_;
  std::shared_ptr<const DescriptorSink> descriptor_sink_;  // null with another sink
  std::shared_ptr<spdlog::details::thread_pool> writer_;
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace lvs
