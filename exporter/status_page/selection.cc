#include "exporter/status_page/selection.h"

#include <algorithm>
#include <ranges>

namespace lvs::status {
namespace {

constexpr std::size_t kOpenAtMost = 24;

// Sorts pointers into one vector by attention, most first; as they stood among equals.
template <class View>
void SortByLevel(std::vector<const View*>& views) {
  std::ranges::stable_sort(views, std::greater(), [](const View* view) { return view->level; });
}

}  // namespace

Selection Select(const StatusView& view, const Filter& filter) {
  Selection selection;
  std::vector<const ServiceView*> matching;
  for (const ServiceView& service : view.services) {
    if (!filter.Matches(service)) continue;
    matching.push_back(&service);
    selection.backends += service.backends.size();
  }
  selection.matching = matching.size();
  SortByLevel(matching);

  std::size_t room = kMostBackends;
  for (const ServiceView* service : matching) {
    if (selection.shown.size() == kMostServices) {
      selection.left_out.push_back(service);
      continue;
    }
    const std::size_t backends = std::min(room, service->backends.size());
    room -= backends;
    const bool open = selection.backends <= kOpenAtMost || service->level >= Level::kWarning;
    selection.shown.push_back({service, backends, open});
  }
  std::ranges::sort(selection.shown, {}, &ShownService::service);
  return selection;
}

std::vector<const BackendView*> FirstBackends(const ServiceView& service, std::size_t count) {
  std::vector<const BackendView*> backends;
  for (const BackendView& backend : service.backends) backends.push_back(&backend);
  if (count >= backends.size()) return backends;
  SortByLevel(backends);
  backends.resize(count);
  std::ranges::sort(backends);
  return backends;
}

}  // namespace lvs::status
