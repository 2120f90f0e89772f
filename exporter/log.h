// Log lines on standard error, in logfmt or JSON, that never make the caller wait.
#pragma once

#include <spdlog/common.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
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

// Owned by main. Any thread may log; a thread of its own writes. When lines come faster than they
// can be written the oldest are dropped and counted. The destructor writes what is queued.
class Log {
 public:
  Log(spdlog::level::level_enum level, LogFormat format, spdlog::sink_ptr sink);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void Debug(std::string_view message, std::initializer_list<LogField> fields = {});
  void Info(std::string_view message, std::initializer_list<LogField> fields = {});
  void Warn(std::string_view message, std::initializer_list<LogField> fields = {});
  void Error(std::string_view message, std::initializer_list<LogField> fields = {});

  // Lines dropped since the start.
  std::uint64_t dropped() const;

 private:
  void Write(spdlog::level::level_enum level, std::string_view message,
             std::initializer_list<LogField> fields);

  const LogFormat format_;
  std::shared_ptr<spdlog::details::thread_pool> writer_;
  std::shared_ptr<spdlog::logger> logger_;
};

// A sink on standard error.
spdlog::sink_ptr StandardErrorSink();

}  // namespace lvs
