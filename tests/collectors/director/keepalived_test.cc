#include "collectors/director/keepalived.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <string_view>

#include "collectors/descriptor.h"
#include "tests/support/fake_procfs.h"

namespace lvs::director {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Pid, IsAPositiveNumberAndALineFeed) {
  EXPECT_EQ(ParsePid("705\n"), 705);
  EXPECT_EQ(ParsePid("705"), 705);
  for (const char* const text :
       {"", "\n", "x", "0\n", "-5\n", "70 5\n", "7\n\n", "99999999999\n"}) {
    EXPECT_EQ(ParsePid(text), std::nullopt) << text;
  }
}

TEST(Signals, AreThoseOfTheMasksInStatus) {
  const std::string status =
      "Name:\tkeepalived\nSigBlk:\t0000000000000200\nSigIgn:\t0000000000001000\n"
      "SigCgt:\t0000000000000002\n";
  EXPECT_TRUE(TakesSignal(status, 2)) << "caught";
  EXPECT_TRUE(TakesSignal(status, 10)) << "blocked, for a signalfd";
  EXPECT_FALSE(TakesSignal(status, 13)) << "ignored";
  EXPECT_FALSE(TakesSignal(status, 36));
  EXPECT_FALSE(TakesSignal("Name:\tkeepalived\n", 36));
  EXPECT_FALSE(TakesSignal("", 36));
}

// As keepalived 2.2.7 has it.
TEST(Signals, OfKeepalivedAreThoseItReadsFromASignalfd) {
  const std::string status =
      "Name:\tkeepalived\nSigBlk:\t4000000800014a03\nSigIgn:\tbffffff67ffab034\n"
      "SigCgt:\t0000000000000000\n";
  EXPECT_TRUE(TakesSignal(status, 36));
}

// keepalived as its files and its process in a folder of the test's.
class KeepalivedTest : public testing::Test {
 protected:
  KeepalivedTest() {
    settings_.pid_file = At("keepalived.pid");
    settings_.notify_fifo = At("vrrp.fifo");
    settings_.json_file = At("keepalived.json");
  }

  std::string At(const std::string& name) const { return folder_.root() + "/" + name; }

  void Runs(int pid) {
    folder_.Write("keepalived.pid", std::to_string(pid) + "\n");
    folder_.Write(std::to_string(pid) + "/comm", "keepalived\n");
  }
  void Dies(int pid) { folder_.Remove(std::to_string(pid) + "/comm"); }

  // As long as it runs, or until it closes it.
  void OpensItsPipe() {
    pipe_ = Descriptor(open(settings_.notify_fifo.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    EXPECT_TRUE(pipe_.valid());
  }
  void ClosesItsPipe() { pipe_ = Descriptor(); }

  void Says(const std::string& line) {
    if (!pipe_.valid()) OpensItsPipe();
    const std::string text = line + "\n";
    EXPECT_EQ(write(pipe_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  // age: how long ago, from the test's clock.
  void WritesJson(const std::string& text, std::chrono::seconds age = 0s) {
    folder_.Write("keepalived.json", text);
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>((wall_ - age).time_since_epoch()).count();
    const timespec times[2] = {{seconds, ++nanoseconds_}, {seconds, nanoseconds_}};
    EXPECT_EQ(utimensat(AT_FDCWD, settings_.json_file.c_str(), times, 0), 0);
  }

  KeepalivedReading Read() { return keepalived_.Read(settings_, now_, wall_); }

  // "VI_1 master", "VI_1 51 master".
  std::vector<std::string> States() {
    std::vector<std::string> states;
    for (const VrrpInstance& instance : Read().instances) {
      const std::string vrid = instance.vrid ? std::to_string(*instance.vrid) + " " : "";
      states.push_back(instance.name + " " + vrid + std::string(Name(instance.state)));
    }
    return states;
  }

  void Pass(std::chrono::seconds time) {
    now_ += time;
    wall_ += time;
  }

  fake::Procfs folder_;
  KeepalivedSettings settings_;
  Descriptor pipe_;
  Keepalived keepalived_{folder_.root()};
  Clock::time_point now_{};
  WallTime wall_{std::chrono::sys_days{std::chrono::year{2026} / 11 / 30}};
  long nanoseconds_ = 0;
};

const std::string kMaster = R"([{"data":{"iname":"VI_1","vrid":51,"state":2}}])";

TEST_F(KeepalivedTest, IsNotExpectedBeforeItWasSeen) {
  settings_.notify_fifo.clear();
  settings_.json_file.clear();
  EXPECT_EQ(Read().up, std::nullopt);
  Runs(705);
  EXPECT_EQ(Read().up, true);
  Dies(705);
  EXPECT_EQ(Read().up, false);
}

TEST_F(KeepalivedTest, IsExpectedWhereItIsConfigured) {
  KeepalivedSettings nothing;
  nothing.pid_file = settings_.pid_file;
  KeepalivedSettings pipe = nothing, file = nothing, instances = nothing;
  pipe.notify_fifo = At("vrrp.fifo");
  file.json_file = At("keepalived.json");
  instances.instances = {{"VI_1", 51}};
  for (const KeepalivedSettings& settings : {pipe, file, instances}) {
    EXPECT_EQ(keepalived_.Read(settings, now_, wall_).up, false);
  }
  EXPECT_EQ(keepalived_.Read(nothing, now_, wall_).up, std::nullopt);
}

TEST_F(KeepalivedTest, IsExpectedOrNotAsTheConfigurationSays) {
  settings_.expected = true;
  EXPECT_EQ(Read().up, false);
  settings_.expected = false;
  Runs(705);
  EXPECT_EQ(Read().up, std::nullopt);
}

TEST_F(KeepalivedTest, ANumberThatIsAnotherProcessNowIsNotIt) {
  settings_.expected = true;
  Runs(705);
  folder_.Write("705/comm", "bash\n");
  EXPECT_EQ(Read().up, false);
}

TEST_F(KeepalivedTest, APidFileWithoutANumberIsNamed) {
  settings_.expected = true;
  folder_.Write("keepalived.pid", "soon\n");
  const KeepalivedReading reading = Read();
  EXPECT_EQ(reading.up, false);
  ASSERT_TRUE(reading.error);
  EXPECT_THAT(reading.error->message, HasSubstr("keepalived.pid: no process number"));
}

TEST_F(KeepalivedTest, LinesTellTheState) {
  Runs(705);
  EXPECT_THAT(States(), IsEmpty());
  Says("INSTANCE \"VI_1\" BACKUP 150");
  Says("INSTANCE \"VI_1\" MASTER 150");
  EXPECT_THAT(States(), ElementsAre("VI_1 master"));
  Pass(24h);
  EXPECT_THAT(States(), ElementsAre("VI_1 master")) << "as long as no other line comes";
}

TEST_F(KeepalivedTest, ALineThatIsNoneIsSkippedAndTold) {
  Runs(705);
  Read();
  Says("INST");
  Says("INSTANCE \"VI_1\" MASTER 150");
  const KeepalivedReading reading = Read();
  EXPECT_EQ(reading.instances.size(), 1u);
  ASSERT_TRUE(reading.error);
  EXPECT_EQ(reading.error->code, ErrorCode::kMalformed);
  EXPECT_THAT(reading.error->message, HasSubstr(settings_.notify_fifo));
  EXPECT_FALSE(Read().error);
}

TEST_F(KeepalivedTest, TheFileTellsWhatWasBeforeThePipe) {
  Runs(705);
  WritesJson(kMaster);
  EXPECT_THAT(States(), ElementsAre("VI_1 51 master"));
  Says("INSTANCE \"VI_1\" BACKUP 150");
  EXPECT_THAT(States(), ElementsAre("VI_1 51 backup"));
  EXPECT_THAT(States(), ElementsAre("VI_1 51 backup")) << "the file is not new";
}

TEST_F(KeepalivedTest, AnOldFileIsNotBelieved) {
  Runs(705);
  WritesJson(kMaster, 2min);
  EXPECT_THAT(States(), IsEmpty());
}

TEST_F(KeepalivedTest, WithoutAPipeAFileHoldsForAMinute) {
  settings_.notify_fifo.clear();
  Runs(705);
  WritesJson(kMaster);
  EXPECT_THAT(States(), ElementsAre("VI_1 51 master"));
  Pass(59s);
  EXPECT_THAT(States(), ElementsAre("VI_1 51 master"));
  Pass(2s);
  EXPECT_THAT(States(), IsEmpty());
  WritesJson(kMaster);
  EXPECT_THAT(States(), ElementsAre("VI_1 51 master"));
}

TEST_F(KeepalivedTest, AFileThatComesWhileThePipeIsOpenHolds) {
  Runs(705);
  Read();
  OpensItsPipe();
  Read();
  WritesJson(kMaster);
  EXPECT_THAT(States(), ElementsAre("VI_1 51 master"));
  Pass(1h);
  EXPECT_THAT(States(), ElementsAre("VI_1 51 master"));
}

// It was started before there was a pipe, or somebody has deleted the one that it has.
TEST_F(KeepalivedTest, APipeThatItHasNotOpenedIsTold) {
  Runs(705);
  EXPECT_FALSE(Read().error);
  Pass(Keepalived::kOpensWithin);
  const KeepalivedReading reading = Read();
  ASSERT_TRUE(reading.error);
  EXPECT_THAT(reading.error->message, HasSubstr("vrrp.fifo: keepalived runs and has not opened"));
  OpensItsPipe();
  EXPECT_FALSE(Read().error);
}

TEST_F(KeepalivedTest, WhatAPipeToldEndsSoonAfterItWasClosed) {
  Runs(705);
  Read();
  Says("INSTANCE \"VI_1\" MASTER 150");
  EXPECT_THAT(States(), ElementsAre("VI_1 master"));
  ClosesItsPipe();
  EXPECT_THAT(States(), ElementsAre("VI_1 master")) << "a reload opens it again";
  Pass(Keepalived::kOpensWithin);
  EXPECT_THAT(States(), IsEmpty());
}

TEST_F(KeepalivedTest, WhereThePipeIsNotOpenedAFileHoldsForAMinute) {
  Runs(705);
  Read();
  WritesJson(kMaster);
  EXPECT_THAT(States(), ElementsAre("VI_1 51 master"));
  Pass(59s);
  EXPECT_THAT(States(), ElementsAre("VI_1 51 master"));
  Pass(2s);
  EXPECT_THAT(States(), IsEmpty());
}

TEST_F(KeepalivedTest, APipeInPlaceOfTheFileIsRefused) {
  Runs(705);
  ASSERT_EQ(mkfifo(settings_.json_file.c_str(), 0600), 0);
  const KeepalivedReading reading = Read();
  ASSERT_TRUE(reading.error);
  EXPECT_THAT(reading.error->message, HasSubstr("keepalived.json: not a regular file"));
}

// The pipe tells an instance that a reload has removed as FAULT.
TEST_F(KeepalivedTest, AnInstanceInFaultThatIsNotExpectedIsGone) {
  settings_.instances = {{"VI_1", 51}};
  Runs(705);
  Read();
  Says("INSTANCE \"VI_1\" FAULT 150");
  Says("INSTANCE \"VI_2\" MASTER 150");
  EXPECT_THAT(States(), ElementsAre("VI_1 51 fault", "VI_2 master"));
  Says("INSTANCE \"VI_2\" FAULT 150");
  EXPECT_THAT(States(), ElementsAre("VI_1 51 fault"));
}

TEST_F(KeepalivedTest, TellsWhetherAllThatAreExpectedAreKnown) {
  settings_.instances = {{"VI_1", 51}, {"VI_2", 52}};
  Runs(705);
  Read();
  Says("INSTANCE \"VI_2\" BACKUP 150");
  EXPECT_FALSE(Read().instances_are_all);
  Says("INSTANCE \"VI_1\" MASTER 150");
  EXPECT_TRUE(Read().instances_are_all);
}

TEST_F(KeepalivedTest, AHalfWrittenFileIsReadAgain) {
  Runs(705);
  WritesJson(kMaster.substr(0, 20));
  const KeepalivedReading reading = Read();
  EXPECT_THAT(reading.instances, IsEmpty());
  EXPECT_FALSE(reading.error);
  WritesJson(kMaster);
  EXPECT_THAT(States(), ElementsAre("VI_1 51 master"));
}

TEST_F(KeepalivedTest, AFileThatStaysGarbageIsTold) {
  Runs(705);
  WritesJson("garbage", 5s);
  const KeepalivedReading reading = Read();
  ASSERT_TRUE(reading.error);
  EXPECT_THAT(reading.error->message, HasSubstr("keepalived.json: not JSON"));
}

TEST_F(KeepalivedTest, WhenItDiesItsInstancesAreInInit) {
  Runs(705);
  Read();
  Says("INSTANCE \"VI_1\" MASTER 150");
  EXPECT_THAT(States(), ElementsAre("VI_1 master"));
  Dies(705);
  EXPECT_THAT(States(), ElementsAre("VI_1 init"));
}

TEST_F(KeepalivedTest, ANewProcessTellsOfItself) {
  Runs(705);
  Read();
  Says("INSTANCE \"VI_1\" MASTER 150");
  EXPECT_THAT(States(), ElementsAre("VI_1 master"));
  Dies(705);
  Runs(812);
  EXPECT_THAT(States(), IsEmpty());
  Says("INSTANCE \"VI_1\" BACKUP 150");
  EXPECT_THAT(States(), ElementsAre("VI_1 backup"));
}

TEST_F(KeepalivedTest, AfterAPipeThatWasFullNothingIsKnown) {
  Runs(705);
  Read();
  const int fifo = open(settings_.notify_fifo.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  constexpr std::string_view kLine = "INSTANCE \"VI_1\" MASTER 150\n";
  while (write(fifo, kLine.data(), kLine.size()) > 0) {
  }
  close(fifo);
  const KeepalivedReading reading = Read();
  EXPECT_THAT(reading.instances, IsEmpty());
  ASSERT_TRUE(reading.error);
  EXPECT_THAT(reading.error->message, HasSubstr("the pipe was full"));
}

TEST_F(KeepalivedTest, ExpectedInstancesHaveTheirIds) {
  settings_.instances = {{"VI_1", 51}};
  Runs(705);
  Read();
  Says("INSTANCE \"VI_1\" MASTER 150");
  EXPECT_THAT(States(), ElementsAre("VI_1 51 master"));
}

// Holds back a signal to this process and counts how often it came.
class HeldBackSignal {
 public:
  explicit HeldBackSignal(int signal) {
    sigemptyset(&set_);
    sigaddset(&set_, signal);
    pthread_sigmask(SIG_BLOCK, &set_, &before_);
  }
  ~HeldBackSignal() {
    Take();
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  HeldBackSignal(const HeldBackSignal&) = delete;
  HeldBackSignal& operator=(const HeldBackSignal&) = delete;

  // Since the last call.
  int Take() {
    const timespec none{};
    int count = 0;
    while (sigtimedwait(&set_, nullptr, &none) > 0) ++count;
    return count;
  }

 private:
  sigset_t set_;
  sigset_t before_;
};

TEST_F(KeepalivedTest, IsAskedForANewFileEveryTenSeconds) {
  HeldBackSignal signal(SIGRTMIN + 2);
  settings_.send_signal = true;
  Runs(getpid());
  folder_.Write(std::to_string(getpid()) + "/status", "x\nSigCgt:\tffffffffffffffff\n");
  EXPECT_FALSE(Read().error);
  EXPECT_EQ(signal.Take(), 1);
  Pass(9s);
  Read();
  EXPECT_EQ(signal.Take(), 0);
  Pass(1s);
  Read();
  EXPECT_EQ(signal.Take(), 1);
}

TEST_F(KeepalivedTest, IsNotSignalledWithoutAWish) {
  HeldBackSignal signal(SIGRTMIN + 2);
  Runs(getpid());
  folder_.Write(std::to_string(getpid()) + "/status", "x\nSigCgt:\tffffffffffffffff\n");
  Read();
  EXPECT_EQ(signal.Take(), 0);
}

TEST_F(KeepalivedTest, OneThatDoesNotCatchTheSignalIsNotSignalled) {
  HeldBackSignal signal(SIGRTMIN + 2);
  settings_.send_signal = true;
  Runs(getpid());
  folder_.Write(std::to_string(getpid()) + "/status", "x\nSigCgt:\t0000000000000000\n");
  for (int look = 0; look < 3; ++look) {
    const KeepalivedReading reading = Read();
    ASSERT_TRUE(reading.error) << "also between two signals";
    EXPECT_EQ(reading.error->code, ErrorCode::kNotSupported);
    Pass(5s);
  }
  EXPECT_EQ(signal.Take(), 0);
}

}  // namespace
}  // namespace lvs::director
