// A Log whose lines a test can read.
#pragma once

#include <spdlog/sinks/ostream_sink.h>

#include <memory>
#include <optional>
#include <sstream>
#include <string>

#include "exporter/log.h"

namespace lvs {

class CapturedLog {
 public:
  CapturedLog() {
    log_.emplace(spdlog::level::debug, LogFormat::kLogfmt,
                 std::make_shared<spdlog::sinks::ostream_sink_mt>(out_));
  }
  Log& log() { return *log_; }
  // Ends the log and gives all of its lines, each without its time.
  std::string Lines() {
    log_.reset();
    std::istringstream in(out_.str());
    std::string lines;
    for (std::string line; std::getline(in, line);) lines += line.substr(line.find(' ') + 1) + "\n";
    return lines;
  }

 private:
  std::ostringstream out_;
  std::optional<Log> log_;
};

}  // namespace lvs
