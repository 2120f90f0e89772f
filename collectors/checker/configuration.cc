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
  probe.gating = type != probes::ProbeType::kIcmp;  // a lone icmp gates all the same
  auto prepared = probes::PreparedProbe::Prepare(std::move(probe));
  assert(prepared.ok() && "needs no file and no pattern");
  return prepared.value();
}

}  // namespace

std::vector<ipvs::ServiceKey> DeclaredKeys(const ServiceMatch& match) {
  ipvs::ServiceKey key;
  if (match.mark) {
    key.protocol = ipvs::Protocol::kFwmark;
    key.fwmark = *match.mark;
    key.address.family = match.family.value_or(AddressFamily::kIpv4);
    std::vector<ipvs::ServiceKey> keys = {key};
    if (!match.family) {
      key.address.family = AddressFamily::kIpv6;
      keys.push_back(key);
    }
    return keys;
  }
  if (!match.address || !match.port || !match.protocol) return {};
  key.address = *match.address;
  key.port = *match.port;
  key.protocol = *match.protocol;
  return {key};
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
