#include "collectors/read_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace lvs {
namespace {

Error SystemError(const std::string& path) {
  const int number = errno;
  ErrorCode code = ErrorCode::kSystem;
  if (number == ENOENT || number == ENOTDIR) code = ErrorCode::kNotFound;
  if (number == EACCES || number == EPERM) code = ErrorCode::kNoPermission;
  return Error{code, path + ": " + std::strerror(number)};
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

}  // namespace

Result<std::string> ReadFile(const std::string& path, std::size_t max_size) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return SystemError(path);
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
    if (got < 0) return SystemError(path);
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
  }
  content.resize(used);
  return content;
}

}  // namespace lvs
