// The section services of the configuration file.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "collectors/checker/configuration.h"
#include "exporter/configuration/configuration.h"
#include "exporter/configuration/probe_section.h"
#include "exporter/configuration/yaml_reader.h"

namespace lvs {

struct Services {
  std::vector<checker::ServiceRule> rules;
  std::set<std::string> used_probes;  // names
};

// Complains of what is wrong; the rules are whole only without a complaint.
Services ReadServices(const YamlValue& section, const ProbeSet& probes, const Machine& machine);

// The keys that a service may have, as their paths.
std::vector<std::string> ServiceKeyPaths();

}  // namespace lvs
