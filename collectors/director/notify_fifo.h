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
  // Somebody has it open for writing now.
  bool has_writer = false;
};

// Owned by one thread.
class NotifyFifo {
 public:
  // What was written since the last call, at most the 64 KiB that a pipe holds. A pipe that is not
  // there is made with mode 0600. One that was replaced is read to its end and the new one opened.
  // Lines wait in a pipe while it is open somewhere (pipe(7)): none gets lost while its writer is
  // restarted. It is opened for reading only, so that it shows whether there is a writer. Errors:
  // kNotFound (no folder), kNoPermission, kInvalidInput (no pipe), kSystem; all name path.
  Result<PipeContent> Read(const std::string& path);

  void Close();

 private:
  bool WasReplaced(const std::string& path) const;
  Result<void> Open(const std::string& path);
  Result<void> Drain(const std::string& path, PipeContent& content);

  Descriptor descriptor_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  LineSplitter lines_;
};

}  // namespace lvs::director
