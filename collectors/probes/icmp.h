// ICMP echo: does the address answer a ping?
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <utility>
#include <variant>

#include "collectors/address.h"
#include "collectors/probes/probe.h"
#include "collectors/probes/run.h"
#include "collectors/probes/socket.h"

namespace lvs::probes {

// Sends one echo a run, over one raw socket for each address family and set of socket options,
// opened when it is first needed and kept. Needs CAP_NET_RAW. Everything happens on the thread that
// runs the loop. A run that waits needs the loop but no longer the prober, which must not outlive
// the loop.
class IcmpProber {
 public:
  explicit IcmpProber(boost::asio::io_context& loop);
  ~IcmpProber();
  IcmpProber(const IcmpProber&) = delete;
  IcmpProber& operator=(const IcmpProber&) = delete;

  // Ends at the latest at request.start + the probe's timeout. Reasons:
  // - icmp_timeout: no answer; whether ARP or ND failed is for the caller to ask.
  // - icmp_unreachable, icmp_prohibited: an ICMP error that quotes our echo, or a route of this
  //   host that prohibits it.
  // - icmp_bad_reply: an answer came, but none with the cookie and the size sent. Said at the
  //   deadline: until then the right one may come, as the wrong one may be another ping's.
  // - host_unreachable, net_unreachable: the kernel's routing (a blackhole route too), or its ARP
  // or
  //   ND gave up.
  // - local_*: no socket, no memory, too many echoes in flight.
  // result.icmp is there whenever a packet was sent. Duplicates that come after the end of a run
  // are told by the next run for the address.
  boost::asio::awaitable<RunResult> Run(RunRequest request);

 private:
  class Channel;
  class Exchange;
  using Key = std::pair<AddressFamily, SocketOptions>;

  std::variant<std::shared_ptr<Channel>, SocketFault> ChannelFor(const Key& key);

  boost::asio::io_context& loop_;
  std::map<Key, std::shared_ptr<Channel>> channels_;
};

}  // namespace lvs::probes
