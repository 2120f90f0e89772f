#include "exporter/configuration/configuration.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "collectors/read_file.h"
#include "exporter/configuration/director_section.h"
#include "exporter/configuration/probe_section.h"
#include "exporter/configuration/service_section.h"
#include "exporter/configuration/yaml_reader.h"
#include "exporter/configuration/yaml_tree.h"

namespace lvs {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxFileSize = 4 << 20;

// A limit that may be found automatically.
template <class T>
Reader LimitInto(std::optional<T>& into, std::uint64_t most) {
  return [&into, most](const YamlValue& value) {
    if (value.IsWord("auto")) {
      into.reset();
    } else if (const auto number = value.Whole(1, most, "auto or ")) {
      into = static_cast<T>(*number);
    }
  };
}

Keys CheckerKeys(checker::Configuration& checker, Schedule& defaults) {
  using Level = checker::MetricsLevel;
  checker::Limits& limits = checker.limits;
  return {{"metrics_level", WordInto(checker.metrics_level, {{"minimal", Level::kMinimal},
                                                             {"standard", Level::kStandard},
                                                             {"full", Level::kFull}})},
          Section("defaults", ScheduleKeys(defaults)),
          {"flap_window", DurationInto(checker.flap.window, 1s, 24h)},
          {"flap_threshold", WholeInto(checker.flap.threshold, 0, 1000)},
          {"absent_retention", DurationInto(checker.absent_retention, 1s, 8760h, Zero::kOff)},
          Section("arp_leak",
                  {{"interval", DurationInto(checker.arp_leak_interval, 1s, 1h, Zero::kOff)}}),
          Section("limits", {{"max_in_flight", LimitInto(limits.max_in_flight, 16384)},
                             {"max_start_rate", LimitInto(limits.max_start_rate, 1'000'000)},
                             {"max_per_address", WholeInto(limits.max_per_address, 1, 16384)}})};
}

// The sections of the file that depend on each other, in the order in which they can be understood.
struct Sections {
  std::optional<YamlValue> checker;
  std::optional<YamlValue> probes;
  std::optional<YamlValue> services;
};

Keys FileKeys(Sections& sections, Configuration& configuration) {
  const auto later = [](std::optional<YamlValue>& into) {
    return [&into](const YamlValue& value) { into = value; };
  };
  return {{"checker", later(sections.checker)},
          {"probes", later(sections.probes)},
          {"services", later(sections.services)},
          Section("director", DirectorKeys(configuration.director)),
          Section("audit", AuditKeys(configuration.audit)),
          Section("realserver", RealServerKeys(configuration.realserver))};
}

// Absent when something is wrong with them.
std::optional<Schedule> ReadChecker(const YamlValue& section, checker::Configuration& checker) {
  const std::size_t complaints = section.complaints().count();
  Schedule defaults;
  ReadMap(section, CheckerKeys(checker, defaults));
  const auto map = section.At("defaults");
  if (section.complaints().count() == complaints && map) CheckSchedule(*map, defaults);
  if (section.complaints().count() != complaints) return std::nullopt;
  return defaults;
}

// IPVS would take a probe's packets with the mark of a service as those of a client.
void CheckMarks(const ProbeSet& probes, const std::vector<checker::ServiceRule>& rules) {
  for (const auto& [name, named] : probes.by_name) {
    const auto& mark = named.probe.socket.mark;
    if (!mark) continue;
    const bool is_taken = std::ranges::any_of(
        rules, [&](const checker::ServiceRule& rule) { return rule.match.mark == mark; });
    if (!is_taken) continue;
    named.value->At("mark")->Refuse("the mark " + std::to_string(*mark) +
                                    " is that of a service, which would balance the probe itself");
  }
}

// What is said about probes that are right.
std::vector<std::string> NotesOf(const ProbeSet& probes, const std::set<std::string>& used) {
  std::vector<std::pair<int, std::string>> notes;  // with their lines
  for (const auto& [name, named] : probes.by_name) {
    if (!named.value) continue;
    const auto add = [&notes, &value = *named.value](const std::string& sentence) {
      notes.emplace_back(value.line(), value.PlaceAndPath() + ": " + sentence);
    };
    const probes::Probe& probe = named.probe;
    const bool is_built_in = name == "tcp" || name == "icmp";
    if (!is_built_in && !used.contains(name)) add("no service uses this probe");
    const bool is_named =
        !probe.tls.sni.empty() || !probe.tls.verify_name.empty() || !probe.http.host.empty();
    if (HasTls(probe.type) && probe.tls.verify && !is_named) {
      add("without a name (sni, verify_name or host) only the certificate's chain and dates are "
          "verified");
    }
  }
  std::ranges::stable_sort(notes, {}, &std::pair<int, std::string>::first);
  std::vector<std::string> sentences;
  for (auto& [line, sentence] : notes) sentences.push_back(std::move(sentence));
  return sentences;
}

// Everything, with what is wrong among the complaints of file.
Configuration Read(const YamlValue& file, const Machine& machine) {
  Configuration configuration;
  Sections sections;
  if (!file.is_nothing()) ReadMap(file, FileKeys(sections, configuration));

  std::optional<Schedule> defaults = Schedule();
  if (sections.checker) defaults = ReadChecker(*sections.checker, configuration.checker);
  const ProbeSet probes = ReadProbes(sections.probes, file, defaults, machine);
  Services services;
  if (sections.services) services = ReadServices(*sections.services, probes, machine);
  CheckMarks(probes, services.rules);

  configuration.checker.default_tcp = probes.by_name.find("tcp")->second.prepared;
  configuration.checker.default_icmp = probes.by_name.find("icmp")->second.prepared;
  configuration.checker.services = std::move(services.rules);
  configuration.notes = NotesOf(probes, services.used_probes);
  return configuration;
}

void AppendBelow(const std::string& prefix, const std::vector<std::string>& paths,
                 std::vector<std::string>& into) {
  for (const std::string& path : paths) into.push_back(prefix + path);
}

}  // namespace

Result<Configuration> ReadConfiguration(const std::string& path, const Machine& machine) {
  const Result<std::string> text = ReadFile(path, kMaxFileSize);
  if (!text.ok()) return text.error();
  return ParseConfiguration(text.value(), path, machine);
}

Result<Configuration> ParseConfiguration(const std::string& text, const std::string& name,
                                         const Machine& machine) {
  const Result<YamlNode> tree = ParseYaml(text, name);
  if (!tree.ok()) return tree.error();
  Complaints complaints(name);
  Configuration configuration = Read(YamlValue(tree.value(), complaints), machine);
  if (complaints.first()) return *complaints.first();
  return configuration;
}

std::vector<std::string> ConfigurationKeys() {
  Sections sections;
  Configuration configuration;
  Schedule defaults;
  std::vector<std::string> keys = PathsOf(FileKeys(sections, configuration));
  AppendBelow("checker.", PathsOf(CheckerKeys(configuration.checker, defaults)), keys);
  AppendBelow("probes.*.", ProbeKeyPaths(), keys);
  AppendBelow("services.", ServiceKeyPaths(), keys);
  return keys;
}

}  // namespace lvs
