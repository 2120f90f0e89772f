// Who was seen to claim a virtual address by ARP or neighbour discovery, and what that says about
// each server. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "collectors/address.h"
#include "collectors/clock.h"
#include "collectors/route/types.h"

namespace lvs::probes {

// What is known of one server, or of nobody we know (server absent), and one virtual address.
struct ArpLeak {
  // kAnswers: replies to who-has VIP (arp_ignore is wrong). kAnnounces: names the VIP as its own in
  // a request or to everybody (arp_announce is wrong). Over IPv6 either means that the VIP is on a
  // network card.
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
  // A new VRRP master announces itself while the old one is still dropping the addresses: for so
  // long an address must have stayed ours before a stranger is accused.
  static constexpr Clock::duration kSettle = std::chrono::milliseconds(500);

  struct Place {
    Address vip;
    int interface = 0;
    ArpLeak::Kind kind = ArpLeak::Kind::kAnswers;

    auto operator<=>(const Place&) const = default;
  };

  // Who holds the address, as far as this host knows.
  enum class Holder { kUs, kOthers };

  // True: news.
  bool Note(const Place& place, const route::Mac& mac, Holder holder, Clock::time_point now);
  // One round is over, for the places that were asked in it.
  void EndRound(const std::set<std::pair<Address, int>>& asked);
  // Forgets the places of other addresses, and these MACs.
  void Keep(const std::set<Address>& vips, const std::set<route::Mac>& not_these);
  void Clear() { seen_.clear(); }
  // Nobody whom we do not know leaks any other address than these: whoever claims one that is not
  // ours is the active director, also when the address becomes ours later.
  void ExcuseStrangers(const std::set<Address>& ours);

  std::vector<route::Mac> MacsAt(const Place& place) const;
  // Those that would leak if nobody knew them: seen while the address was ours, which it was still
  // when they were last excused, and at least kSettle later.
  std::vector<route::Mac> SuspectsAt(const Place& place, Clock::time_point now) const;
  // Whether anybody is one now or may become one.
  bool HasSuspects() const;
  // When the next one becomes one; absent: nobody does.
  std::optional<Clock::time_point> NextSuspect(Clock::time_point now) const;
  // The interfaces on which anything was seen.
  std::set<int> interfaces() const;

 private:
  struct Sighting {
    unsigned rounds = 0;                           // since it was seen
    std::optional<Clock::time_point> suspectable;  // from when on; absent: never while it was ours
  };

  std::map<Place, std::map<route::Mac, Sighting>> seen_;
};

// One virtual address on one interface, asked in the last complete round.
struct ArpQuestion {
  Address vip;
  int interface = 0;
  std::string interface_name;
  std::set<Address> servers;  // those of the address on this interface
};

// Two rows, one of each kind, for each server; and one of a kind in which a suspect is no server.
std::vector<ArpLeak> JudgeArp(const std::vector<ArpQuestion>& questions,
                              const ArpSightings& sightings,
                              const std::map<Address, route::Mac>& server_macs,
                              Clock::time_point now);

}  // namespace lvs::probes
