#include "collectors/netlink/answer.h"

#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace lvs::netlink {
namespace {

constexpr ExpectedAnswer kExpected = {.type = RTM_NEWROUTE, .sequence = 5, .own_port = 77};

Error Explain(int number, std::uint16_t answer) {
  return {ErrorCode::kSystem, std::to_string(number) + " where " + std::to_string(answer)};
}

std::vector<std::byte> Message(std::uint16_t type, Bytes payload, std::uint32_t sequence = 5,
                               std::uint16_t flags = 0) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(sizeof header + payload.size());
  header.nlmsg_type = type;
  header.nlmsg_flags = flags;
  header.nlmsg_seq = sequence;
  header.nlmsg_pid = 77;
  std::vector<std::byte> bytes(sizeof header + payload.size());
  std::memcpy(bytes.data(), &header, sizeof header);
  std::ranges::copy(payload, bytes.begin() + sizeof header);
  return bytes;
}

std::vector<std::byte> End(std::uint16_t type, int status, std::uint16_t flags = 0) {
  return Message(type, std::as_bytes(std::span(&status, 1)), 5, flags);
}

std::vector<std::byte> RouteMessage() {
  return Message(RTM_NEWROUTE, std::vector<std::byte>(sizeof(rtmsg)));
}

Result<Progress> Receive(Bytes datagram, int* messages = nullptr) {
  Answer answer(kExpected, Explain);
  return answer.Receive(datagram, [&](Bytes) -> Result<void> {
    if (messages != nullptr) ++*messages;
    return {};
  });
}

TEST(NetlinkAnswer, GivesMessagesUntilTheEnd) {
  std::vector<std::byte> datagram = RouteMessage();
  const std::vector<std::byte> end = End(NLMSG_DONE, 0);
  datagram.insert(datagram.end(), end.begin(), end.end());
  int messages = 0;
  const Result<Progress> progress = Receive(datagram, &messages);
  ASSERT_TRUE(progress.ok()) << progress.error().message;
  EXPECT_EQ(progress.value(), Progress::kDone);
  EXPECT_EQ(messages, 1);
  EXPECT_EQ(Receive(RouteMessage()).value(), Progress::kMore);
}

TEST(NetlinkAnswer, KernelsErrorIsExplained) {
  const Result<Progress> progress = Receive(End(NLMSG_ERROR, -EINVAL));
  ASSERT_FALSE(progress.ok());
  EXPECT_EQ(progress.error().message, "22 where 24");
}

TEST(NetlinkAnswer, InterruptedDumpIsAnError) {
  const Result<Progress> progress = Receive(End(NLMSG_DONE, 0, NLM_F_DUMP_INTR));
  ASSERT_FALSE(progress.ok());
  EXPECT_EQ(progress.error().code, ErrorCode::kInterrupted);
}

TEST(NetlinkAnswer, ErrorOfTheCallerEndsIt) {
  Answer answer(kExpected, Explain);
  const Result<Progress> progress = answer.Receive(RouteMessage(), [](Bytes) -> Result<void> {
    return Error{ErrorCode::kMalformed, "not so"};
  });
  ASSERT_FALSE(progress.ok());
  EXPECT_EQ(progress.error().message, "not so");
}

TEST(NetlinkAnswer, DamageAndForeignMessagesAreErrors) {
  EXPECT_FALSE(Receive(Message(RTM_NEWLINK, {})).ok()) << "another type";
  EXPECT_FALSE(Receive(Message(RTM_NEWROUTE, {}, 4)).ok()) << "another sequence";
  EXPECT_FALSE(Receive(Message(NLMSG_OVERRUN, {})).ok());
  EXPECT_FALSE(Receive(Message(NLMSG_ERROR, {})).ok()) << "without its status";
  EXPECT_FALSE(Receive(End(NLMSG_ERROR, 17)).ok()) << "a positive status";
  EXPECT_FALSE(Receive(End(NLMSG_ERROR, std::numeric_limits<int>::min())).ok());
  const std::vector<std::byte> message = RouteMessage();
  for (std::size_t length = 1; length < message.size(); ++length) {
    EXPECT_FALSE(Receive(Bytes(message).first(length)).ok()) << length;
  }
}

}  // namespace
}  // namespace lvs::netlink
