#include "collectors/ipvs/kept_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "collectors/read_file.h"

namespace lvs::ipvs {

KeptFile::KeptFile(KeptFile&& other) noexcept
    : path_(other.path_), fd_(std::exchange(other.fd_, -1)) {}

void KeptFile::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

Error KeptFile::Failed(int error_number) {
  Close();
  return FileError(path_, error_number);
}

Result<std::string_view> KeptFile::Read(std::string& buffer, std::size_t max_size) {
  if (fd_ < 0) fd_ = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ < 0) return Failed(errno);
  constexpr std::size_t kFirstSize = 4096;
  if (buffer.size() < kFirstSize) buffer.resize(kFirstSize);
  while (true) {
    const ssize_t got = pread(fd_, buffer.data(), std::min(buffer.size(), max_size), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed(errno);
    const auto length = static_cast<std::size_t>(got);
    if (length < std::min(buffer.size(), max_size)) return std::string_view(buffer.data(), length);
    if (length >= max_size) {
      Close();
      return Error{ErrorCode::kMalformed,
                   path_ + ": " + std::to_string(max_size) + " bytes or more"};
    }
    buffer.resize(2 * buffer.size());
  }
}

}  // namespace lvs::ipvs
