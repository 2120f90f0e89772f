// What a thread allocates, for tests that promise that nothing is.
#pragma once

#include <cstddef>
#include <optional>

namespace lvs::fake {

// How often the calling thread has asked operator new for memory. Absent under sanitizers, which
// have an operator of their own.
std::optional<std::size_t> Allocations();

}  // namespace lvs::fake
