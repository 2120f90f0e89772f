// What the checker's closed words mean, for whoever reads them at night. The closed words stay
// beside them on the page, because they are what metrics, alerts and logs say.
#pragma once

#include <string_view>

#include "collectors/checker/verdicts.h"
#include "collectors/probes/reason.h"

namespace lvs::status {

// "nobody listens on the port": why a server is down. Never empty.
std::string_view InWords(probes::Reason reason);

// After the name of a service, and after a number of services: "hangs on a single server", "hang on
// a single server". Never empty.
struct OneAndMany {
  std::string_view one;
  std::string_view many;
};
OneAndMany InWords(checker::ServiceState state);

// "clients are still sent to it": after the name of a backend. Never empty.
std::string_view InWords(checker::Disagreement disagreement);

}  // namespace lvs::status
