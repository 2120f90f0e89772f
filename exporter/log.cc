#include "exporter/log.h"

#include <poll.h>
#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/null_mutex.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <ctime>
#include <functional>
#include <utility>

#include "collectors/utf8.h"

namespace lvs {
namespace {

constexpr std::size_t kQueuedLines = 1024;

bool IsPlainWord(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) return false;
  }
  return !text.empty();
}

// Valid in JSON and in logfmt alike.
void AppendQuoted(std::string& line, std::string_view text) {
  line += '"';
  for (const char c : ReplaceInvalidUtf8(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (c == '\n') {
      line += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      char escaped[7];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
      line += escaped;
    } else {
      line += c;
    }
  }
  line += '"';
}

void AppendField(std::string& line, LogFormat format, std::string_view key,
                 std::string_view value) {
  if (format == LogFormat::kJson) {
    line += line.empty() ? "{" : ",";
    AppendQuoted(line, key);
    line += ':';
    AppendQuoted(line, value);
    return;
  }
  if (!line.empty()) line += ' ';
  line += key;
  line += '=';
  if (IsPlainWord(value)) {
    line += ReplaceInvalidUtf8(value);
  } else {
    AppendQuoted(line, value);
  }
}

std::string_view LevelName(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::debug:
      return "debug";
    case spdlog::level::warn:
      return "warn";
    case spdlog::level::err:
      return "error";
    default:
      return "info";
  }
}

// Passes lines on, and says with one of its own when some were lost before it: not with each one
// while the losses go on, which would only make more. Called by the thread that writes.
class LossTeller : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  LossTeller(LogFormat format, spdlog::sink_ptr next, std::function<std::uint64_t()> lost)
      : format_(format), next_(std::move(next)), lost_(std::move(lost)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::uint64_t lost = lost_();
    const bool goes_on = std::exchange(seen_, lost) != lost;
    if (!goes_on && lost != told_) {
      const std::string line =
          FormatLogLine(format_, spdlog::log_clock::now(), LevelName(spdlog::level::warn),
                        "log lines were lost: they came faster than they could be written",
                        {{"lines", std::to_string(lost - std::exchange(told_, lost))}});
      next_->log({message.logger_name, spdlog::level::warn, line});
    }
    next_->log(message);
  }
  void flush_() override { next_->flush(); }

 private:
  const LogFormat format_;
  const spdlog::sink_ptr next_;
  const std::function<std::uint64_t()> lost_;
  std::uint64_t seen_ = 0;
  std::uint64_t told_ = 0;
};

}  // namespace

std::string FormatTime(spdlog::log_clock::time_point time) {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  const std::time_t seconds = spdlog::log_clock::to_time_t(time);
  const auto millis = duration_cast<milliseconds>(time.time_since_epoch()).count() % 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text.data() + length, text.size() - length, ".%03dZ", static_cast<int>(millis));
  return text.data();
}

std::string FormatLogLine(LogFormat format, spdlog::log_clock::time_point time,
                          std::string_view level, std::string_view message,
                          std::initializer_list<LogField> fields) {
  std::string line;
  AppendField(line, format, "ts", FormatTime(time));
  AppendField(line, format, "level", level);
  AppendField(line, format, "msg", message);
  for (const LogField& field : fields) AppendField(line, format, field.key, field.value);
  if (format == LogFormat::kJson) line += '}';
  return line;
}

void DescriptorSink::sink_it_(const spdlog::details::log_msg& message) {
  std::string line = cut_line_ ? "\n" : "";
  line.append(message.payload.data(), message.payload.size()).append("\n");
  std::string_view rest = line;
  while (!rest.empty()) {
    // A pipe that can be written takes PIPE_BUF bytes without blocking (man 7 pipe).
    const std::size_t size = std::min<std::size_t>(rest.size(), PIPE_BUF);
    const ssize_t written = WaitForRoom() ? write(descriptor_, rest.data(), size) : -1;
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      ++dropped_;
      cut_line_ = cut_line_ || rest.size() < line.size();
      return;
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  cut_line_ = false;
}

bool DescriptorSink::WaitForRoom() {
  pollfd descriptor{descriptor_, POLLOUT, 0};
  errno = 0;
  const int ready = poll(&descriptor, 1, stuck_ ? 0 : static_cast<int>(kPatience.count()));
  if (ready < 0 && errno == EINTR) return false;
  stuck_ = ready == 0;
  return ready > 0;
}

Log::Log(spdlog::level::level_enum level, LogFormat format, spdlog::sink_ptr sink)
    : Log(level, format, std::move(sink), nullptr) {}

Log::Log(spdlog::level::level_enum level, LogFormat format, std::shared_ptr<DescriptorSink> sink)
    : Log(level, format, sink, sink) {}

Log::Log(spdlog::level::level_enum level, LogFormat format, spdlog::sink_ptr sink,
         std::shared_ptr<const DescriptorSink> descriptor_sink)
    : format_(format),
      descriptor_sink_(std::move(descriptor_sink)),
      writer_(std::make_shared<spdlog::details::thread_pool>(kQueuedLines, 1)) {
  sink->set_pattern("%v");
  // The writer's thread ends before the writer does.
  const auto lost = [writer = writer_.get(), of_sink = descriptor_sink_] {
    return writer->overrun_counter() + (of_sink ? of_sink->dropped() : 0);
  };
  logger_ = std::make_shared<spdlog::async_logger>(
      "ipvs_exporter", std::make_shared<LossTeller>(format, std::move(sink), lost), writer_,
      spdlog::async_overflow_policy::overrun_oldest);
  logger_->set_level(level);
  logger_->flush_on(spdlog::level::trace);
}

Log::~Log() = default;

void Log::Debug(std::string_view message, std::initializer_list<LogField> fields) {
  Write(spdlog::level::debug, message, fields);
}

void Log::Info(std::string_view message, std::initializer_list<LogField> fields) {
  Write(spdlog::level::info, message, fields);
}

void Log::Warn(std::string_view message, std::initializer_list<LogField> fields) {
  Write(spdlog::level::warn, message, fields);
}

void Log::Error(std::string_view message, std::initializer_list<LogField> fields) {
  Write(spdlog::level::err, message, fields);
}

std::uint64_t Log::dropped() const {
  return writer_->overrun_counter() + (descriptor_sink_ ? descriptor_sink_->dropped() : 0);
}

void Log::Flush() { writer_.reset(); }

void Log::Write(spdlog::level::level_enum level, std::string_view message,
                std::initializer_list<LogField> fields) {
  if (!logger_->should_log(level)) return;
  const std::string line =
      FormatLogLine(format_, spdlog::log_clock::now(), LevelName(level), message, fields);
  logger_->log(level, spdlog::string_view_t(line));
}

}  // namespace lvs
