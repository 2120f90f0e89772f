// The director collector: which VIPs are bound here, what keepalived says, and what this director
// is to its pair.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/collector.h"
#include "collectors/director/configuration.h"
#include "collectors/director/keepalived.h"
#include "collectors/director/snapshot.h"
#include "collectors/ipvs/collector.h"
#include "collectors/published.h"
#include "collectors/route/route.h"

namespace lvs::director {

// Every metric that DirectorCollector may write.
std::vector<const MetricInfo*> DescribeDirector();

// Where it looks. All of it outlives the collector.
struct DirectorSources {
  std::string procfs = "/proc";
  const Published<Configuration>& configuration;  // never null
  const Published<ipvs::LatestReading>& table;
  // The addresses of services, of the kernel's table and of the configuration. Called by the
  // thread that collects.
  std::function<std::set<Address>()> vips;
};

// Looks with every scrape, and every second by itself: lines of keepalived's pipe become events,
// and the checker lives on what is published. For the thread that calls Collect().
class DirectorCollector : public Collector {
 public:
  // published must outlive this; anybody may read it.
  DirectorCollector(DirectorSources sources, Published<Snapshot>& published);

  std::string_view name() const override { return "director"; }
  Collection Collect(Deadline deadline) override;
  std::optional<Clock::duration> ReadAgainAfter(Clock::duration took) const override;

 private:
  // Addresses that are looked up in one look: a director may have thousands. The rest keeps what
  // was found before.
  static constexpr std::size_t kMostLookups = 100;

  // Whether an address that no interface has is delivered here, as known at a moment.
  struct Routed {
    std::optional<bool> is_local;
    Clock::time_point at;
  };

  Result<std::vector<Vip>> ReadVips(const std::set<Address>& wanted);
  void LookUpRoutes(std::map<Address, Vip>& vips);
  std::optional<bool> IsRoutedHere(const Address& address);

  const DirectorSources sources_;
  Published<Snapshot>& published_;
  route::RouteReader routes_;
  Keepalived keepalived_;
  std::map<Address, Routed> routed_;  // of VIPs that no interface has
};

}  // namespace lvs::director
