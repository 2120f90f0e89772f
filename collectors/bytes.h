// Bytes from outside, viewed but not owned. A view never outlives the buffer it points into.
#pragma once

#include <cstddef>
#include <span>

namespace lvs {

using Bytes = std::span<const std::byte>;

}  // namespace lvs
