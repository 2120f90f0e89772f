// The DR proof: does this very server answer for the virtual address, as it must behind a director
// that forwards by `route`? A probe of the server's own address cannot see that.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "collectors/address.h"
#include "collectors/probes/run.h"
#include "collectors/probes/socket.h"
#include "collectors/route/route.h"
#include "collectors/route/types.h"

namespace lvs::probes {

// Sends a SYN for VIP:port to the server's MAC with TTL 1 and judges who answers, and how. Writes
// nothing to IPVS or to routing. Keeps one packet socket for each interface and address family,
// since closing one makes the kernel wait for RCU; their filters pass nothing but answers to
// the ports 61184 to 61439 (0xEF00 to 0xEFFF), which lie above the kernel's usual ephemeral range
// (net.ipv4.ip_local_port_range, 32768 to 60999). Needs CAP_NET_RAW.
//
// Everything happens on the thread that runs the loop, and so do the look-ups in routes. A run that
// waits uses routes, which must live as long as the loop runs; of the prober it needs nothing after
// its start. The prober must not outlive the loop.
class DrProber {
 public:
  DrProber(boost::asio::io_context& loop, route::RouteReader& routes);
  ~DrProber();
  DrProber(const DrProber&) = delete;
  DrProber& operator=(const DrProber&) = delete;

  // request.address is the server, request.via the VIP, request.port the service's. accept_macs are
  // further network cards of the server, from which it may answer. Of the probe's socket options
  // source, interface, ttl and tos count; netns is refused as local_config. Ends at the latest at
  // request.start + the probe's timeout. Reasons:
  // - dr_not_adjacent: the server is this host, behind a gateway, or not on an Ethernet; or no
  // route
  //   leads to it, one of type unreachable, prohibit or blackhole among them: whatever the lookup
  //   says, the server is not on the link.
  // - dr_neighbour_unresolved: ARP or ND has no MAC for it.
  // - dr_port_closed: the VIP is there but refuses, by a RST or an ICMP error of its own.
  // - dr_forwarded: somebody sent an ICMP error or redirect about our SYN: it was routed on.
  // - dr_wrong_mac: another MAC answers for the VIP.
  // - dr_no_reply: silence.
  // - local_*: no socket, no permission, no memory, no address of our own to ask from.
  boost::asio::awaitable<RunResult> Run(RunRequest request, std::vector<route::Mac> accept_macs);

 private:
  class Channel;
  class Exchange;
  using Key = std::pair<int, AddressFamily>;  // interface index

  std::variant<std::shared_ptr<Channel>, SocketFault> ChannelFor(int interface,
                                                                 AddressFamily family);

  boost::asio::io_context& loop_;
  route::RouteReader& routes_;
  std::map<Key, std::shared_ptr<Channel>> channels_;
};

}  // namespace lvs::probes
