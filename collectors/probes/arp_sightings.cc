#include "collectors/probes/arp_sightings.h"

#include <algorithm>
#include <array>

namespace lvs::probes {

bool ArpSightings::Note(const Place& place, const route::Mac& mac) {
  std::map<route::Mac, unsigned>& macs = seen_[place];
  if (const auto found = macs.find(mac); found != macs.end()) {
    found->second = 0;
    return false;
  }
  if (macs.size() >= kMostMacs) return false;
  macs.emplace(mac, 0);
  return true;
}

// A sighting during the round leaves 0, which becomes 1: the count is of round ends since.
void ArpSightings::EndRound(const std::set<std::pair<Address, int>>& asked) {
  for (auto& [place, macs] : seen_) {
    if (!asked.contains({place.vip, place.interface})) continue;
    for (auto& [mac, rounds] : macs) ++rounds;
    std::erase_if(macs, [](const auto& entry) { return entry.second > kCleanRounds; });
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

std::vector<route::Mac> ArpSightings::MacsAt(const Place& place) const {
  std::vector<route::Mac> macs;
  const auto found = seen_.find(place);
  if (found == seen_.end()) return macs;
  for (const auto& [mac, rounds] : found->second) macs.push_back(mac);
  return macs;
}

std::set<int> ArpSightings::interfaces() const {
  std::set<int> interfaces;
  for (const auto& [place, macs] : seen_) interfaces.insert(place.interface);
  return interfaces;
}

std::vector<ArpLeak> JudgeArp(const std::vector<ArpQuestion>& questions,
                              const ArpSightings& sightings,
                              const std::map<Address, route::Mac>& server_macs) {
  std::vector<ArpLeak> rows;
  for (const ArpQuestion& question : questions) {
    for (const ArpLeak::Kind kind : {ArpLeak::Kind::kAnswers, ArpLeak::Kind::kAnnounces}) {
      std::vector<route::Mac> strangers =
          sightings.MacsAt({question.vip, question.interface, kind});
      const std::vector<route::Mac> seen = strangers;
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
      if (strangers.empty() || !question.vip_is_ours) continue;
      rows.push_back({question.vip, {}, question.interface_name, kind, true, strangers.front()});
    }
  }
  return rows;
}

}  // namespace lvs::probes
