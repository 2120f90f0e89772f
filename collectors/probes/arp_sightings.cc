#include "collectors/probes/arp_sightings.h"

#include <algorithm>
#include <array>

namespace lvs::probes {

bool ArpSightings::Note(const Place& place, const route::Mac& mac, Holder holder,
                        Clock::time_point now) {
  std::map<route::Mac, Sighting>& macs = seen_[place];
  const auto found = macs.find(mac);
  if (found == macs.end() && macs.size() >= kMostMacs) return false;
  bool news = found == macs.end();
  Sighting& sighting = macs[mac];
  sighting.rounds = 0;
  if (holder == Holder::kUs && !sighting.suspectable) {
    sighting.suspectable = now + kSettle;
    news = true;
  }
  return news;
}

// A sighting during the round leaves 0, which becomes 1: the count is of round ends since.
void ArpSightings::EndRound(const std::set<std::pair<Address, int>>& asked) {
  for (auto& [place, macs] : seen_) {
    if (!asked.contains({place.vip, place.interface})) continue;
    for (auto& [mac, sighting] : macs) ++sighting.rounds;
    std::erase_if(macs, [](const auto& entry) { return entry.second.rounds > kCleanRounds; });
  }
  std::erase_if(seen_, [](const auto& entry) { return entry.second.empty(); });
}

void ArpSightings::Keep(const std::set<Address>& vips, const std::set<route::Mac>& not_these) {
  for (auto& [place, macs] : seen_) {
    std::erase_if(macs, [&](const auto& entry) { return not_these.contains(entry.first); });
  }
  std::erase_if(seen_, [&](const auto& entry) {
    return entry.second.empty() || !vips.contains(entry.first.vip);
  });
}

void ArpSightings::ExcuseStrangers(const std::set<Address>& ours) {
  for (auto& [place, macs] : seen_) {
    if (ours.contains(place.vip)) continue;
    for (auto& [mac, sighting] : macs) sighting.suspectable.reset();
  }
}

std::vector<route::Mac> ArpSightings::MacsAt(const Place& place) const {
  std::vector<route::Mac> macs;
  const auto found = seen_.find(place);
  if (found == seen_.end()) return macs;
  for (const auto& [mac, sighting] : found->second) macs.push_back(mac);
  return macs;
}

std::vector<route::Mac> ArpSightings::SuspectsAt(const Place& place, Clock::time_point now) const {
  std::vector<route::Mac> macs;
  const auto found = seen_.find(place);
  if (found == seen_.end()) return macs;
  for (const auto& [mac, sighting] : found->second) {
    if (sighting.suspectable && *sighting.suspectable <= now) macs.push_back(mac);
  }
  return macs;
}

bool ArpSightings::HasSuspects() const {
  return std::ranges::any_of(seen_, [](const auto& place) {
    return std::ranges::any_of(
        place.second, [](const auto& entry) { return entry.second.suspectable.has_value(); });
  });
}

std::optional<Clock::time_point> ArpSightings::NextSuspect(Clock::time_point now) const {
  std::optional<Clock::time_point> next;
  for (const auto& [place, macs] : seen_) {
    for (const auto& [mac, sighting] : macs) {
      if (!sighting.suspectable || *sighting.suspectable <= now) continue;
      next = std::min(next.value_or(*sighting.suspectable), *sighting.suspectable);
    }
  }
  return next;
}

std::set<int> ArpSightings::interfaces() const {
  std::set<int> interfaces;
  for (const auto& [place, macs] : seen_) interfaces.insert(place.interface);
  return interfaces;
}

std::vector<ArpLeak> JudgeArp(const std::vector<ArpQuestion>& questions,
                              const ArpSightings& sightings,
                              const std::map<Address, route::Mac>& server_macs,
                              Clock::time_point now) {
  std::vector<ArpLeak> rows;
  for (const ArpQuestion& question : questions) {
    for (const ArpLeak::Kind kind : {ArpLeak::Kind::kAnswers, ArpLeak::Kind::kAnnounces}) {
      const ArpSightings::Place place = {question.vip, question.interface, kind};
      const std::vector<route::Mac> seen = sightings.MacsAt(place);
      std::vector<route::Mac> strangers = sightings.SuspectsAt(place, now);
      for (const Address& server : question.servers) {
        ArpLeak row = {question.vip, server, question.interface_name, kind, false, {}};
        const auto known = server_macs.find(server);
        if (known != server_macs.end() && std::ranges::find(seen, known->second) != seen.end()) {
          row.leaking = true;
          row.mac = known->second;
          std::erase(strangers, known->second);
        }
        rows.push_back(row);
      }
      if (strangers.empty()) continue;
      rows.push_back({question.vip, {}, question.interface_name, kind, true, strangers.front()});
    }
  }
  return rows;
}

}  // namespace lvs::probes
