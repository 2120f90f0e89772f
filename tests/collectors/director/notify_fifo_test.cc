#include "collectors/director/notify_fifo.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <string_view>

#include "tests/support/fake_procfs.h"
#include "tests/support/temporary_file.h"

namespace lvs::director {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(LineSplitter, PutsPiecesTogether) {
  LineSplitter splitter;
  EXPECT_THAT(splitter.Add("INSTANCE \"VI"), IsEmpty());
  EXPECT_THAT(splitter.Add("_1\" MASTER 1\nGRO"), ElementsAre("INSTANCE \"VI_1\" MASTER 1"));
  EXPECT_THAT(splitter.Add("UP\n\n"), ElementsAre("GROUP", ""));
}

TEST(LineSplitter, CutsWhatNeverEnds) {
  LineSplitter splitter;
  for (int i = 0; i < 1000; ++i) EXPECT_THAT(splitter.Add(std::string(1000, 'x')), IsEmpty());
  EXPECT_THAT(splitter.Add("\nnext\n"),
              ElementsAre(std::string(LineSplitter::kLongest, 'x'), "next"));
}

// Writes as keepalived does.
class Writer {
 public:
  explicit Writer(const std::string& path)
      : descriptor_(open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC)) {}
  bool Write(std::string_view text) {
    return write(descriptor_.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }

 private:
  Descriptor descriptor_;
};

class NotifyFifoTest : public testing::Test {
 protected:
  std::vector<std::string> Lines() {
    const auto content = fifo_.Read(path_);
    EXPECT_TRUE(content.ok()) << content.error().message;
    return content.ok() ? content.value().lines : std::vector<std::string>();
  }

  fake::Procfs folder_;
  const std::string path_ = folder_.root() + "/vrrp.fifo";
  NotifyFifo fifo_;
};

TEST_F(NotifyFifoTest, IsMadeWhereItIsMissingForItsOwnerOnly) {
  EXPECT_THAT(Lines(), IsEmpty());
  struct stat facts {};
  ASSERT_EQ(stat(path_.c_str(), &facts), 0);
  EXPECT_TRUE(S_ISFIFO(facts.st_mode));
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
}

TEST_F(NotifyFifoTest, GivesWhatWasWrittenSinceTheLastCall) {
  Lines();
  Writer writer(path_);
  ASSERT_TRUE(writer.Write("one\ntwo\nthr"));
  EXPECT_THAT(Lines(), ElementsAre("one", "two"));
  EXPECT_THAT(Lines(), IsEmpty());
  ASSERT_TRUE(writer.Write("ee\n"));
  EXPECT_THAT(Lines(), ElementsAre("three"));
}

TEST_F(NotifyFifoTest, LinesFromBeforeTheFirstCallAreThere) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  Writer writer(path_);
  ASSERT_TRUE(writer.Write("before\n"));
  EXPECT_THAT(Lines(), ElementsAre("before"));
}

TEST_F(NotifyFifoTest, NothingIsLostWhileTheWriterIsRestarted) {
  Lines();
  ASSERT_TRUE(Writer(path_).Write("stop\n"));
  ASSERT_TRUE(Writer(path_).Write("start\n"));
  EXPECT_THAT(Lines(), ElementsAre("stop", "start"));
}

TEST_F(NotifyFifoTest, OneThatWasReplacedIsOpenedAnew) {
  Lines();
  unlink(path_.c_str());
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  Writer writer(path_);
  ASSERT_TRUE(writer.Write("new\n"));
  EXPECT_THAT(Lines(), ElementsAre("new"));
}

TEST_F(NotifyFifoTest, NothingIsLostWhenItIsReplaced) {
  Lines();
  Writer old(path_);
  ASSERT_TRUE(old.Write("last\nhalf"));
  unlink(path_.c_str());
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  Writer writer(path_);
  ASSERT_TRUE(writer.Write("new\n"));
  EXPECT_THAT(Lines(), ElementsAre("last", "new"));
}

TEST_F(NotifyFifoTest, TellsWhetherSomebodyHasItOpenForWriting) {
  EXPECT_FALSE(fifo_.Read(path_).value().has_writer);
  std::optional<Writer> writer(path_);
  EXPECT_TRUE(fifo_.Read(path_).value().has_writer);
  ASSERT_TRUE(writer->Write("line\n"));
  writer.reset();
  EXPECT_THAT(Lines(), ElementsAre("line"));
  EXPECT_FALSE(fifo_.Read(path_).value().has_writer);
}

TEST_F(NotifyFifoTest, SaysThatItWasFull) {
  Lines();
  Writer writer(path_);
  while (writer.Write("INSTANCE \"VI_1\" MASTER_RX_LOWER_PRI 150\n")) {
  }
  const auto content = fifo_.Read(path_);
  ASSERT_TRUE(content.ok()) << content.error().message;
  EXPECT_TRUE(content.value().was_full);
  EXPECT_THAT(content.value().lines, SizeIs(testing::Gt(1000u)));
  EXPECT_FALSE(fifo_.Read(path_).value().was_full);
}

TEST_F(NotifyFifoTest, AFileIsRefused) {
  const TemporaryFile file("INSTANCE \"VI_1\" MASTER 1\n");
  const auto content = fifo_.Read(file.path());
  ASSERT_FALSE(content.ok());
  EXPECT_THAT(content.error().message, HasSubstr(file.path() + ": not a named pipe"));
}

TEST_F(NotifyFifoTest, AMissingFolderIsNamed) {
  const auto content = fifo_.Read("/nowhere/vrrp.fifo");
  ASSERT_FALSE(content.ok());
  EXPECT_EQ(content.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(content.error().message, HasSubstr("/nowhere/vrrp.fifo"));
}

}  // namespace
}  // namespace lvs::director
