#include "collectors/checker/plan.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <set>
#include <utility>

#include "collectors/ipvs/labels.h"
#include "collectors/metric.h"

namespace lvs::checker {
namespace {

std::string LabelsOf(const TargetKey& key, probes::ProbeType type) {
  const std::string values[] = {key.probe, std::string(probes::Name(type)),
                                lvs::ToString(key.address), std::to_string(key.port),
                                key.via ? lvs::ToString(*key.via) : ""};
  std::string text;
  for (std::size_t i = 0; i < std::size(values); ++i) AppendLabel(text, kProbeLabels[i], values[i]);
  return text;
}

// Builds one plan. Lives as long as the call of MakePlan that owns it.
class Builder {
 public:
  Builder(std::shared_ptr<const Configuration> configuration, const Plan* previous,
          std::span<const Verdict> verdicts, Clock::time_point now)
      : plan_(std::make_shared<Plan>()), verdicts_(verdicts), now_(now) {
    assert((verdicts.empty() || verdicts.size() == previous->backends.size()) &&
           "the verdicts are of the plan before");
    plan_->configuration = std::move(configuration);
    if (previous == nullptr) return;
    for (std::uint32_t i = 0; i < previous->services.size(); ++i) {
      before_.emplace(previous->services[i].key, i);
    }
    previous_ = previous;
  }

  void AddFromTable(const ipvs::Table& table) {
    for (const ipvs::Service& service : table.services) {
      if (service.key.protocol == ipvs::Protocol::kFwmark) marks_.insert(service.key);
    }
    for (const ipvs::Service* service : InOrder(table)) Add(service->key, service);
  }

  // The services that rules name and the table does not have. Of the two that a mark without a
  // family names, one is enough, and the family is that of its servers.
  void AddDeclared() {
    for (const ServiceRule& rule : plan_->configuration->services) {
      std::vector<ipvs::ServiceKey> keys = DeclaredKeys(rule.match);
      if (keys.empty()) continue;
      const ipvs::ServiceKey first = keys.front();
      std::erase_if(keys, [&](const auto& key) { return RuleFor(configuration(), key) != &rule; });
      if (keys.empty()) {
        plan_->notes.push_back("the rule for " + ipvs::ToString(first) +
                               " is never used: one before it matches the service");
        continue;
      }
      if (std::ranges::any_of(keys, [&](const auto& key) { return added_.contains(key); }))
        continue;
      if (!rule.backends.empty()) {
        std::erase_if(keys, [&](const ipvs::ServiceKey& key) {
          return key.address.family != rule.backends.front().address.family && keys.size() > 1;
        });
      }
      Add(keys.front(), nullptr);
    }
  }

  std::shared_ptr<const Plan> Finish(bool table_known) {
    plan_->table_known = table_known;
    LinkUsers();
    return std::move(plan_);
  }

 private:
  const Configuration& configuration() const { return *plan_->configuration; }

  void Add(const ipvs::ServiceKey& key, const ipvs::Service* in_table) {
    const ServiceRule* rule = RuleFor(configuration(), key);
    PlannedService service;
    service.key = key;
    service.name = rule != nullptr && !rule->name.empty() ? rule->name : ipvs::ToString(key);
    service.labels = ipvs::ServiceLabelText(key);
    service.in_table = in_table != nullptr;
    if (key.protocol != ipvs::Protocol::kFwmark) {
      service.vips = {key.address};
    } else if (rule != nullptr) {
      std::ranges::copy_if(rule->vips, std::back_inserter(service.vips),
                           [&](const Address& vip) { return vip.family == key.address.family; });
    }
    if (rule != nullptr) service.quorum = rule->quorum;
    service.first_backend = static_cast<std::uint32_t>(plan_->backends.size());
    plan_->services.push_back(std::move(service));
    added_.insert(key);

    if (in_table != nullptr) AddKernelBackends(*in_table, rule);
    if (rule != nullptr) AddExpectedBackends(*rule);
    AddRetainedBackends(rule);
    PlannedService& added = plan_->services.back();
    added.backend_count = static_cast<std::uint32_t>(plan_->backends.size() - added.first_backend);
  }

  void AddKernelBackends(const ipvs::Service& service, const ServiceRule* rule) {
    for (const ipvs::Backend& backend : service.backends) {
      PlannedBackend& planned = NewBackend(backend.key);
      planned.in_table = true;
      planned.weight = backend.weight;
      planned.forward = backend.forward;
      Complete(planned, rule);
    }
  }

  void AddExpectedBackends(const ServiceRule& rule) {
    for (const ExpectedBackend& expected : rule.backends) {
      const ipvs::BackendKey key = KeyOf(expected);
      // A mark without a family names two services; the other family's servers are not ours.
      const bool any_family = rule.match.mark && !rule.match.family;
      const bool is_ours = key.address.family == plan_->services.back().key.address.family;
      if ((any_family && !is_ours) || IsPlanned(key)) continue;
      PlannedBackend& planned = NewBackend(key);
      TakeAbsence(planned);
      Complete(planned, &rule);
    }
  }

  // What was in the table and is neither there now nor expected.
  void AddRetainedBackends(const ServiceRule* rule) {
    const auto before = before_.find(plan_->services.back().key);
    if (before == before_.end()) return;
    const PlannedService& service = previous_->services[before->second];
    for (std::uint32_t i = 0; i < service.backend_count; ++i) {
      const std::uint32_t position = service.first_backend + i;
      const PlannedBackend& old = previous_->backends[position];
      if (IsPlanned(old.key) || (!old.in_table && !old.absent_since)) continue;
      const Clock::time_point since = old.absent_since.value_or(now_);
      Clock::time_point end = since + configuration().absent_retention;
      if (end <= now_) {
        end = since + kDownRetention;
        if (end <= now_ || !IsKeptDown(position)) continue;
        plan_->kept_down.push_back(static_cast<std::uint32_t>(plan_->backends.size()));
      }
      plan_->next_expiry = std::min(plan_->next_expiry.value_or(end), end);
      PlannedBackend& planned = NewBackend(old.key);
      planned.absent_since = since;
      planned.forward = old.forward;
      Complete(planned, rule);
    }
  }

  // Whether a backend of the plan before, which has been away for absent_retention, is worth more
  // of our time: the alert on it would end although nothing is well. Not to know for a while
  // changes nothing.
  bool IsKeptDown(std::uint32_t position) const {
    const bool retains = configuration().absent_retention > std::chrono::milliseconds::zero();
    if (!retains || verdicts_.empty() || plan_->kept_down.size() == kMostKeptDown) return false;
    const Verdict verdict = verdicts_[position];
    return verdict == Verdict::kDown ||
           (verdict == Verdict::kUnknown &&
            std::ranges::binary_search(previous_->kept_down, position));
  }

  PlannedBackend& NewBackend(const ipvs::BackendKey& key) {
    PlannedBackend backend;
    backend.key = key;
    backend.service = static_cast<std::uint32_t>(plan_->services.size() - 1);
    backend.labels = ipvs::BackendLabelText(plan_->services.back().key, key);
    plan_->backends.push_back(std::move(backend));
    return plan_->backends.back();
  }

  bool IsPlanned(const ipvs::BackendKey& key) const {
    const auto begin =
        plan_->backends.begin() + static_cast<std::ptrdiff_t>(plan_->services.back().first_backend);
    return std::find_if(begin, plan_->backends.end(), [&](const PlannedBackend& b) {
             return b.key == key;
           }) != plan_->backends.end();
  }

  // An expected backend that was in the table before: since when it is missing, and how packets
  // went to it.
  void TakeAbsence(PlannedBackend& backend) const {
    const auto before = before_.find(plan_->services.back().key);
    if (before == before_.end()) return;
    const PlannedService& service = previous_->services[before->second];
    for (std::uint32_t i = 0; i < service.backend_count; ++i) {
      const PlannedBackend& old = previous_->backends[service.first_backend + i];
      if (old.key != backend.key) continue;
      backend.absent_since = old.in_table ? std::optional(now_) : old.absent_since;
      backend.forward = old.forward;
    }
  }

  ipvs::BackendKey KeyOf(const ExpectedBackend& expected) const {
    return {expected.address, expected.port.value_or(plan_->services.back().key.port)};
  }

  // What the rule says about the backend, and its targets.
  void Complete(PlannedBackend& backend, const ServiceRule* rule) {
    const ExpectedBackend* expected = nullptr;
    if (rule != nullptr) {
      for (const ExpectedBackend& candidate : rule->backends) {
        if (KeyOf(candidate) == backend.key) expected = &candidate;
      }
    }
    if (expected != nullptr) {
      backend.expected = true;
      backend.expected_weight = expected->weight;
      backend.role = expected->role;
      backend.maintenance = expected->maintenance;
    }
    AddTargets(backend, rule, expected);
  }

  std::vector<ProbePointer> ProbesFor(const PlannedBackend& backend, const ServiceRule* rule,
                                      const ExpectedBackend* expected) const {
    if (expected != nullptr && expected->probes) return *expected->probes;
    if (rule != nullptr && rule->probes) return *rule->probes;
    const ipvs::ServiceKey& service = plan_->services.back().key;
    const bool has_tcp_port = service.protocol == ipvs::Protocol::kTcp && backend.key.port != 0;
    return {has_tcp_port ? configuration().default_tcp : configuration().default_icmp};
  }

  void AddTargets(PlannedBackend& backend, const ServiceRule* rule,
                  const ExpectedBackend* expected) {
    const std::vector<ProbePointer> all = ProbesFor(backend, rule, expected);
    const std::size_t notes_before = plan_->notes.size();
    for (const ProbePointer& probe : all) {
      if (probe->probe().type == probes::ProbeType::kDr) {
        AddDrTargets(backend, probe, expected);
      } else {
        AddTarget(backend, probe, std::nullopt, expected);
      }
    }
    // An icmp that is the only probe gates: nothing else could.
    if (backend.targets.size() == 1 &&
        plan_->targets[backend.targets[0].target].probe->probe().type == probes::ProbeType::kIcmp) {
      backend.targets[0].gating = true;
    }
    const bool nothing_told = plan_->notes.size() == notes_before;
    if (!all.empty() && nothing_told && std::ranges::none_of(backend.targets, &TargetUse::gating)) {
      plan_->notes.push_back("nothing that is probed counts (gating) for " +
                             ipvs::ToString(backend.key) + " of " + plan_->services.back().name +
                             ": its health stays unknown");
    }
  }

  // How packets would go to a backend. One that has never been in the table is taken for one like
  // the others of its service; where nothing is known of those either, dr was asked for, and it is
  // routed.
  bool IsRouted(const PlannedBackend& backend) const {
    if (backend.forward) return backend.forward == ipvs::ForwardMethod::kRoute;
    const auto planned = std::span(plan_->backends).subspan(plan_->services.back().first_backend);
    if (const auto routed = IsAnyRouted(planned)) return *routed;
    const auto before = before_.find(plan_->services.back().key);
    if (before == before_.end()) return true;
    const PlannedService& service = previous_->services[before->second];
    return IsAnyRouted(
               std::span(previous_->backends).subspan(service.first_backend, service.backend_count))
        .value_or(true);
  }

  // Absent: it is known of none of them.
  static std::optional<bool> IsAnyRouted(std::span<const PlannedBackend> backends) {
    std::optional<bool> routed;
    for (const PlannedBackend& backend : backends) {
      if (!backend.forward) continue;
      routed = routed.value_or(false) || backend.forward == ipvs::ForwardMethod::kRoute;
    }
    return routed;
  }

  void AddDrTargets(PlannedBackend& backend, const ProbePointer& probe,
                    const ExpectedBackend* expected) {
    const PlannedService& service = plan_->services.back();
    if (!IsRouted(backend)) return;  // nothing to prove
    if (service.vips.empty()) {
      Note(backend, *probe, "the addresses of the mark are not configured (vip)");
    }
    for (const Address& vip : service.vips) {
      if (vip.family == backend.key.address.family) AddTarget(backend, probe, vip, expected);
    }
  }

  void AddTarget(PlannedBackend& backend, const ProbePointer& probe, std::optional<Address> via,
                 const ExpectedBackend* expected) {
    const probes::Probe& settings = probe->probe();
    TargetKey key;
    key.probe = settings.name;
    key.address = settings.address.value_or(backend.key.address);
    key.via = via;
    if (settings.type != probes::ProbeType::kIcmp) {
      const std::uint16_t own =
          via ? plan_->services.back().key.port : backend.key.port;  // dr asks at the VIP's port
      key.port = settings.port.value_or(own);
      if (key.port == 0) {
        Note(backend, *probe, "it has no port and the probe gives none (port)");
        return;
      }
    }
    if (const auto service = ServiceOfMark(settings.socket.mark, key.address.family)) {
      Note(backend, *probe,
           "its mark is that of the service " + ipvs::ToString(*service) +
               ", whose servers would get it");
      return;
    }
    const auto [entry, is_new] =
        index_.try_emplace(key, static_cast<std::uint32_t>(plan_->targets.size()));
    if (is_new) {
      plan_->targets.push_back({key, probe, LabelsOf(key, settings.type), {}, true, {}});
    }
    Target& target = plan_->targets[entry->second];
    if (expected != nullptr) {
      target.accept_macs.insert(target.accept_macs.end(), expected->accept_macs.begin(),
                                expected->accept_macs.end());
    }
    if (backend.forward != ipvs::ForwardMethod::kMasquerade) target.masqueraded = false;
    backend.targets.push_back({entry->second, settings.gating});
  }

  // The service of the kernel that takes packets with the mark for those of its clients. Of the
  // services that the configuration declares its reader has made sure.
  std::optional<ipvs::ServiceKey> ServiceOfMark(std::optional<std::uint32_t> mark,
                                                AddressFamily family) const {
    if (!mark) return std::nullopt;
    ipvs::ServiceKey key;
    key.protocol = ipvs::Protocol::kFwmark;
    key.fwmark = *mark;
    key.address.family = family;
    return marks_.contains(key) ? std::optional(key) : std::nullopt;
  }

  void Note(const PlannedBackend& backend, const probes::PreparedProbe& probe,
            std::string_view why) {
    plan_->notes.push_back("probe " + probe.probe().name + " is not run for " +
                           ipvs::ToString(backend.key) + " of " + plan_->services.back().name +
                           ": " + std::string(why));
  }

  void LinkUsers() {
    for (std::uint32_t i = 0; i < plan_->backends.size(); ++i) {
      for (const TargetUse& use : plan_->backends[i].targets) {
        plan_->targets[use.target].users.push_back(i);
      }
    }
  }

  std::shared_ptr<Plan> plan_;
  const Plan* previous_ = nullptr;
  const std::span<const Verdict> verdicts_;  // of previous_'s backends, or empty
  const Clock::time_point now_;
  std::set<ipvs::ServiceKey> marks_;                  // of the table
  std::map<ipvs::ServiceKey, std::uint32_t> before_;  // position in previous_->services
  std::set<ipvs::ServiceKey> added_;
  std::map<TargetKey, std::uint32_t> index_;  // position in plan_->targets
};

// Whether the services are equal, and their backends by this comparison.
template <class Compare>
bool SameServices(const ipvs::Table& a, const ipvs::Table& b, Compare same_backend) {
  return std::ranges::equal(
      a.services, b.services, [&](const ipvs::Service& x, const ipvs::Service& y) {
        return x.key == y.key && std::ranges::equal(x.backends, y.backends, same_backend);
      });
}

}  // namespace

std::string ToString(const TargetKey& key) {
  std::string text = key.probe + " " + ipvs::ToString(ipvs::BackendKey{key.address, key.port});
  if (key.via) text += " via " + lvs::ToString(*key.via);
  return text;
}

std::shared_ptr<const Plan> MakePlan(std::shared_ptr<const Configuration> configuration,
                                     TableView view, const Plan* previous, Clock::time_point now,
                                     std::span<const Verdict> verdicts) {
  Builder builder(std::move(configuration), previous, verdicts, now);
  if (view.table != nullptr) builder.AddFromTable(*view.table);
  builder.AddDeclared();
  return builder.Finish(view.is_known);
}

bool SameMembers(const ipvs::Table& a, const ipvs::Table& b) {
  return SameServices(a, b, [](const ipvs::Backend& x, const ipvs::Backend& y) {
    return x.key == y.key && x.forward == y.forward;
  });
}

bool SameWeights(const ipvs::Table& a, const ipvs::Table& b) {
  return SameServices(
      a, b, [](const ipvs::Backend& x, const ipvs::Backend& y) { return x.weight == y.weight; });
}

std::shared_ptr<const Plan> WithWeights(const Plan& plan, const ipvs::Table& table) {
  auto changed = std::make_shared<Plan>(plan);
  std::size_t position = 0;  // plans begin with the table's services, in this order
  for (const ipvs::Service* service : InOrder(table)) {
    const PlannedService& planned = changed->services[position++];
    assert(planned.key == service->key && "the plan is of a table with the same members");
    for (std::size_t i = 0; i < service->backends.size(); ++i) {
      PlannedBackend& backend = changed->backends[planned.first_backend + i];
      assert(backend.key == service->backends[i].key && "and so are its backends");
      backend.weight = service->backends[i].weight;
    }
  }
  return changed;
}

}  // namespace lvs::checker
