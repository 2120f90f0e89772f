// Which services a reader of the status page wants to see.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collectors/checker/snapshot.h"
#include "exporter/status_page/view.h"

namespace lvs::status {

// Words, all of which must be found: in a service's names, state or scheduler, or in the address,
// state, reason or role of one of its backends. Case does not matter. "service:down" asks for the
// service's state alone, "backend:down" for a backend's.
class Filter {
 public:
  explicit Filter(std::string_view text);

  const std::string& text() const { return text_; }
  bool IsEmpty() const {
    return words_.empty() && service_states_.empty() && backend_states_.empty();
  }

  bool Matches(const ServiceView& service) const;
  // The words about states are not asked for: an event is about a change of them.
  bool Matches(const checker::Event& event) const;

 private:
  bool HasWords(std::string text) const;

  std::string text_;
  std::vector<std::string> words_;  // in lower case
  std::vector<std::string> service_states_;
  std::vector<std::string> backend_states_;
};

// The filter that shows the services in this state, and those with a backend in this state.
std::string ServicesIn(std::string_view state);
std::string BackendsIn(std::string_view state);

// A link to this page with a filter.
std::string LinkTo(std::string_view filter);

}  // namespace lvs::status
