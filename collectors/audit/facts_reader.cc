#include "collectors/audit/facts_reader.h"

#include <sys/utsname.h>

#include <algorithm>
#include <charconv>
#include <set>

namespace lvs::audit {
namespace {

template <class T>
std::optional<T> IfOk(Result<T> result) {
  if (!result.ok()) return std::nullopt;
  return std::move(result.value());
}

void Note(std::optional<Error>& error, const Error& next) {
  if (!error) error = Error{next.code, "audit: " + next.message};
}

std::optional<std::pair<int, int>> ReadKernelVersion() {
  utsname names{};
  if (uname(&names) != 0) return std::nullopt;
  return ParseKernelVersion(names.release);
}

// send_redirects holds when it is on for all or for the interface (IN_DEV_ORCONF in
// linux/inetdevice.h), which for 0 and 1 is the greater of the two.
HostInterface SettingsOf(const route::Interface& interface,
                         const route::NetworkSettings& settings) {
  HostInterface host;
  host.name = interface.name;
  host.index = interface.index;
  host.is_silent = route::IsSilent(interface);
  host.is_tunnel = route::IsTunnel(interface);
  host.arp_ignore = IfOk(settings.Effective("arp_ignore", interface.name));
  host.arp_announce = IfOk(settings.Effective("arp_announce", interface.name));
  host.rp_filter = IfOk(settings.Effective("rp_filter", interface.name));
  host.send_redirects = IfOk(settings.Effective("send_redirects", interface.name));
  return host;
}

// Addresses to look up: of services, masqueraded backends and mark rules.
std::set<Address> AddressesOf(const Facts& facts) {
  std::set<Address> addresses;
  for (const ipvs::Service& service : facts.table->services) {
    if (service.key.protocol != ipvs::Protocol::kFwmark) addresses.insert(service.key.address);
    for (const ipvs::Backend& backend : service.backends) {
      if (backend.forward == ipvs::ForwardMethod::kMasquerade)
        addresses.insert(backend.key.address);
    }
  }
  for (const auto& rules : facts.mark_rules) {
    if (!rules) continue;
    for (const netfilter::MarkRule& rule : rules->rules) {
      if (rule.destination) addresses.insert(rule.destination->address);
    }
  }
  return addresses;
}

}  // namespace

std::optional<std::pair<int, int>> ParseKernelVersion(const std::string& release) {
  std::pair<int, int> version;
  const char* const end = release.data() + release.size();
  const auto major = std::from_chars(release.data(), end, version.first);
  if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return std::nullopt;
  const auto minor = std::from_chars(major.ptr + 1, end, version.second);
  if (minor.ec != std::errc()) return std::nullopt;
  return version;
}

Result<std::vector<HostInterface>> ReadHostInterfaces(route::RouteReader& routes,
                                                      const route::NetworkSettings& settings) {
  const auto interfaces = routes.Interfaces();
  if (!interfaces.ok()) return interfaces.error();
  const auto addresses = routes.Addresses();
  if (!addresses.ok()) return addresses.error();
  std::vector<HostInterface> hosts;
  for (const route::Interface& interface : interfaces.value()) {
    if (!interface.up) continue;
    HostInterface& host = hosts.emplace_back(SettingsOf(interface, settings));
    for (const route::InterfaceAddress& own : addresses.value()) {
      if (own.interface == interface.index) host.addresses.push_back(own.address);
    }
  }
  return hosts;
}

void FactsReader::ReadMarkRules(Facts& facts, std::optional<Error>& error) {
  netfilter::MarkReading rules = rules_.Read();
  for (auto* const of_family : {&rules.ipv4, &rules.ipv6}) {
    if (!of_family->ok()) Note(error, of_family->error());
  }
  facts.mark_rules = {IfOk(std::move(rules.ipv4)), IfOk(std::move(rules.ipv6))};
}

void FactsReader::ReadInterfaces(Facts& facts, std::optional<Error>& error) {
  Result<std::vector<HostInterface>> interfaces = ReadHostInterfaces(routes_, settings_);
  if (!interfaces.ok()) Note(error, interfaces.error());
  facts.interfaces = IfOk(std::move(interfaces));
}

void FactsReader::LookUpAddresses(Facts& facts) {
  for (const HostInterface& interface : facts.interfaces.value_or(std::vector<HostInterface>())) {
    for (const Address& own : interface.addresses) facts.is_local[own] = true;
  }
  std::size_t left = kMostLookups;
  for (const Address& address : AddressesOf(facts)) {
    if (facts.is_local.contains(address)) continue;
    if (left-- == 0) return;
    const Result<route::Route> route = routes_.Lookup(address);
    if (route.ok()) {
      facts.is_local[address] = route.value().local;
      facts.way_out[address] = route.value().interface;
    } else if (route.error().code == ErrorCode::kNotFound) {
      facts.is_local[address] = false;
    }
  }
}

Facts FactsReader::Read(std::shared_ptr<const ipvs::Table> table,
                        std::shared_ptr<const director::Snapshot> director,
                        std::optional<Error>& error) {
  Facts facts;
  facts.table = std::move(table);
  facts.director = std::move(director);
  facts.kernel = ReadKernelVersion();
  facts.forwarding = {IfOk(settings_.Read("ipv4/ip_forward")),
                      IfOk(settings_.Read("ipv6/conf/all/forwarding"))};
  ReadMarkRules(facts, error);
  ReadInterfaces(facts, error);
  LookUpAddresses(facts);
  return facts;
}

}  // namespace lvs::audit
