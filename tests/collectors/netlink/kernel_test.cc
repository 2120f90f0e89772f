// The transport over a real generic netlink socket. Every Linux has the family "nlctrl", which
// lists all families to anybody.
#include "collectors/netlink/kernel.h"

#include <gtest/gtest.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <set>
#include <string>

#include "collectors/netlink/attributes.h"

namespace lvs::netlink {
namespace {

using std::chrono::seconds;

constexpr Request kListFamilies = {CTRL_CMD_GETFAMILY, Request::Kind::kDump, {}};

Deadline Soon() { return Clock::now() + seconds(5); }

Result<std::set<std::string>> ListFamilies(KernelTransport& transport, Deadline deadline) {
  std::set<std::string> names;
  const Result<void> done =
      transport.Exchange(kListFamilies, {deadline}, [&](Bytes attributes) -> Result<void> {
        AttributeReader reader(attributes);
        while (reader.Next()) {
          if (reader.type() == CTRL_ATTR_FAMILY_NAME) names.emplace(reader.Text(GENL_NAMSIZ));
        }
        return reader.result();
      });
  if (!done.ok()) return done.error();
  return names;
}

std::set<std::string> OpenSockets() {
  std::set<std::string> sockets;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", ignored)) {
    const std::string target = std::filesystem::read_symlink(entry.path(), ignored).string();
    if (target.starts_with("socket:")) sockets.insert(target);
  }
  return sockets;
}

TEST(KernelTransport, ListsTheFamiliesOfTheRunningKernel) {
  KernelTransport transport("nlctrl", 2);
  const auto names = ListFamilies(transport, Soon());
  ASSERT_TRUE(names.ok()) << names.error().message;
  EXPECT_TRUE(names.value().contains("nlctrl"));
}

TEST(KernelTransport, KeepsItsSocket) {
  KernelTransport transport("nlctrl", 2);
  ASSERT_TRUE(ListFamilies(transport, Soon()).ok());
  const std::set<std::string> before = OpenSockets();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(ListFamilies(transport, Soon()).ok());
  EXPECT_EQ(OpenSockets(), before);
}

TEST(KernelTransport, AnswersASingleRequest) {
  KernelTransport transport("nlctrl", 2);
  AttributeWriter key;
  key.AddText(CTRL_ATTR_FAMILY_NAME, "nlctrl");
  std::uint16_t id = 0;
  const Result<void> done = transport.Exchange(
      {CTRL_CMD_GETFAMILY, Request::Kind::kSingle, key.bytes()}, {Soon()}, [&](Bytes attributes) {
        AttributeReader reader(attributes);
        while (reader.Next()) {
          if (reader.type() == CTRL_ATTR_FAMILY_ID) id = reader.U16();
        }
        return reader.result();
      });
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(id, GENL_ID_CTRL);
}

TEST(KernelTransport, RefusalLeavesTheSocketInUse) {
  KernelTransport transport("nlctrl", 2);
  ASSERT_TRUE(ListFamilies(transport, Soon()).ok());
  const std::set<std::string> before = OpenSockets();
  AttributeWriter key;
  key.AddU16(CTRL_ATTR_FAMILY_ID, 1000);
  const Result<void> refused =
      transport.Exchange({CTRL_CMD_GETFAMILY, Request::Kind::kSingle, key.bytes()}, {Soon()},
                         [](Bytes) { return Result<void>(); });
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(OpenSockets(), before);
  EXPECT_TRUE(ListFamilies(transport, Soon()).ok());
}

TEST(KernelTransport, UnknownFamilyIsAbsent) {
  KernelTransport transport("no such family", 1);
  const Result<void> absent = transport.Exchange({1, Request::Kind::kDump, {}}, {Soon()},
                                                 [](Bytes) { return Result<void>(); });
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().code, ErrorCode::kModuleAbsent);
  EXPECT_EQ(absent.error().message, "the kernel has no generic netlink family \"no such family\"");
}

TEST(KernelTransport, UnknownCommandIsNotSupported) {
  KernelTransport transport("nlctrl", 2);
  const Result<void> refused = transport.Exchange({200, Request::Kind::kSingle, {}}, {Soon()},
                                                  [](Bytes) { return Result<void>(); });
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kNotSupported);
}

TEST(KernelTransport, DeadlineInThePastIsATimeout) {
  KernelTransport transport("nlctrl", 2);
  const auto late = ListFamilies(transport, Clock::now() - seconds(1));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, ErrorCode::kTimeout);
  EXPECT_TRUE(ListFamilies(transport, Soon()).ok());
}

TEST(KernelTransport, ReplacesItsSocketAfterATakersError) {
  KernelTransport transport("nlctrl", 2);
  ASSERT_TRUE(ListFamilies(transport, Soon()).ok());
  const std::set<std::string> before = OpenSockets();
  const Result<void> failed =
      transport.Exchange(kListFamilies, {Soon()}, [](Bytes) -> Result<void> {
        return Error{ErrorCode::kMalformed, "not like this"};
      });
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().message, "not like this");
  ASSERT_TRUE(ListFamilies(transport, Soon()).ok());
  EXPECT_NE(OpenSockets(), before);
  EXPECT_EQ(OpenSockets().size(), before.size());
}

TEST(KernelTransport, TwoTransportsDoNotDisturbEachOther) {
  KernelTransport one("nlctrl", 2);
  KernelTransport other("nlctrl", 2);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(ListFamilies(one, Soon()).ok());
    ASSERT_TRUE(ListFamilies(other, Soon()).ok());
  }
}

// Puts a socket that only the test answers in place of a transport's own.
class SilentPeer {
 public:
  // The transport must have opened its socket since before.
  explicit SilentPeer(const std::set<std::string>& before) {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair_), 0);
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code ignored;
      const std::string target = std::filesystem::read_symlink(entry.path(), ignored).string();
      const int fd = std::stoi(entry.path().filename());
      if (!target.starts_with("socket:") || before.contains(target)) continue;
      if (fd != pair_[0] && fd != pair_[1]) dup2(pair_[0], fd);
    }
    close(pair_[0]);
  }
  ~SilentPeer() { close(pair_[1]); }

  void Says(const nlmsghdr& message) {
    EXPECT_EQ(send(pair_[1], &message, sizeof message, 0), static_cast<ssize_t>(sizeof message));
  }

 private:
  int pair_[2] = {-1, -1};
};

TEST(KernelTransport, SilenceEndsAtTheDeadlineAndTheNextExchangeWorks) {
  const std::set<std::string> before = OpenSockets();
  KernelTransport transport("nlctrl", 2);
  ASSERT_TRUE(ListFamilies(transport, Soon()).ok());
  const SilentPeer peer(before);
  const auto silent = ListFamilies(transport, Clock::now() + std::chrono::milliseconds(30));
  ASSERT_FALSE(silent.ok());
  EXPECT_EQ(silent.error().code, ErrorCode::kTimeout);
  EXPECT_EQ(silent.error().message, "timed out after 0.03 s");
  EXPECT_TRUE(ListFamilies(transport, Soon()).ok());
}

TEST(KernelTransport, SilenceEndsBeforeADistantDeadline) {
  const std::set<std::string> before = OpenSockets();
  KernelTransport transport("nlctrl", 2);
  ASSERT_TRUE(ListFamilies(transport, Soon()).ok());
  const SilentPeer peer(before);
  const Patience patience = {Clock::now() + std::chrono::hours(1), std::chrono::milliseconds(30)};
  const Result<void> silent =
      transport.Exchange(kListFamilies, patience, [](Bytes) { return Result<void>(); });
  ASSERT_FALSE(silent.ok());
  EXPECT_EQ(silent.error().code, ErrorCode::kTimeout);
  EXPECT_EQ(silent.error().message, "timed out after 0.03 s");
}

TEST(KernelTransport, StopWakesAnExchangeThatWaits) {
  const std::set<std::string> before = OpenSockets();
  KernelTransport transport("nlctrl", 2);
  ASSERT_TRUE(ListFamilies(transport, Soon()).ok());
  const SilentPeer peer(before);
  auto exchange = std::async(std::launch::async, [&] {
    return ListFamilies(transport, Clock::now() + std::chrono::hours(1));
  });
  EXPECT_EQ(exchange.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  transport.Stop();
  const auto stopped = exchange.get();
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, ErrorCode::kStopped);
  EXPECT_EQ(stopped.error().message, "the exporter is stopping");
}

TEST(KernelTransport, StopEndsEveryLaterExchange) {
  KernelTransport transport("nlctrl", 2);
  transport.Stop();
  for (int i = 0; i < 2; ++i) {
    const auto stopped = ListFamilies(transport, Soon());
    ASSERT_FALSE(stopped.ok());
    EXPECT_EQ(stopped.error().code, ErrorCode::kStopped);
  }
}

TEST(KernelTransport, AnswerToAnotherRequestIsRefusedAndTheNextExchangeWorks) {
  const std::set<std::string> before = OpenSockets();
  KernelTransport transport("nlctrl", 2);
  ASSERT_TRUE(ListFamilies(transport, Soon()).ok());
  SilentPeer peer(before);
  nlmsghdr stale{};
  stale.nlmsg_len = sizeof stale;
  stale.nlmsg_type = GENL_ID_CTRL;
  peer.Says(stale);
  const auto refused = ListFamilies(transport, Soon());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kConnection);
  EXPECT_TRUE(ListFamilies(transport, Soon()).ok());
}

}  // namespace
}  // namespace lvs::netlink
