// The sections checker.defaults and probes of the configuration file.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "collectors/checker/configuration.h"
#include "exporter/configuration/configuration.h"
#include "exporter/configuration/yaml_reader.h"

namespace lvs {

// Schedule and thresholds as far as they are given; what is absent follows from the others.
struct Schedule {
  std::optional<std::chrono::milliseconds> interval;
  std::optional<std::chrono::milliseconds> timeout;
  std::optional<std::chrono::milliseconds> connect_timeout;
  std::optional<std::chrono::milliseconds> fast_interval;
  std::optional<std::chrono::milliseconds> down_interval;
  std::optional<std::chrono::milliseconds> stale_after;
  std::optional<unsigned> fall;
  std::optional<unsigned> rise;
  std::optional<unsigned> initial_fall;
  std::optional<unsigned> initial_rise;
  std::optional<unsigned> jitter;
};

Keys ScheduleKeys(Schedule& schedule);

// Complains where values contradict each other, such as a timeout that is longer than the interval.
// value: the map that gave the last of them.
void CheckSchedule(const YamlValue& value, const Schedule& schedule);

// A probe that rules may name.
struct NamedProbe {
  probes::Probe probe;
  checker::ProbePointer prepared;  // null: something is wrong with it, which was complained of
  std::optional<YamlValue> value;  // absent: built in
};

struct ProbeSet {
  std::map<std::string, NamedProbe, std::less<>> by_name;
  bool is_complete = true;  // false: the section could not be read, so there may be more
};

// The probes of the section and the built-in ones, tcp and icmp, that it does not redefine.
// section: absent when the file has none. place: to complain of what has no place of its own.
// defaults: absent when they are wrong.
ProbeSet ReadProbes(const std::optional<YamlValue>& section, const YamlValue& place,
                    const std::optional<Schedule>& defaults, const Machine& machine);

// The keys that a probe may have, as their paths.
std::vector<std::string> ProbeKeyPaths();

}  // namespace lvs
