// What this program answers at each path.
#pragma once

#include <string>
#include <vector>

#include "collectors/all.h"
#include "exporter/http/http.h"
#include "exporter/reloader.h"
#include "exporter/scraper.h"

namespace lvs {

// All of it outlives the routes; every part may be used by any thread.
struct PageSources {
  Scraper& scraper;
  const Exchange& exchange;
  Reloader& reloader;
  std::string telemetry_path;
  bool enable_lifecycle = false;  // POST /-/reload
};

// The status page, the metrics page, health, readiness, reload and JSON, at the paths of the
// contract.
std::vector<Route> MakeRoutes(const PageSources& sources);

}  // namespace lvs
