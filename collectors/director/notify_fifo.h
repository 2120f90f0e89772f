// A named pipe into which another program writes lines, read without ever waiting.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

#include "collectors/descriptor.h"
#include "collectors/result.h"

namespace lvs::director {

// Splits what arrives in pieces into lines. One owner, one thread.
class LineSplitter {
 public:
  static constexpr std::size_t kLongest = 1024;  // bytes of a line; longer ones are cut there

  // The lines that piece completes, without their line feeds; what follows the last one is kept.
  std::vector<std::string> Add(std::string_view piece);
  // What was kept is no beginning of a line any more.
  void Clear() { rest_.clear(); }

 private:
  std::string rest_;
};

// What was in a pipe.
struct PipeContent {
  std::vector<std::string> lines;
  // It was full: its writer has dropped lines that came later.
  bool was_full = false;
};

// Owned by one thread.
class NotifyFifo {
 public:
  // What was written since the last call, at most the 64 KiB that a pipe holds. A pipe that is not
  // there is made with mode 0600; one that was replaced is opened anew. Lines wait in a pipe while
  // it is open somewhere (pipe(7)), and so that none gets lost while its writer is restarted it is
  // opened for writing, too, where that is allowed. Errors: kNotFound (no folder), kNoPermission,
  // kInvalidInput (no pipe), kSystem; all name path.
  Result<PipeContent> Read(const std::string& path);

  // Whether the pipe has been open since an earlier call without a break: nothing was missed.
  bool is_open() const { return descriptor_.valid(); }
  void Close();

 private:
  Result<void> OpenIfNeeded(const std::string& path);
  Result<void> Open(const std::string& path);

  Descriptor descriptor_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  LineSplitter lines_;
};

}  // namespace lvs::director
