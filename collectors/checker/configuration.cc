#include "collectors/checker/configuration.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace lvs::checker {
namespace {

bool Matches(const ServiceMatch& match, const ipvs::ServiceKey& key) {
  const bool is_mark = key.protocol == ipvs::Protocol::kFwmark;
  if (match.mark && (!is_mark || *match.mark != key.fwmark)) return false;
  if (match.family && *match.family != key.address.family) return false;
  if (match.protocol && *match.protocol != key.protocol) return false;
  if (match.address && (is_mark || *match.address != key.address)) return false;
  return !match.port || (!is_mark && *match.port == key.port);
}

ProbePointer PrepareDefault(std::string name, probes::ProbeType type) {
  probes::Probe probe;
  probe.name = std::move(name);
  probe.type = type;
  auto prepared = probes::PreparedProbe::Prepare(std::move(probe));
  assert(prepared.ok() && "needs no file and no pattern");
  return prepared.value();
}

}  // namespace

bool ServiceMatch::NamesOneService() const {
  return mark.has_value() || (address && port && protocol);
}

Configuration Configuration::Default() {
  Configuration configuration;
  configuration.default_tcp = PrepareDefault("tcp", probes::ProbeType::kTcp);
  configuration.default_icmp = PrepareDefault("icmp", probes::ProbeType::kIcmp);
  return configuration;
}

const ServiceRule* RuleFor(const Configuration& configuration, const ipvs::ServiceKey& key) {
  const auto rule = std::ranges::find_if(
      configuration.services, [&](const ServiceRule& r) { return Matches(r.match, key); });
  return rule == configuration.services.end() ? nullptr : &*rule;
}

}  // namespace lvs::checker
