// ARP leaks, seen from the director: servers that answer for a virtual address, or announce it,
// though only the director may. For IPv6 the same with neighbour discovery.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "collectors/address.h"
#include "collectors/clock.h"
#include "collectors/probes/arp_sightings.h"
#include "collectors/probes/socket.h"
#include "collectors/route/route.h"
#include "collectors/route/types.h"

namespace lvs::probes {

// Asks who has each virtual address, once an interval on each interface where its servers are, with
// this host's own address as the sender (never a virtual one: that would change other hosts'
// tables), and listens all the time. Needs CAP_NET_RAW: one packet socket for each interface and
// family, whose filter passes what claims a watched address. Memory is bounded by what is watched,
// whatever arrives.
//
// IPv6 differs in three ways. A virtual address on lo is silent by itself, as Linux speaks only for
// those of the interface (ndisc_recv_ns and ndisc_solicit in net/ipv6/ndisc.c): it leaks where it
// is on a network card. Hosts ask multicast groups, of which the card passes those of this host
// only, so that an announcement may be missed; answers, and what goes to all nodes, are not. And
// the kernel of a director that has the address may log each answer ("advertised our address", seen
// with 6.1).
//
// Everything happens on the thread that runs the loop, and so do the look-ups in routes, which must
// outlive the watch; the watch must not outlive the loop.
class ArpWatch {
 public:
  // One virtual address and its `route` backends.
  struct Subject {
    Address vip;
    std::vector<Address> servers;  // of the same family; those behind a gateway are passed over

    bool operator==(const Subject&) const = default;
  };
  using Row = ArpLeak;

  // changed is called on the loop's thread whenever rows() or fault() became different, but not by
  // Watch(), which may change rows().
  ArpWatch(boost::asio::io_context& loop, route::RouteReader& routes,
           std::function<void()> changed);
  ~ArpWatch();
  ArpWatch(const ArpWatch&) = delete;
  ArpWatch& operator=(const ArpWatch&) = delete;

  // Replaces what was watched; what stays keeps its state and its rhythm. peers: MACs of other
  // directors, which may answer. Costs next to nothing when nothing is different. No subjects or
  // interval 0: off, and rows() is empty.
  void Watch(std::vector<Subject> subjects, std::vector<route::Mac> peers,
             Clock::duration interval);

  // From the first complete round on: a row for every virtual address, server and kind, leaking or
  // not; and one for a MAC that is no server's, while it leaks and this host holds the address, as
  // it did when the MAC was seen: who claims an address that is not ours is the active director. A
  // leak ends after three rounds without a sign of it. Valid until the loop goes on.
  const std::vector<Row>& rows() const;
  // Why some interface could not be watched in the last round; its rows are absent then.
  std::optional<SocketFault> fault() const;

 private:
  class State;
  const std::shared_ptr<State> state_;
};

}  // namespace lvs::probes
