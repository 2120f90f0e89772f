#include "collectors/director/notify_fifo.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "collectors/read_file.h"

namespace lvs::director {

std::vector<std::string> LineSplitter::Add(std::string_view piece) {
  std::vector<std::string> lines;
  while (!piece.empty()) {
    const std::size_t end = piece.find('\n');
    const std::string_view part = piece.substr(0, end);
    rest_.append(part.substr(0, std::min(part.size(), kLongest - rest_.size())));
    if (end == std::string_view::npos) break;
    lines.push_back(std::move(rest_));
    rest_.clear();
    piece.remove_prefix(end + 1);
  }
  return lines;
}

void NotifyFifo::Close() {
  descriptor_ = Descriptor();
  lines_.Clear();
}

Result<void> NotifyFifo::Open(const std::string& path) {
  constexpr int kFlags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW;
  Descriptor opened(open(path.c_str(), kFlags));
  if (!opened.valid() && errno == ENOENT) {
    constexpr mode_t kOwnerOnly = 0600;
    if (mkfifo(path.c_str(), kOwnerOnly) != 0) return FileError(path, errno);
    opened = Descriptor(open(path.c_str(), kFlags));
  }
  if (!opened.valid()) return FileError(path, errno);
  struct stat facts {};
  if (fstat(opened.get(), &facts) != 0) return FileError(path, errno);
  if (!S_ISFIFO(facts.st_mode)) {
    return Error{ErrorCode::kInvalidInput, path + ": not a named pipe"};
  }
  device_ = facts.st_dev;
  inode_ = facts.st_ino;
  descriptor_ = std::move(opened);
  return {};
}

bool NotifyFifo::WasReplaced(const std::string& path) const {
  struct stat facts {};
  return lstat(path.c_str(), &facts) != 0 || facts.st_dev != device_ || facts.st_ino != inode_;
}

Result<void> NotifyFifo::Drain(const std::string& path, PipeContent& content) {
  std::array<char, 4096> piece;
  constexpr int kPieces = 16;  // of a pipe
  for (int i = 0; i < kPieces; ++i) {
    const ssize_t size = read(descriptor_.get(), piece.data(), piece.size());
    if (size < 0 && errno == EINTR) continue;
    // EAGAIN: nothing is there. 0: nobody has it open for writing, either.
    content.has_writer = size != 0;
    if (size == 0 || (size < 0 && errno == EAGAIN)) return {};
    if (size < 0) {
      const int error = errno;
      Close();
      return FileError(path, error);
    }
    for (std::string& line : lines_.Add({piece.data(), static_cast<std::size_t>(size)})) {
      content.lines.push_back(std::move(line));
    }
  }
  content.was_full = true;
  return {};
}

Result<PipeContent> NotifyFifo::Read(const std::string& path) {
  PipeContent content;
  if (descriptor_.valid() && WasReplaced(path)) {
    if (Result<void> drained = Drain(path, content); !drained.ok()) return drained.error();
    Close();
  }
  if (!descriptor_.valid()) {
    if (Result<void> opened = Open(path); !opened.ok()) return opened.error();
  }
  if (Result<void> drained = Drain(path, content); !drained.ok()) return drained.error();
  return content;
}

}  // namespace lvs::director
