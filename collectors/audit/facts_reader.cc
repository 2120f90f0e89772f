#include "collectors/audit/facts_reader.h"

#include <sys/utsname.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "collectors/audit/checks.h"

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
                         const std::vector<route::Interface>& all,
                         const route::NetworkSettings& settings) {
  HostInterface host;
  host.name = interface.name;
  host.index = interface.index;
  host.is_silent = route::IsSilent(interface);
  host.is_tunnel = route::IsTunnel(interface);
  host.speaks_arp = route::SpeaksArp(interface, all);
  host.arp_ignore = IfOk(settings.Effective("arp_ignore", interface.name));
  host.arp_announce = IfOk(settings.Effective("arp_announce", interface.name));
  host.rp_filter = IfOk(settings.Effective("rp_filter", interface.name));
  host.send_redirects = IfOk(settings.Effective("send_redirects", interface.name));
  return host;
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

std::vector<Address> AddressesToLookUp(const Facts& facts) {
  std::vector<Address> addresses;
  std::set<Address> seen;
  const auto add = [&](const Address& address) {
    if (!facts.is_local.contains(address) && seen.insert(address).second) {
      addresses.push_back(address);
    }
  };
  for (const ipvs::Service& service : facts.table->services) {
    if (service.key.protocol != ipvs::Protocol::kFwmark) add(service.key.address);
  }
  for (const auto& rules : facts.mark_rules) {
    if (!rules) continue;
    for (const netfilter::MarkRule& rule : rules->rules) {
      if (rule.destination) add(rule.destination->address);
    }
  }
  for (const ipvs::Service& service : facts.table->services) {
    for (const ipvs::Backend& backend : service.backends) {
      if (backend.forward == ipvs::ForwardMethod::kMasquerade) add(backend.key.address);
    }
  }
  return addresses;
}

void Ways::Update(const std::vector<Address>& wanted, std::size_t most,
                  const std::function<Way(const Address&)>& ask) {
  std::map<Address, Asked> asked;
  std::vector<std::pair<const Address, Asked>*> to_ask;
  for (const Address& address : wanted) {
    const auto before = asked_.find(address);
    const Asked known = before == asked_.end() ? Asked() : before->second;
    to_ask.push_back(&*asked.emplace(address, known).first);
  }
  std::ranges::stable_sort(to_ask, {}, [](const auto* entry) { return entry->second.look; });
  if (to_ask.size() > most) to_ask.resize(most);
  ++look_;
  for (auto* const entry : to_ask) entry->second = {ask(entry->first), look_};
  asked_ = std::move(asked);
}

std::map<Address, Way> Ways::known() const {
  std::map<Address, Way> known;
  for (const auto& [address, asked] : asked_) {
    if (asked.look > 0) known.emplace(address, asked.way);
  }
  return known;
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
    HostInterface& host = hosts.emplace_back(SettingsOf(interface, interfaces.value(), settings));
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

Way FactsReader::Ask(const Address& address, std::uint32_t mark) {
  const Result<route::Route> route = routes_.Lookup(address, mark);
  if (route.ok()) return {route.value().local, route.value().interface};
  if (route.error().code == ErrorCode::kNotFound) return {false, std::nullopt};
  return {};
}

void FactsReader::LookUpAddresses(Facts& facts) {
  for (const HostInterface& interface : facts.interfaces.value_or(std::vector<HostInterface>())) {
    for (const Address& own : interface.addresses) facts.is_local[own] = true;
  }
  ways_.Update(AddressesToLookUp(facts), kMostLookups,
               [this](const Address& address) { return Ask(address, 0); });
  for (const auto& [address, way] : ways_.known()) {
    if (way.is_local) facts.is_local[address] = *way.is_local;
    if (way.out) facts.way_out[address] = *way.out;
  }
}

// A director needs no VIP where marked packets are routed to it.
void FactsReader::LookUpWithMarks(Facts& facts) {
  std::size_t left = kMostLookups;
  for (const auto& [key, addresses] : FedAddresses(facts)) {
    for (const Address& address : addresses) {
      const auto local = facts.is_local.find(address);
      if (local == facts.is_local.end() || local->second) continue;
      if (left-- == 0) return;
      const std::uint32_t mark = key.second;
      if (Ask(address, mark).is_local.value_or(false)) facts.local_by_mark.emplace(address, mark);
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
  LookUpWithMarks(facts);
  return facts;
}

}  // namespace lvs::audit
