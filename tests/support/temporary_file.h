// A file with some text, for tests of what reads files.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace lvs {

// Lives as long as this object. Throws nothing: a file that could not be written fails the test.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view text)
      : path_(testing::TempDir() + "/ipvs_exporter_test_XXXXXX") {
    const int descriptor = mkstemp(path_.data());
    const ssize_t written = write(descriptor, text.data(), text.size());
    EXPECT_EQ(written, static_cast<ssize_t>(text.size())) << path_;
    close(descriptor);
  }
  ~TemporaryFile() { unlink(path_.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace lvs
