// Who was seen to claim a virtual address by ARP, and what that says about each server. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "collectors/address.h"
#include "collectors/route/types.h"

namespace lvs::probes {

// What is known of one server, or of nobody we know (server absent), and one virtual address.
struct ArpLeak {
  // kAnswers: replies to who-has VIP (arp_ignore is wrong). kAnnounces: names the VIP as its own in
  // a request or to everybody (arp_announce is wrong).
  enum class Kind { kAnswers, kAnnounces };

  Address vip;
  std::optional<Address> server;
  std::string interface;
  Kind kind = Kind::kAnswers;
  bool leaking = false;
  std::optional<route::Mac> mac;  // of the one that leaks

  bool operator==(const ArpLeak&) const = default;
};

// The foreign MACs that claimed each virtual address on each interface. Bounded: of one address,
// interface and kind it remembers kMostMacs, and a flood of invented MACs beyond is not told apart.
class ArpSightings {
 public:
  static constexpr std::size_t kMostMacs = 8;
  // So many rounds without a sighting end it.
  static constexpr unsigned kCleanRounds = 3;

  struct Place {
    Address vip;
    int interface = 0;
    ArpLeak::Kind kind = ArpLeak::Kind::kAnswers;

    auto operator<=>(const Place&) const = default;
  };

  // True: news.
  bool Note(const Place& place, const route::Mac& mac);
  // One round is over, for the places that were asked in it.
  void EndRound(const std::set<std::pair<Address, int>>& asked);
  // Forgets the places of other addresses, and these MACs.
  void Keep(const std::set<Address>& vips, const std::set<route::Mac>& not_these);
  void Clear() { seen_.clear(); }

  std::vector<route::Mac> MacsAt(const Place& place) const;
  // The interfaces on which anything was seen.
  std::set<int> interfaces() const;

 private:
  std::map<Place, std::map<route::Mac, unsigned>> seen_;  // rounds since it was seen
};

// One virtual address on one interface, asked in the last complete round.
struct ArpQuestion {
  Address vip;
  int interface = 0;
  std::string interface_name;
  std::set<Address> servers;  // those of the address on this interface
  bool vip_is_ours = false;   // this host holds it now
};

// Two rows, one of each kind, for each server; and one of a kind in which an unknown MAC leaks,
// only where the address is ours: else that is the active director.
std::vector<ArpLeak> JudgeArp(const std::vector<ArpQuestion>& questions,
                              const ArpSightings& sightings,
                              const std::map<Address, route::Mac>& server_macs);

}  // namespace lvs::probes
