// Feeds text to the reader of the configuration file, on a machine without files and names.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "exporter/configuration/configuration.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using lvs::Error;
  using lvs::ErrorCode;
  lvs::Machine machine;
  machine.prepare = [](lvs::probes::Probe probe) -> lvs::Result<lvs::checker::ProbePointer> {
    if (HasTls(probe.type)) return Error{ErrorCode::kInvalidInput, "tls.ca_file: not readable"};
    return lvs::probes::PreparedProbe::Prepare(std::move(probe));
  };
  machine.resolve = [](const std::string& name,
                       std::optional<lvs::AddressFamily>) -> lvs::Result<lvs::Address> {
    return Error{ErrorCode::kInvalidInput, name + ": not known"};
  };
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto read = lvs::ParseConfiguration(text, "fuzz.yml", machine);
  if (!read.ok()) {
    const std::string& sentence = read.error().message;
    if (!sentence.starts_with("fuzz.yml:") || sentence.find('\n') != sentence.npos) std::abort();
    return 0;
  }
  const lvs::checker::Configuration& checker = read.value().checker;
  if (checker.default_tcp == nullptr || checker.default_icmp == nullptr) std::abort();
  for (const lvs::checker::ServiceRule& rule : checker.services) {
    if (rule.quorum.hysteresis >= rule.quorum.quorum) std::abort();
    for (const auto& probe : rule.probes.value_or(std::vector<lvs::checker::ProbePointer>())) {
      if (probe == nullptr || probe->probe().timeout > probe->probe().interval) std::abort();
    }
  }
  return 0;
}
