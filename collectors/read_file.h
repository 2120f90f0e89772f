// Reads a small file as a whole, never more than a bound.
#pragma once

#include <cstddef>
#include <string>

#include "collectors/result.h"

namespace lvs {

// What an error number (errno.h) of open() or read() means: kNotFound (ENOENT, ENOTDIR),
// kNoPermission (EACCES, EPERM), else kSystem. The sentence names the path.
Error FileError(const std::string& path, int error_number);

// The file's content. Made for proc files, whose size is not known before they are read.
// Errors: those of FileError, and kMalformed (more than max_size bytes), which names the path, too.
Result<std::string> ReadFile(const std::string& path, std::size_t max_size);

}  // namespace lvs
