// Packet marks: what sets them, and who waits for them.

#include <algorithm>
#include <cstdio>
#include <map>

#include "collectors/audit/checks.h"
#include "collectors/audit/look.h"
#include "collectors/audit/report.h"

namespace lvs::audit {
namespace {

using netfilter::MarkRule;
using netfilter::MarkRules;

// "mark 0000000A ipv4".
std::string SubjectOf(std::uint32_t mark, AddressFamily family) {
  ipvs::ServiceKey key;
  key.protocol = ipvs::Protocol::kFwmark;
  key.fwmark = mark;
  key.address.family = family;
  return ToString(key);
}

bool IsMark(const ipvs::Service& service) {
  return service.key.protocol == ipvs::Protocol::kFwmark;
}

// The address a rule is for, when it is a single host.
const Address* HostOf(const MarkRule& rule) {
  if (!rule.destination) return nullptr;
  const unsigned whole = rule.family == AddressFamily::kIpv4 ? 32 : 128;
  return rule.destination->prefix_length == whole ? &rule.destination->address : nullptr;
}

std::optional<bool> IsLocal(const Facts& facts, const Address& address) {
  const auto found = facts.is_local.find(address);
  return found == facts.is_local.end() ? std::nullopt : std::optional(found->second);
}

// Whether a rule is about IPVS: its packets go to an address of this host, or of a service. Marks
// are used for other things, too.
bool ConcernsIpvs(const Facts& facts, const MarkRule& rule) {
  const Address* const host = HostOf(rule);
  if (host == nullptr || rule.hook == netfilter::Hook::kOutput) return false;
  if (IsLocal(facts, *host).value_or(false)) return true;
  return std::ranges::any_of(facts.table->services, [&](const ipvs::Service& service) {
    return !IsMark(service) && service.key.address == *host;
  });
}

bool HasServiceFor(const Facts& facts, const MarkRule& rule) {
  return std::ranges::any_of(facts.table->services, [&](const ipvs::Service& service) {
    return IsMark(service) && service.key.address.family == rule.family &&
           Feeds(rule, service.key.fwmark);
  });
}

// A pair's director is meant to have the VIPs; absent where that cannot be told.
std::optional<bool> ShouldHaveVips(const Facts& facts) {
  if (!facts.director) return std::nullopt;
  const director::Snapshot& director = *facts.director;
  const bool has_other_roles =
      std::ranges::any_of(director.instances, [](const director::VrrpInstance& instance) {
        return instance.state != director::VrrpState::kMaster;
      });
  if (director.conclusion.role == director::Role::kUnknown) return std::nullopt;
  if (director.conclusion.role != director::Role::kMaster) return false;
  // Master of one instance and not of another: whose VIPs are whose is not known.
  if (director.conclusion.evidence == director::Evidence::kVrrp && has_other_roles) {
    return std::nullopt;
  }
  return true;
}

void LookForLocalVip(const Facts& facts, const std::string& subject, const Address& vip,
                     bool should_be, Notebook& notebook) {
  const std::optional<bool> is_local = IsLocal(facts, vip);
  if (!should_be) return notebook.AddUnknown(subject);
  notebook.AddIf(subject, is_local, !is_local.value_or(true));
}

}  // namespace

bool Feeds(const MarkRule& rule, std::uint32_t mark) {
  return (mark & rule.mask) == (rule.mark & rule.mask);
}

std::vector<Address> FedAddresses(const Report& report, const ipvs::ServiceKey& service) {
  std::vector<Address> addresses;
  for (const MarkRule& rule : report.mark_rules) {
    const Address* const host = HostOf(rule);
    if (host == nullptr || rule.family != service.address.family) continue;
    if (rule.hook == netfilter::Hook::kOutput || !Feeds(rule, service.fwmark)) continue;
    if (std::ranges::find(addresses, *host) == addresses.end()) addresses.push_back(*host);
  }
  return addresses;
}

void LookAtMarkServices(const Facts& facts, Notebook& notebook) {
  for (const ipvs::Service& service : facts.table->services) {
    if (!IsMark(service)) continue;
    const AddressFamily family = service.key.address.family;
    const std::optional<MarkRules>& rules = facts.mark_rules[Position(family)];
    const std::string subject = SubjectOf(service.key.fwmark, family);
    const bool is_fed = rules && std::ranges::any_of(rules->rules, [&](const MarkRule& rule) {
                          return rule.family == family && rule.hook != netfilter::Hook::kOutput &&
                                 Feeds(rule, service.key.fwmark);
                        });
    const bool is_clear = rules && (is_fed || rules->unclear.empty());
    is_clear ? notebook.Add(subject, !is_fed) : notebook.AddUnknown(subject);
  }
}

void LookAtMarkRules(const Facts& facts, Notebook& notebook) {
  std::map<std::string, bool> failed;  // by subject: whether any rule of the mark leads nowhere
  for (const std::optional<MarkRules>& rules : facts.mark_rules) {
    if (!rules) continue;
    for (const MarkRule& rule : rules->rules) {
      if (rule.mark == 0 || !ConcernsIpvs(facts, rule)) continue;
      failed[SubjectOf(rule.mark, rule.family)] |= !HasServiceFor(facts, rule);
    }
  }
  for (const auto& [subject, has_failed] : failed) notebook.Add(subject, has_failed);
}

void LookForLocalVips(const Facts& facts, Notebook& notebook) {
  const std::optional<bool> should_have = ShouldHaveVips(facts);
  if (should_have && !*should_have) return;
  for (const ipvs::Service& service : facts.table->services) {
    if (!IsMark(service)) {
      LookForLocalVip(facts, ToString(service.key), service.key.address, should_have.has_value(),
                      notebook);
      continue;
    }
    const AddressFamily family = service.key.address.family;
    const std::optional<MarkRules>& rules = facts.mark_rules[Position(family)];
    const std::string subject = SubjectOf(service.key.fwmark, family);
    if (!rules) notebook.AddUnknown(subject);
    for (const MarkRule& rule : rules ? rules->rules : std::vector<MarkRule>()) {
      const Address* const host = HostOf(rule);
      if (host == nullptr || rule.family != family || !Feeds(rule, service.key.fwmark)) continue;
      if (rule.hook == netfilter::Hook::kOutput) continue;
      LookForLocalVip(facts, subject + " to " + ToString(*host), *host, should_have.has_value(),
                      notebook);
    }
  }
}

}  // namespace lvs::audit
