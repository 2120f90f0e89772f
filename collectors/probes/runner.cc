#include "collectors/probes/runner.h"

#include <net/if.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <limits>
#include <utility>

#include "collectors/probes/address_gate.h"
#include "collectors/probes/dr.h"
#include "collectors/probes/icmp.h"
#include "collectors/probes/stream.h"

namespace lvs::probes {
namespace {

namespace asio = boost::asio;

class AsioRunner : public Runner {
 public:
  AsioRunner(asio::io_context& loop, route::RouteReader& routes)
      : loop_(loop),
        routes_(routes),
        gate_(loop, std::numeric_limits<std::size_t>::max()),
        icmp_(loop),
        dr_(loop, routes) {}

  void Start(RunRequest request, const std::vector<route::Mac>& accept_macs,
             std::function<void(RunResult)> done) override {
    asio::co_spawn(loop_, Run(std::move(request), accept_macs),
                   [done = std::move(done)](std::exception_ptr failed, RunResult result) {
                     // Only memory can be missing: everything else is a value.
                     if (failed) result = Failed(Reason::kLocalNoMemory);
                     done(std::move(result));
                   });
  }

  void SetMaxPerAddress(std::size_t most) override { gate_.set_most(most); }

 private:
  asio::awaitable<RunResult> Run(RunRequest request, std::vector<route::Mac> accept_macs) {
    const Address address = request.address;
    const std::shared_ptr<const PreparedProbe> probe = request.probe;
    RunResult result;
    switch (probe->probe().type) {
      case ProbeType::kIcmp:
        result = co_await icmp_.Run(std::move(request));
        break;
      case ProbeType::kDr:
        result = co_await dr_.Run(std::move(request), std::move(accept_macs));
        break;
      default:
        result = co_await RunStream(std::move(request), gate_);
    }
    const bool no_answer =
        result.reason == Reason::kConnectTimeout || result.reason == Reason::kIcmpTimeout;
    const SocketOptions& socket = probe->probe().socket;
    if (no_answer && socket.netns.empty() && NeighbourIsMissing(address, socket.interface)) {
      result.reason = Reason::kHostUnreachable;
      result.detail = "nobody answers for the address on the link";
    }
    co_return result;
  }

  // Whether the kernel has asked in vain for the hardware address of the next hop. False where it
  // cannot be asked.
  bool NeighbourIsMissing(const Address& address, const std::string& bound_interface) {
    // A socket that is bound to an interface asks there, on the link.
    if (!bound_interface.empty()) {
      return HasFailed(static_cast<int>(if_nametoindex(bound_interface.c_str())), address);
    }
    const Result<route::Route> route = routes_.Lookup(address);
    if (!route.ok() || route.value().local) return false;
    return HasFailed(route.value().interface, route.value().gateway.value_or(address));
  }

  bool HasFailed(int interface, const Address& next_hop) {
    const auto neighbour = routes_.FindNeighbour(interface, next_hop);
    return neighbour.ok() && neighbour.value() && neighbour.value()->failed;
  }

  asio::io_context& loop_;
  route::RouteReader& routes_;
  AddressGate gate_;
  IcmpProber icmp_;
  DrProber dr_;
};

}  // namespace

std::unique_ptr<Runner> MakeRunner(asio::io_context& loop, route::RouteReader& routes) {
  return std::make_unique<AsioRunner>(loop, routes);
}

}  // namespace lvs::probes
