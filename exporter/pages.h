// What this program answers at each path.
#pragma once

#include <string>
#include <vector>

#include "collectors/ipvs/collector.h"
#include "collectors/published.h"
#include "exporter/http/http.h"
#include "exporter/scraper.h"

namespace lvs {

// All of it outlives the routes; every part may be used by any thread.
struct PageSources {
  Scraper& scraper;
  const Published<ipvs::LatestReading>& latest;
  std::string telemetry_path;
};

// The status page, the metrics page, health, readiness and JSON, at the paths of the contract.
std::vector<Route> MakeRoutes(const PageSources& sources);

}  // namespace lvs
