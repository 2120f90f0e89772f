// The configuration file, read strictly: what it says is taken as a whole, or refused with one
// sentence that names file, line, key, what was expected and what was found.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "collectors/audit/configuration.h"
#include "collectors/checker/configuration.h"
#include "collectors/director/configuration.h"
#include "collectors/probes/prepared.h"
#include "collectors/realserver/configuration.h"
#include "collectors/result.h"
#include "exporter/configuration/host.h"

namespace lvs {

// The whole file, checked, with everything it names loaded (CA bundles, keys, patterns).
struct Configuration {
  checker::Configuration checker;
  director::Configuration director;
  audit::Configuration audit;
  realserver::Configuration realserver;
  // What is right but worth saying once, such as a TLS probe without any name: one sentence each,
  // with its place.
  std::vector<std::string> notes;
};

// What reading asks of the machine it runs on. Tests and the fuzz target bring their own.
struct Machine {
  // Loads what a probe names. Errors as PreparedProbe::Prepare.
  std::function<Result<checker::ProbePointer>(probes::Probe)> prepare =
      probes::PreparedProbe::Prepare;
  // Looks up the name of a host. Errors as ResolveHost.
  std::function<Result<Address>(const std::string&, std::optional<AddressFamily>)> resolve =
      ResolveHost;
};

// The file at path. Paths in it that do not begin with / are below its folder. May wait for the
// network when it names hosts. Errors: kInvalidInput ("FILE:LINE: KEY: sentence"); of the file
// itself those of ReadFile (4 MiB at most).
Result<Configuration> ReadConfiguration(const std::string& path, const Machine& machine = {});

// The same for its text. name: what errors call the file, and from where its paths begin.
Result<Configuration> ParseConfiguration(const std::string& text, const std::string& name,
                                         const Machine& machine = {});

// Every key that a file may have, as its path with * for the name of a probe and without the
// positions of lists: "probes.*.http.path", "services.backends.port".
std::vector<std::string> ConfigurationKeys();

}  // namespace lvs
