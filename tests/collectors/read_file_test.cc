#include "collectors/read_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/support/temporary_file.h"

namespace lvs {
namespace {

using testing::HasSubstr;

TEST(ReadFile, GivesTheWholeContent) {
  const std::string content(100000, 'x');
  const Result<std::string> read = ReadFile(TemporaryFile(content).path(), 1 << 20);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read.value(), content);
}

TEST(ReadFile, ReadsProcFilesWhoseSizeIsZero) {
  const Result<std::string> read = ReadFile("/proc/self/status", 1 << 20);
  ASSERT_TRUE(read.ok());
  EXPECT_THAT(read.value(), HasSubstr("Pid:"));
}

TEST(ReadFile, RefusesMoreThanItsBound) {
  const Result<std::string> read = ReadFile(TemporaryFile(std::string(100, 'x')).path(), 99);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, ErrorCode::kMalformed);
  EXPECT_THAT(read.error().message, HasSubstr("larger than 99 bytes"));
}

TEST(ReadFile, NamesTheMissingFile) {
  const Result<std::string> read = ReadFile("/nowhere/at/all", 10);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(read.error().message, "/nowhere/at/all: No such file or directory");
}

TEST(FileError, SaysWhatKindOfTroubleItIs) {
  EXPECT_EQ(FileError("/a", ENOENT).code, ErrorCode::kNotFound);
  EXPECT_EQ(FileError("/a", ENOTDIR).code, ErrorCode::kNotFound);
  EXPECT_EQ(FileError("/a", EACCES).code, ErrorCode::kNoPermission);
  EXPECT_EQ(FileError("/a", EPERM).code, ErrorCode::kNoPermission);
  EXPECT_EQ(FileError("/a", EIO).code, ErrorCode::kSystem);
  EXPECT_EQ(FileError("/a", EIO).message, "/a: Input/output error");
  EXPECT_EQ(FileError("/a", 4000).message, "/a: unknown error");
}

}  // namespace
}  // namespace lvs
