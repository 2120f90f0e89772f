// The names of all checks, of a director's audit and of a real server's.
#pragma once

#include <string_view>
#include <vector>

namespace lvs::audit {

// The closed set of values of the label check.
std::vector<std::string_view> CheckNames();

}  // namespace lvs::audit
