#include "collectors/read_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "collectors/descriptor.h"

namespace lvs {
Error FileError(const std::string& path, int error_number) {
  ErrorCode code = ErrorCode::kSystem;
  if (error_number == ENOENT || error_number == ENOTDIR) code = ErrorCode::kNotFound;
  if (error_number == EACCES || error_number == EPERM) code = ErrorCode::kNoPermission;
  const char* description = strerrordesc_np(error_number);
  return {code, path + ": " + (description == nullptr ? "unknown error" : description)};
}

Result<std::string> ReadFile(const std::string& path, std::size_t max_size) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) return FileError(path, errno);
  constexpr std::size_t kFirstRead = 4096;
  std::string content;
  std::size_t used = 0;
  while (true) {
    if (used > max_size) {
      return Error{ErrorCode::kMalformed,
                   path + ": larger than " + std::to_string(max_size) + " bytes"};
    }
    if (used == content.size()) content.resize(std::max(kFirstRead, 2 * content.size()));
    const ssize_t got = read(file.get(), content.data() + used, content.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError(path, errno);
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
  }
  content.resize(used);
  return content;
}

}  // namespace lvs
