// The command line: one table of flags makes the parser, --help and the README's list.
#pragma once

#include <spdlog/common.h>

#include <string>
#include <variant>
#include <vector>

#include "collectors/all.h"
#include "exporter/configuration/configuration.h"
#include "exporter/http/listen_address.h"
#include "exporter/log.h"

namespace lvs {

// Everything a run is told, checked.
struct Options {
  std::vector<ListenAddress> listen_addresses = {{"0.0.0.0", 10211}};
  std::string telemetry_path = "/metrics";
  unsigned max_requests = 40;                     // 0: no limit
  std::vector<const CollectorEntry*> collectors;  // those that are on, in the page's order
  CollectorSettings settings;
  spdlog::level::level_enum log_level = spdlog::level::info;
  LogFormat log_format = LogFormat::kLogfmt;
  std::string config_file;        // empty: none
  Configuration configuration;    // that of the file, or what holds without one
  bool enable_lifecycle = false;  // POST /-/reload
};

// The command line asked for a text instead of a run, or it or its file was wrong: print it and
// exit.
struct Exit {
  int status = 0;      // 0, or 2 for a wrong command line or configuration file
  std::string output;  // for standard output
  std::string error;   // for standard error: one sentence with its line feed
};

// args: without the program's name. Opens the configuration file and what it names, nothing else.
std::variant<Options, Exit> ParseOptions(const std::vector<std::string>& args);

// The text of --help.
std::string HelpText();

}  // namespace lvs
