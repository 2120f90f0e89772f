#include "exporter/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>

#include "collectors/ipvs/labels.h"
#include "exporter/build_info.h"
#include "exporter/configuration/duration.h"
#include "exporter/list_metrics.h"

namespace lvs {
namespace {

// What the flags said, before it is put together: the order of flags must not matter.
struct Draft {
  Options options;
  bool disable_defaults = false;
  std::set<std::string_view> switched_on;  // collectors
  std::set<std::string_view> switched_off;
  std::vector<ListenAddress> listen_addresses;
  bool check = false;
  bool help = false;
  bool version = false;
  std::optional<std::string> list_metrics;
};

// Takes over one value of a flag. Gives what was expected instead when it is wrong.
using Apply = std::function<std::optional<std::string>(Draft& draft, const std::string& value)>;

enum class Kind {
  kSwitch,    // takes no value
  kValue,     // takes one; the last one given counts
  kRepeated,  // takes one each time it is given; the first one replaces the default
  kOptional,  // may take one, which may be empty
};

struct Flag {
  std::string name;
  Kind kind;
  std::string value;  // what --help shows behind the equals sign
  std::string help;
  Apply apply;
};

std::optional<std::string> AddListenAddress(Draft& draft, const std::string& value) {
  const Result<ListenAddress> address = ParseListenAddress(value);
  if (!address.ok()) return address.error().message;
  if (std::ranges::find(draft.listen_addresses, address.value()) != draft.listen_addresses.end()) {
    return "is given twice";
  }
  draft.listen_addresses.push_back(address.value());
  return std::nullopt;
}

std::optional<std::string> SetTelemetryPath(Draft& draft, const std::string& value) {
  const bool is_plain = std::ranges::all_of(value, [](char c) {
    return c > ' ' && c < 0x7f && c != '?' && c != '#' && c != '%' && c != '"' && c != '<' &&
           c != '>' && c != '&';
  });
  if (!value.starts_with('/') || value.size() > 200 || !is_plain) {
    return "expected a path such as /metrics";
  }
  if (value == "/" || value.starts_with("/-/") || value.starts_with("/api/")) {
    return "this path has another use";
  }
  draft.options.telemetry_path = value;
  return std::nullopt;
}

std::optional<std::string> SetMaxRequests(Draft& draft, const std::string& value) {
  constexpr unsigned kMost = 1000;
  unsigned number = 0;
  const char* const end = value.data() + value.size();
  const auto [at, error] = std::from_chars(value.data(), end, number);
  if (error != std::errc() || at != end || number > kMost) {
    return "expected a whole number from 0 to " + std::to_string(kMost);
  }
  draft.options.max_requests = number;
  return std::nullopt;
}

std::optional<std::string> SetBackendLabels(Draft& draft, const std::string& value) {
  Result<ipvs::BackendLabelSet> labels = ipvs::ParseBackendLabels(value);
  if (!labels.ok()) return labels.error().message;
  // All of them is the same as not asking: nothing falls together.
  const bool is_all = labels.value().size() == std::size(ipvs::kBackendLabels);
  draft.options.settings.ipvs.backend_labels =
      is_all ? std::nullopt : std::optional(std::move(labels.value()));
  return std::nullopt;
}

std::optional<std::string> SetScanInterval(Draft& draft, const std::string& value) {
  using namespace std::chrono_literals;
  const std::optional<std::chrono::milliseconds> interval = ParseDuration(value);
  if (!interval || *interval < 1s || *interval > 1h) {
    return "expected a duration from 1s to 1h, such as 60s";
  }
  draft.options.settings.connections.interval = *interval;
  return std::nullopt;
}

std::optional<std::string> SetScanBudget(Draft& draft, const std::string& value) {
  constexpr double kLeast = 0.1;
  constexpr double kMost = 100;
  double percent = 0;
  const char* const end = value.data() + value.size();
  const auto [at, error] = std::from_chars(value.data(), end, percent, std::chars_format::fixed);
  const bool is_percent = error == std::errc() && std::string_view(at, end) == "%";
  if (!is_percent || !(percent >= kLeast && percent <= kMost)) {
    return "expected a share of one core from 0.1% to 100%, such as 1.5%";
  }
  draft.options.settings.connections.budget = percent / 100;
  return std::nullopt;
}

std::optional<std::string> SetScanPassTime(Draft& draft, const std::string& value) {
  using namespace std::chrono_literals;
  const std::optional<std::chrono::milliseconds> time = ParseDuration(value);
  if (!time || *time < 10ms || *time > 1h) {
    return "expected a duration from 10ms to 1h, such as 1s";
  }
  draft.options.settings.connections.longest_pass = *time;
  return std::nullopt;
}

std::optional<std::string> SetScanLevel(Draft& draft, const std::string& value) {
  const std::map<std::string, connections::Level> levels = {
      {"totals", connections::Level::kTotals},
      {"service", connections::Level::kService},
      {"backend", connections::Level::kBackend}};
  const auto level = levels.find(value);
  if (level == levels.end()) return "expected totals, service or backend";
  draft.options.settings.connections.level = level->second;
  return std::nullopt;
}

std::optional<std::string> SetProcfs(Draft& draft, const std::string& value) {
  std::error_code error;
  if (!std::filesystem::is_directory(value, error)) return "expected a folder";
  draft.options.settings.procfs = value;
  return std::nullopt;
}

std::optional<std::string> SetConfigFile(Draft& draft, const std::string& value) {
  if (value.empty()) return "expected a file";
  draft.options.config_file = value;
  return std::nullopt;
}

std::optional<std::string> SetLogLevel(Draft& draft, const std::string& value) {
  const std::map<std::string, spdlog::level::level_enum> levels = {{"debug", spdlog::level::debug},
                                                                   {"info", spdlog::level::info},
                                                                   {"warn", spdlog::level::warn},
                                                                   {"error", spdlog::level::err}};
  const auto level = levels.find(value);
  if (level == levels.end()) return "expected debug, info, warn or error";
  draft.options.log_level = level->second;
  return std::nullopt;
}

std::optional<std::string> SetLogFormat(Draft& draft, const std::string& value) {
  if (value != "logfmt" && value != "json") return "expected logfmt or json";
  draft.options.log_format = value == "json" ? LogFormat::kJson : LogFormat::kLogfmt;
  return std::nullopt;
}

std::optional<std::string> SetListMetrics(Draft& draft, const std::string& value) {
  if (!value.empty() && value != "markdown" && value != "json") return "expected markdown or json";
  draft.list_metrics = value;
  return std::nullopt;
}

// A switch that only notes that it was given.
Flag Switch(std::string name, std::string help, std::function<void(Draft&)> note) {
  return {std::move(name), Kind::kSwitch, "", std::move(help),
          [note](Draft& draft, const std::string&) -> std::optional<std::string> {
            note(draft);
            return std::nullopt;
          }};
}

std::vector<Flag> CollectorFlags() {
  std::vector<Flag> flags;
  for (const CollectorEntry& entry : AllCollectors()) {
    const std::string name(entry.name);
    const std::string is_on = entry.on_by_default ? " (default: on)." : " (default: off).";
    flags.push_back(Switch("--collector." + name, std::string(entry.help) + is_on,
                           [entry](Draft& d) { d.switched_on.insert(entry.name); }));
    flags.push_back(Switch("--no-collector." + name, "Do not.",
                           [entry](Draft& d) { d.switched_off.insert(entry.name); }));
  }
  return flags;
}

// Every flag there is.
std::vector<Flag> Flags() {
  std::vector<Flag> flags = {
      {"--web.listen-address", Kind::kRepeated, ":10211",
       "Numeric IPv4 address and port to listen on; repeatable.", AddListenAddress},
      {"--web.telemetry-path", Kind::kValue, "/metrics", "Path of the metrics page.",
       SetTelemetryPath},
      {"--web.max-requests", Kind::kValue, "40",
       "Scrapes that may run at the same time, at most 1000; 0 for as many as there are threads "
       "(64).",
       SetMaxRequests},
      Switch("--web.enable-lifecycle", "Let POST /-/reload read the configuration file again.",
             [](Draft& d) { d.options.enable_lifecycle = true; }),
      {"--config.file", Kind::kValue, "FILE",
       "YAML file of probes and services (default: none; every backend in the kernel is probed). "
       "SIGHUP reads it again.",
       SetConfigFile},
      Switch("--config.check", "Check the flags and the configuration file, and exit.",
             [](Draft& d) { d.check = true; })};
  std::ranges::move(CollectorFlags(), std::back_inserter(flags));
  std::ranges::move(
      std::vector<Flag>{
          Switch("--collector.disable-defaults", "Switch off every collector that is not named.",
                 [](Draft& d) { d.disable_defaults = true; }),
          {"--collector.ipvs.backend-labels", Kind::kOptional, "LABELS",
           "Comma-separated labels of the ipvs_backend_ metrics (default: all of local_address, "
           "local_port, proto, local_mark, address_family, remote_address, remote_port). With "
           "fewer, backends that look the same are summed, and ipvs_backend_info and the "
           "thresholds "
           "are left out.",
           SetBackendLabels},
          Switch("--collector.ipvs.node-exporter-names",
                 "Write the eight node_ipvs_ families of node_exporter too.",
                 [](Draft& d) { d.options.settings.ipvs.node_exporter_names = true; }),
          {"--collector.connections.interval", Kind::kValue, "60s",
           "Time between the starts of two reads of the connection table, from 1s to 1h.",
           SetScanInterval},
          {"--collector.connections.budget", Kind::kValue, "1.5%",
           "Share of one core that reading the connection table may use. A read that would cost "
           "more ends early: its numbers are estimates, and ipvs_connections_scan_truncated is 1.",
           SetScanBudget},
          {"--collector.connections.max-pass-time", Kind::kValue, "1s",
           "CPU time that one read of the connection table may use, from 10ms to 1h, however much "
           "its share of a core over a long interval would be. It ends early, too.",
           SetScanPassTime},
          {"--collector.connections.level", Kind::kValue, "service",
           "What the ipvs_..._connection_states and template metrics tell: totals, service or "
           "backend; each adds series to the one before.",
           SetScanLevel},
          {"--path.procfs", Kind::kValue, "/proc", "Where the proc file system is mounted.",
           SetProcfs},
          {"--log.level", Kind::kValue, "info",
           "Lowest level that is logged: debug, info, warn or error.", SetLogLevel},
          {"--log.format", Kind::kValue, "logfmt", "Form of the log lines: logfmt or json.",
           SetLogFormat},
          {"--list-metrics", Kind::kOptional, "markdown|json",
           "Print every metric with its type, labels and help, and exit.", SetListMetrics},
          Switch("--version", "Print the version and exit.", [](Draft& d) { d.version = true; }),
          Switch("--help", "Print this text and exit.", [](Draft& d) { d.help = true; })},
      std::back_inserter(flags));
  return flags;
}

// A terminal gets no control characters, whatever the flag held.
Exit WrongUse(std::string sentence) {
  std::ranges::replace_if(
      sentence, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return {2, "", "ipvs_exporter: " + sentence + "\n"};
}

// Registers every flag; values are only collected, so that one place judges them.
std::vector<CLI::Option*> AddFlags(CLI::App& app, const std::vector<Flag>& flags) {
  app.set_help_flag();
  app.allow_extras();
  std::vector<CLI::Option*> options;
  for (const Flag& flag : flags) {
    const std::string names = flag.name == "--help" ? "-h,--help" : flag.name;
    CLI::Option* option = nullptr;
    if (flag.kind == Kind::kSwitch) {
      option = app.add_flag(names);
    } else {
      option = app.add_option(names)->type_size(1)->allow_extra_args(false);
      option->expected(flag.kind == Kind::kOptional ? 0 : 1, 1);
    }
    options.push_back(option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll));
  }
  return options;
}

std::optional<std::string> ApplyFlag(const Flag& flag, const CLI::Option& option, Draft& draft) {
  const std::vector<std::string>& values = option.results();
  const std::size_t first = flag.kind == Kind::kRepeated ? 0 : values.size() - 1;
  for (std::size_t i = first; i < values.size(); ++i) {
    if (const auto wrong = flag.apply(draft, values[i])) {
      return flag.name + "=" + values[i] + ": " + *wrong;
    }
  }
  return std::nullopt;
}

// CLI11 takes "--switch=true" for "--switch".
std::optional<std::string> SwitchWithValue(const std::vector<Flag>& flags,
                                           const std::vector<std::string>& args) {
  for (const std::string& arg : args) {
    const std::size_t equals = arg.find('=');
    if (equals == arg.npos) continue;
    std::string name = arg.substr(0, equals);
    if (name == "-h") name = "--help";
    const auto flag = std::ranges::find(flags, name, &Flag::name);
    if (flag != flags.end() && flag->kind == Kind::kSwitch) return name + ": takes no value";
  }
  return std::nullopt;
}

// Puts the flags together into a run.
Options Finish(Draft draft) {
  if (!draft.listen_addresses.empty()) draft.options.listen_addresses = draft.listen_addresses;
  for (const CollectorEntry& entry : AllCollectors()) {
    const bool on =
        draft.switched_on.contains(entry.name) || (entry.on_by_default && !draft.disable_defaults);
    if (on && !draft.switched_off.contains(entry.name)) {
      draft.options.collectors.push_back(&entry);
    }
  }
  return draft.options;
}

// Reads the file; gives what is wrong with it.
std::optional<std::string> LoadConfiguration(Options& options) {
  if (options.config_file.empty()) {
    options.configuration.checker = checker::Configuration::Default();
    return std::nullopt;
  }
  Result<Configuration> read = ReadConfiguration(options.config_file);
  if (!read.ok()) return read.error().message;
  options.configuration = std::move(read.value());
  return std::nullopt;
}

// What --config.check says.
std::string ValidText(const Options& options) {
  std::string text = options.config_file.empty()
                         ? "The flags are valid; there is no configuration file (--config.file).\n"
                         : "The configuration is valid.\n";
  for (const std::string& note : options.configuration.notes) text += "Note: " + note + "\n";
  return text;
}

// "--flag=VALUE" as --help shows it.
std::string Usage(const Flag& flag) {
  std::string usage = flag.name;
  if (usage == "--help") usage = "-h, --help";
  if (flag.kind == Kind::kSwitch) return usage;
  return usage + (flag.kind == Kind::kOptional ? "[=" : "=") + flag.value +
         (flag.kind == Kind::kOptional ? "]" : "");
}

// text in lines of at most 76 characters, each indented.
std::string Wrap(std::string_view text) {
  constexpr std::size_t kWidth = 76;
  constexpr std::string_view kIndent = "      ";
  std::string wrapped;
  while (!text.empty()) {
    std::string_view line = text.substr(0, kWidth);
    if (line.size() < text.size()) line = line.substr(0, line.rfind(' '));
    wrapped.append(kIndent).append(line).append("\n");
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return wrapped;
}

}  // namespace

std::variant<Options, Exit> ParseOptions(const std::vector<std::string>& args) {
  const std::vector<Flag> flags = Flags();
  if (const auto wrong = SwitchWithValue(flags, args)) return WrongUse(*wrong);
  CLI::App app;
  const std::vector<CLI::Option*> given = AddFlags(app, flags);
  try {
    std::vector<std::string> reversed(args.rbegin(), args.rend());  // as CLI11 wants it
    app.parse(std::move(reversed));
  } catch (const CLI::ArgumentMismatch& e) {
    const std::string what = e.what();
    return WrongUse(what.substr(0, what.find(':')) + ": needs a value");
  } catch (const CLI::ParseError& e) {
    return WrongUse(e.what());
  }
  if (const std::vector<std::string> unknown = app.remaining(); !unknown.empty()) {
    const bool is_flag = unknown.front().starts_with('-');
    return WrongUse((is_flag ? "unknown flag " : "unexpected argument ") + unknown.front() +
                    "; see --help");
  }
  Draft draft;
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (given[i]->count() == 0) continue;
    if (const auto wrong = ApplyFlag(flags[i], *given[i], draft)) return WrongUse(*wrong);
  }
  for (const std::string_view name : draft.switched_on) {
    if (draft.switched_off.contains(name)) {
      return WrongUse("--collector." + std::string(name) + " and --no-collector." +
                      std::string(name) + " contradict each other");
    }
  }
  if (draft.help) return Exit{0, HelpText(), ""};
  if (draft.version) return Exit{0, VersionText(), ""};
  if (draft.list_metrics) return Exit{0, ListMetrics(*draft.list_metrics), ""};
  if (const auto wrong = LoadConfiguration(draft.options)) return WrongUse(*wrong);
  if (draft.check) return Exit{0, ValidText(draft.options), ""};
  return Finish(std::move(draft));
}

std::string HelpText() {
  std::string text =
      "Prometheus exporter for Linux Virtual Server (LVS/IPVS) directors.\n\n"
      "Usage: ipvs_exporter [flags]\n\nFlags:\n";
  for (const Flag& flag : Flags()) text += "  " + Usage(flag) + "\n" + Wrap(flag.help);
  return text;
}

}  // namespace lvs
