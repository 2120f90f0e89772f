// Runs probes, whatever their type, on one event loop.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "collectors/probes/run.h"
#include "collectors/route/route.h"

namespace boost::asio {
class io_context;
}

namespace lvs::probes {

// Used by the loop's thread only. Tests give the engine another one.
class Runner {
 public:
  virtual ~Runner() = default;

  // Starts one run. done is called once, on the loop and not from inside Start(), at the latest a
  // little after the run's end; never when the loop is destroyed before.
  // accept_macs: hardware addresses, beside the server's own, from which dr replies may come.
  virtual void Start(RunRequest request, const std::vector<route::Mac>& accept_macs,
                     std::function<void(RunResult)> done) = 0;

  // How many runs may be past connect for one server address; no limit until it is called.
  virtual void SetMaxPerAddress(std::size_t most) = 0;
};

// The real one. routes and loop must outlive it.
std::unique_ptr<Runner> MakeRunner(boost::asio::io_context& loop, route::RouteReader& routes);

}  // namespace lvs::probes
