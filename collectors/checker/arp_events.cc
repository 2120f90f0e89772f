#include "collectors/checker/arp_events.h"

#include <set>
#include <utility>

namespace lvs::checker {
namespace {

Event EventOf(const probes::ArpLeak& leak, bool begins, WallTime now) {
  Event event;
  event.at = now;
  event.kind = Event::Kind::kArp;
  event.service = ToString(leak.vip);
  event.service_key.address = leak.vip;
  if (leak.server) event.backend = ipvs::BackendKey{*leak.server, 0};
  event.from = begins ? "silent" : Name(leak.kind);
  event.to = begins ? Name(leak.kind) : "silent";
  event.detail = "on " + leak.interface;
  if (leak.mac) event.detail += ", " + route::ToString(*leak.mac);
  return event;
}

}  // namespace

std::vector<probes::ArpWatch::Subject> ArpSubjects(const Plan& plan) {
  std::map<Address, std::set<Address>> servers;  // by VIP
  for (const PlannedBackend& backend : plan.backends) {
    if (backend.forward != ipvs::ForwardMethod::kRoute) continue;
    for (const Address& vip : plan.services[backend.service].vips) {
      if (vip.family == backend.key.address.family) servers[vip].insert(backend.key.address);
    }
  }
  std::vector<probes::ArpWatch::Subject> subjects;
  for (const auto& [vip, of_vip] : servers) {
    subjects.push_back({vip, {of_vip.begin(), of_vip.end()}});
  }
  return subjects;
}

std::vector<Event> ArpEvents::Changes(const std::vector<probes::ArpLeak>& rows, WallTime now) {
  std::map<Key, probes::ArpLeak> leaks;
  for (const probes::ArpLeak& leak : rows) {
    if (leak.leaking) leaks.emplace(Key(leak.vip, leak.server, leak.interface, leak.kind), leak);
  }
  std::vector<Event> events;
  for (const auto& [key, leak] : leaks) {
    if (!leaks_.contains(key)) events.push_back(EventOf(leak, true, now));
  }
  for (const auto& [key, leak] : leaks_) {
    if (!leaks.contains(key)) events.push_back(EventOf(leak, false, now));
  }
  leaks_ = std::move(leaks);
  return events;
}

}  // namespace lvs::checker
