#include "exporter/configuration/service_section.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "collectors/ipvs/table.h"
#include "collectors/utf8.h"
#include "exporter/configuration/host.h"
#include "exporter/configuration/network_readers.h"

namespace lvs {
namespace {

using checker::ExpectedBackend;
using checker::ServiceMatch;
using checker::ServiceRule;
using ipvs::Protocol;

// What a service holds before names become probes and addresses.
struct BackendDraft {
  std::optional<YamlValue> place;
  ExpectedBackend backend;
  std::optional<YamlValue> address;
  std::optional<YamlValue> probes;
};
struct Draft {
  ServiceRule rule;
  std::optional<YamlValue> probes;
  std::vector<BackendDraft> backends;
};

bool IsServiceName(std::string_view text) {
  return text.size() <= 128 && IsValidUtf8(text) &&
         std::ranges::all_of(text, [](unsigned char c) { return c >= ' ' && c != 0x7f; });
}

Keys MatchKeys(ServiceMatch& match) {
  return {{"address", AddressInto(match.address)},
          {"port", WholeInto(match.port, 0, 65535)},
          {"proto", NameInto(match.protocol,
                             {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp, Protocol::kFwmark})},
          {"mark", MarkInto(match.mark)},
          {"family", NameInto(match.family, {AddressFamily::kIpv4, AddressFamily::kIpv6})}};
}

void CheckMatch(const YamlValue& value, const ServiceMatch& match) {
  const bool is_mark = match.mark || match.protocol == Protocol::kFwmark;
  for (const std::string_view key : {"address", "port"}) {
    const auto at = value.At(key);
    if (is_mark && at) at->Refuse("not together with a mark, whose services have none");
  }
  if (match.mark && match.protocol && *match.protocol != Protocol::kFwmark) {
    value.At("proto")->Refuse("not together with a mark, whose services are FWM");
  }
  if (match.address && match.family && match.address->family != *match.family) {
    value.At("family")->Refuse("not the family of the address");
  }
}

void ReadMacs(ExpectedBackend& backend, const YamlValue& value) {
  const auto items = value.ListOrOne();
  if (!items) return;
  for (const YamlValue& item : *items) {
    const std::string what = "a hardware address such as 02:00:5e:10:00:01";
    const auto text = item.Text(what);
    if (!text) continue;
    if (const auto mac = ParseMac(*text)) {
      backend.accept_macs.push_back(*mac);
    } else {
      item.Expected(what);
    }
  }
}

// For what can only be read when the rest is known.
Reader LaterInto(std::optional<YamlValue>& into) {
  return [&into](const YamlValue& value) { into = value; };
}

Keys BackendKeys(BackendDraft& draft) {
  ExpectedBackend& backend = draft.backend;
  using checker::Role;
  return {{"address", LaterInto(draft.address)},
          {"port", WholeInto(backend.port, 1, 65535)},
          {"weight", WholeInto(backend.weight, 0, 2'147'483'647)},  // an int in the kernel
          {"role", NameInto(backend.role, {Role::kReal, Role::kBackup, Role::kSorry})},
          {"maintenance", SwitchInto(backend.maintenance)},
          {"accept_macs", [&](const YamlValue& value) { ReadMacs(backend, value); }},
          {"probes", LaterInto(draft.probes)}};
}

void ReadBackends(Draft& draft, const YamlValue& value) {
  const auto items = value.List();
  if (!items) return;
  draft.backends.reserve(items->size());
  for (const YamlValue& item : *items) {
    BackendDraft& backend = draft.backends.emplace_back(BackendDraft{item, {}, {}, {}});
    ReadMap(item, BackendKeys(backend));
    if (!backend.address) item.Refuse("expected an address, found none");
  }
}

Keys ServiceKeys(Draft& draft) {
  constexpr std::uint64_t kMostWeight = 1'000'000'000'000;
  ServiceRule& rule = draft.rule;
  return {Section("match", MatchKeys(rule.match)),
          {"name", TextInto(rule.name, "a name of at most 128 bytes without control characters",
                            IsServiceName)},
          {"vip", AddressesInto(rule.vips)},
          {"probes", LaterInto(draft.probes)},
          {"quorum", WholeInto(rule.quorum.quorum, 1, kMostWeight)},
          {"hysteresis", WholeInto(rule.quorum.hysteresis, 0, kMostWeight)},
          {"backends", [&](const YamlValue& value) { ReadBackends(draft, value); }}};
}

// Reads one service after the other and remembers what must not come twice.
class ServiceReader {
 public:
  ServiceReader(const ProbeSet& probes, const Machine& machine)
      : probes_(probes), machine_(machine) {}

  void Read(const YamlValue& value) {
    const std::size_t complaints = value.complaints().count();
    Draft draft;
    ReadMap(value, ServiceKeys(draft));
    const auto match = value.At("match");
    if (!match) value.Refuse("expected a match ({} is every service), found none");
    if (value.complaints().count() != complaints) return;

    CheckMatch(*match, draft.rule.match);
    CheckDeclaredOnce(*match, draft.rule.match);
    CheckRest(value, draft.rule);
    if (draft.probes) draft.rule.probes = ReadProbeNames(*draft.probes, draft.rule);
    FinishBackends(draft);
    services_.rules.push_back(std::move(draft.rule));
  }

  Services Take() { return std::move(services_); }

 private:
  static void CheckRest(const YamlValue& value, const ServiceRule& rule) {
    if (rule.quorum.hysteresis >= rule.quorum.quorum) {
      const auto at = value.At("hysteresis");
      (at ? *at : value)
          .Refuse("expected less than the quorum, which is " + std::to_string(rule.quorum.quorum) +
                  ", found " + std::to_string(rule.quorum.hysteresis));
    }
    const auto vip = value.At("vip");
    if (!vip) return;
    if (!rule.match.mark) vip->Refuse("only for a service whose match names a mark");
    for (const Address& address : rule.vips) {
      if (rule.match.family && address.family != *rule.match.family) {
        vip->Refuse("not of the family that the match names");
      }
    }
  }

  // Two rules for one service: the second would never be used.
  void CheckDeclaredOnce(const YamlValue& value, const ServiceMatch& match) {
    const std::vector<ipvs::ServiceKey> keys = checker::DeclaredKeys(match);
    if (keys.empty()) return;
    const auto before = declared_.find(keys.front());
    if (before != declared_.end()) {
      value.Refuse("the same service as in line " + std::to_string(before->second));
    }
    for (const ipvs::ServiceKey& key : keys) declared_.emplace(key, value.line());
  }

  // Null probes stand for those that something is wrong with.
  std::vector<checker::ProbePointer> ReadProbeNames(const YamlValue& value,
                                                    const ServiceRule& rule) {
    std::vector<checker::ProbePointer> chosen;
    std::set<std::string> seen;
    const auto items = value.List();
    for (const YamlValue& item : items.value_or(std::vector<YamlValue>())) {
      const auto name = item.Text("the name of a probe");
      if (!name) continue;
      if (!seen.insert(*name).second) item.Refuse("given twice");
      const auto probe = probes_.by_name.find(*name);
      if (probe == probes_.by_name.end()) {
        RefuseUnknown(item, *name);
        continue;
      }
      services_.used_probes.insert(*name);
      CheckDr(item, probe->second, rule);
      chosen.push_back(probe->second.prepared);
    }
    return chosen;
  }

  void RefuseUnknown(const YamlValue& value, const std::string& name) const {
    if (!probes_.is_complete) return;
    std::vector<std::string_view> names;
    // Only for what will be said: many wrong names and many probes would take minutes.
    if (value.IsFirstComplaint()) {
      for (const auto& [known, probe] : probes_.by_name) names.push_back(known);
    }
    value.Refuse("no probe has the name `" + Shown(name) + "`" + Suggestion(name, names));
  }

  // A dr probe asks at the service's own address and port, which a mark service does not have.
  static void CheckDr(const YamlValue& value, const NamedProbe& named, const ServiceRule& rule) {
    if (named.probe.type != probes::ProbeType::kDr) return;
    const bool is_mark = rule.match.mark || rule.match.protocol == Protocol::kFwmark;
    const bool needs_port = is_mark || rule.match.port == 0;
    std::vector<std::string_view> missing;
    if (is_mark && !rule.match.mark) missing.push_back("the mark in the match");
    if (is_mark && rule.vips.empty()) missing.push_back("the vip of the service");
    if (needs_port && !named.probe.port) missing.push_back("the port of the probe");
    if (missing.empty()) return;
    std::string sentence = "the dr probe " + named.probe.name + " cannot be run here without ";
    for (std::size_t i = 0; i < missing.size(); ++i) {
      sentence.append(i == 0 ? "" : " and ").append(missing[i]);
    }
    value.Refuse(sentence);
  }

  void FinishBackends(Draft& draft) {
    const ServiceMatch& match = draft.rule.match;
    const auto family = match.address ? std::optional(match.address->family) : match.family;
    std::map<ipvs::BackendKey, int> lines;
    for (BackendDraft& backend : draft.backends) {
      if (backend.probes) backend.backend.probes = ReadProbeNames(*backend.probes, draft.rule);
      const auto address = ReadHost(*backend.address, family, machine_.resolve);
      if (!address) continue;
      backend.backend.address = *address;
      CheckBackendOnce(backend, match, lines);
      draft.rule.backends.push_back(std::move(backend.backend));
    }
  }

  // lines: of the backends so far; port 0 stands for the port of the service, whichever that is.
  static void CheckBackendOnce(const BackendDraft& draft, const ServiceMatch& match,
                               std::map<ipvs::BackendKey, int>& lines) {
    const Address& address = draft.backend.address;
    const std::uint16_t port = draft.backend.port.value_or(match.port.value_or(0));
    const auto [before, is_new] =
        lines.emplace(ipvs::BackendKey{address, port}, draft.place->line());
    if (!is_new) {
      draft.place->Refuse("the same address and port as the backend in line " +
                          std::to_string(before->second));
    }
    const bool is_mark = match.mark || match.protocol == Protocol::kFwmark;
    if (is_mark || match.port) return;
    const auto same = lines.lower_bound(ipvs::BackendKey{address, 0});
    const auto next = std::next(same);
    if (same->first.port != 0 || next == lines.end() || next->first.address != address) return;
    draft.place->Refuse("the same address as the backend in line " +
                        std::to_string(std::min(same->second, next->second)) +
                        ", one with a port and one without: where the service has that port they "
                        "would be one");
  }

  const ProbeSet& probes_;
  const Machine& machine_;
  Services services_;
  std::map<ipvs::ServiceKey, int> declared_;  // with its line
};

}  // namespace

Services ReadServices(const YamlValue& section, const ProbeSet& probes, const Machine& machine) {
  ServiceReader reader(probes, machine);
  const auto items = section.List();
  for (const YamlValue& item : items.value_or(std::vector<YamlValue>())) reader.Read(item);
  return reader.Take();
}

std::vector<std::string> ServiceKeyPaths() {
  Draft draft;
  BackendDraft backend;
  std::vector<std::string> paths = PathsOf(ServiceKeys(draft));
  for (const std::string& path : PathsOf(BackendKeys(backend))) paths.push_back("backends." + path);
  return paths;
}

}  // namespace lvs
