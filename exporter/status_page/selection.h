// What of a large table one page shows: a page must stay small enough to be read, and to be asked
// for every two seconds.
#pragma once

#include <cstddef>
#include <vector>

#include "exporter/status_page/filter.h"
#include "exporter/status_page/view.h"

namespace lvs::status {

inline constexpr std::size_t kMostServices = 200;
inline constexpr std::size_t kMostBackends = 400;

struct ShownService {
  const ServiceView* service = nullptr;
  std::size_t backends = 0;  // so many of its backends are shown
  bool open = false;
};

struct Selection {
  std::vector<ShownService> shown;           // in the view's order
  std::vector<const ServiceView*> left_out;  // they match, too, and are more than a page shows
  std::size_t matching = 0;                  // both together
  std::size_t backends = 0;                  // of those that match
};

// The services that match the filter. What is worst is shown first of all; with few backends all
// services are open, with more only those that want attention.
Selection Select(const StatusView& view, const Filter& filter);

// count of the service's backends, those that want attention most if it has more, in its order.
std::vector<const BackendView*> FirstBackends(const ServiceView& service, std::size_t count);

}  // namespace lvs::status
