#include "collectors/audit/check_names.h"

#include "collectors/audit/checks.h"
#include "collectors/realserver/checks.h"

namespace lvs::audit {

std::vector<std::string_view> CheckNames() {
  std::vector<std::string_view> names;
  for (const auto& check : DirectorChecks()) names.push_back(check.name);
  for (const auto& check : realserver::RealServerChecks()) names.push_back(check.name);
  return names;
}

}  // namespace lvs::audit
