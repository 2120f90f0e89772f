// Reads a small file as a whole, never more than a bound.
#pragma once

#include <cstddef>
#include <string>

#include "collectors/result.h"

namespace lvs {

// The file's content. Made for proc files, whose size is not known before they are read.
// Errors: kNotFound (ENOENT), kNoPermission (EACCES, EPERM), kMalformed (more than max_size bytes),
// kSystem. The sentence names the path.
Result<std::string> ReadFile(const std::string& path, std::size_t max_size);

}  // namespace lvs
