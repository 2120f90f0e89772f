// A small proc file that is read again and again through one descriptor.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "collectors/result.h"

namespace lvs::ipvs {

// Keeps the descriptor between reads, which saves the open and the close of each reading: about
// thirty settings are read with every scrape. Made for files that give all they have in one read
// (sysctls, and seq_files made by single_open). Movable, one owner, one thread.
class KeptFile {
 public:
  explicit KeptFile(std::string path) : path_(std::move(path)) {}
  KeptFile(KeptFile&& other) noexcept;
  KeptFile& operator=(KeptFile&&) = delete;
  ~KeptFile() { Close(); }

  const std::string& path() const { return path_; }

  // The content as it is now, in buffer, which grows to at most max_size bytes. Opens the file when
  // it is not open; after an error it is closed. When the module behind a proc file goes away, an
  // open descriptor fails with ENOENT or EIO, even if the module comes back.
  // Errors: kNotFound, kNoPermission, kMalformed (max_size bytes or more), kSystem; all name the
  // path.
  Result<std::string_view> Read(std::string& buffer, std::size_t max_size);

  bool is_open() const { return fd_ >= 0; }
  void Close();

 private:
  Error Failed(int error_number);

  const std::string path_;
  int fd_ = -1;
};

}  // namespace lvs::ipvs
