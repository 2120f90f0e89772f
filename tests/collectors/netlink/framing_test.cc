#include "collectors/netlink/framing.h"

#include <gtest/gtest.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace lvs::netlink {
namespace {

constexpr Expected kExpected = {.family = 28, .sequence = 7, .own_port = 99};

// Messages of one datagram, as the kernel would send them to kExpected unless changed.
class DatagramBuilder {
 public:
  DatagramBuilder& Data(const std::string& attributes, std::uint16_t type = 28) {
    return Add(type, std::string(GENL_HDRLEN, '\1') + attributes);
  }
  DatagramBuilder& Status(std::uint16_t type, int status) {
    return Add(type, std::string(reinterpret_cast<const char*>(&status), sizeof status));
  }
  DatagramBuilder& Done(int status = 0) { return Status(NLMSG_DONE, status); }
  DatagramBuilder& Add(std::uint16_t type, const std::string& payload) {
    nlmsghdr header{};
    header.nlmsg_len = static_cast<std::uint32_t>(sizeof header + payload.size()) + extra_length;
    header.nlmsg_type = type;
    header.nlmsg_flags = flags;
    header.nlmsg_seq = sequence;
    header.nlmsg_pid = port;
    bytes_.append(reinterpret_cast<const char*>(&header), sizeof header);
    bytes_ += payload;
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
    return *this;
  }
  Bytes bytes() const { return std::as_bytes(std::span(bytes_)); }

  std::uint16_t flags = NLM_F_MULTI;
  std::uint32_t sequence = kExpected.sequence;
  std::uint32_t port = kExpected.own_port;
  std::uint32_t extra_length = 0;

 private:
  std::string bytes_;
};

class Framing : public ::testing::Test {
 protected:
  Result<Progress> Receive(const DatagramBuilder& datagram) {
    return conversation_.Receive({datagram.bytes()}, Take());
  }
  OnMessage Take() {
    return [this](Bytes attributes) {
      messages_.emplace_back(reinterpret_cast<const char*>(attributes.data()), attributes.size());
      return Result<void>();
    };
  }

  Conversation conversation_{kExpected};
  std::vector<std::string> messages_;
};

TEST_F(Framing, GivesEveryMessageAndEndsWithTheMarker) {
  const auto data = Receive(DatagramBuilder().Data("abcd").Data("efghij"));
  ASSERT_TRUE(data.ok());
  EXPECT_EQ(data.value(), Progress::kMore);
  EXPECT_FALSE(conversation_.final_status().has_value());
  const auto end = Receive(DatagramBuilder().Done());
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(end.value(), Progress::kDone);
  EXPECT_EQ(conversation_.final_status(), 0);
  EXPECT_EQ(messages_, (std::vector<std::string>{"abcd", "efghij"}));
}

TEST_F(Framing, AcceptsTheMarkerBehindDataInOneDatagram) {
  const auto end = Receive(DatagramBuilder().Data("abcd").Done());
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(end.value(), Progress::kDone);
  EXPECT_EQ(messages_.size(), 1u);
}

TEST_F(Framing, AcknowledgementEndsASingleRequest) {
  const auto end = Receive(DatagramBuilder().Data("abcd").Status(NLMSG_ERROR, 0));
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(end.value(), Progress::kDone);
}

TEST_F(Framing, SkipsNoOperation) {
  const auto end = Receive(DatagramBuilder().Add(NLMSG_NOOP, "").Data("abcd").Done());
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(messages_.size(), 1u);
}

TEST_F(Framing, RefusalCarriesItsErrorNumber) {
  const auto refused = Receive(DatagramBuilder().Status(NLMSG_ERROR, -ESRCH));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(conversation_.final_status(), ESRCH);
}

TEST_F(Framing, EndMarkerMayCarryAnError) {
  const auto failed = Receive(DatagramBuilder().Data("abcd").Done(-ENOMEM));
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().message, "Cannot allocate memory (ENOMEM)");
  EXPECT_EQ(conversation_.final_status(), ENOMEM);
}

TEST_F(Framing, PositiveStatusIsNoError) { EXPECT_TRUE(Receive(DatagramBuilder().Done(20)).ok()); }

TEST_F(Framing, AbsurdStatusIsAnError) {
  EXPECT_FALSE(Receive(DatagramBuilder().Done(std::numeric_limits<int>::min())).ok());
}

TEST_F(Framing, EndMarkerWithoutStatusIsMalformed) {
  const auto cut = Receive(DatagramBuilder().Add(NLMSG_DONE, "ab"));
  ASSERT_FALSE(cut.ok());
  EXPECT_EQ(cut.error().code, ErrorCode::kMalformed);
}

TEST_F(Framing, InterruptedDumpIsToldAtItsEnd) {
  DatagramBuilder interrupted;
  interrupted.flags = NLM_F_MULTI | NLM_F_DUMP_INTR;
  ASSERT_TRUE(Receive(interrupted.Data("abcd")).ok());
  const auto end = Receive(DatagramBuilder().Done());
  ASSERT_FALSE(end.ok());
  EXPECT_EQ(end.error().code, ErrorCode::kInterrupted);
  EXPECT_EQ(conversation_.final_status(), 0);
}

TEST_F(Framing, SenderOtherThanTheKernelIsRefused) {
  const DatagramBuilder datagram = DatagramBuilder().Data("abcd");
  const auto foreign = conversation_.Receive({datagram.bytes(), 1234, false}, Take());
  ASSERT_FALSE(foreign.ok());
  EXPECT_EQ(foreign.error().code, ErrorCode::kConnection);
  EXPECT_TRUE(messages_.empty());
}

TEST_F(Framing, TruncatedDatagramIsRefused) {
  const DatagramBuilder datagram = DatagramBuilder().Data("abcd");
  const auto cut = conversation_.Receive({datagram.bytes(), 0, true}, Take());
  ASSERT_FALSE(cut.ok());
  EXPECT_EQ(cut.error().code, ErrorCode::kConnection);
  EXPECT_TRUE(messages_.empty());
}

TEST_F(Framing, ForeignSequenceIsRefused) {
  DatagramBuilder datagram;
  datagram.sequence = 6;
  const auto foreign = Receive(datagram.Data("abcd"));
  ASSERT_FALSE(foreign.ok());
  EXPECT_EQ(foreign.error().code, ErrorCode::kConnection);
  EXPECT_TRUE(messages_.empty());
}

TEST_F(Framing, AnswerToAnotherPortIsRefused) {
  DatagramBuilder datagram;
  datagram.port = 98;
  EXPECT_FALSE(Receive(datagram.Data("abcd")).ok());
  EXPECT_TRUE(messages_.empty());
}

TEST_F(Framing, OverrunIsALostConnection) {
  const auto lost = Receive(DatagramBuilder().Add(NLMSG_OVERRUN, ""));
  ASSERT_FALSE(lost.ok());
  EXPECT_EQ(lost.error().code, ErrorCode::kConnection);
}

TEST_F(Framing, OtherFamilyIsMalformed) {
  const auto other = Receive(DatagramBuilder().Data("abcd", 29));
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().message, "a message of type 29, not of family 28");
}

TEST_F(Framing, LengthBeyondTheDatagramIsMalformed) {
  DatagramBuilder datagram;
  datagram.extra_length = 4;
  const auto cut = Receive(datagram.Data("abcd"));
  ASSERT_FALSE(cut.ok());
  EXPECT_EQ(cut.error().message, "a message of 28 bytes where 24 are left");
}

TEST_F(Framing, EveryPrefixOfADatagramIsAnErrorOrWantsMore) {
  const DatagramBuilder whole = DatagramBuilder().Data("abcd").Done();
  for (std::size_t length = 0; length < whole.bytes().size(); ++length) {
    Conversation conversation(kExpected);
    const auto part = conversation.Receive({whole.bytes().first(length)}, Take());
    const bool at_a_border = length == 0 || length == NLMSG_HDRLEN + GENL_HDRLEN + 4;
    EXPECT_EQ(part.ok(), at_a_border) << length;
    if (part.ok()) {
      EXPECT_EQ(part.value(), Progress::kMore);
    }
  }
}

TEST_F(Framing, MessageWithoutFamilyHeaderIsMalformed) {
  const auto cut = Receive(DatagramBuilder().Add(28, "ab"));
  ASSERT_FALSE(cut.ok());
  EXPECT_EQ(cut.error().message, "a message shorter than its family header");
}

TEST_F(Framing, ErrorOfTheTakerEndsTheExchange) {
  const DatagramBuilder datagram = DatagramBuilder().Data("abcd").Data("efgh").Done();
  int calls = 0;
  const auto refused = conversation_.Receive({datagram.bytes()}, [&](Bytes) -> Result<void> {
    ++calls;
    return Error{ErrorCode::kMalformed, "not like this"};
  });
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message, "not like this");
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(conversation_.final_status().has_value());
}

TEST(EncodeRequest, WritesBothHeadersAndTheAttributes) {
  const std::string attributes = "\x08\0\x01\0abcd";
  std::vector<std::byte> datagram = {std::byte{9}};
  EncodeRequest({4, Request::Kind::kDump, std::as_bytes(std::span(attributes.data(), 4))},
                kExpected, 1, datagram);
  nlmsghdr header;
  ASSERT_EQ(datagram.size(), NLMSG_HDRLEN + GENL_HDRLEN + 4u);
  std::memcpy(&header, datagram.data(), sizeof header);
  EXPECT_EQ(header.nlmsg_len, datagram.size());
  EXPECT_EQ(header.nlmsg_type, 28);
  EXPECT_EQ(header.nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
  EXPECT_EQ(header.nlmsg_seq, 7u);
  EXPECT_EQ(datagram[16], std::byte{4});
  EXPECT_EQ(datagram[17], std::byte{1});
}

TEST(EncodeRequest, SingleRequestAsksForAnAcknowledgement) {
  std::vector<std::byte> datagram;
  EncodeRequest({15, Request::Kind::kSingle, {}}, kExpected, 1, datagram);
  nlmsghdr header;
  std::memcpy(&header, datagram.data(), sizeof header);
  EXPECT_EQ(header.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
}

TEST(KernelError, SaysWhatAnOperatorCanDo) {
  EXPECT_EQ(KernelError(EPERM).code, ErrorCode::kNoPermission);
  EXPECT_NE(KernelError(EPERM).message.find("CAP_NET_ADMIN"), std::string::npos);
  EXPECT_EQ(KernelError(EACCES).code, ErrorCode::kNoPermission);
  EXPECT_EQ(KernelError(ESRCH).code, ErrorCode::kNotFound);
  EXPECT_EQ(KernelError(ENOENT).code, ErrorCode::kNotFound);
  EXPECT_EQ(KernelError(EOPNOTSUPP).code, ErrorCode::kNotSupported);
  EXPECT_EQ(KernelError(ENOBUFS).code, ErrorCode::kConnection);
  EXPECT_EQ(KernelError(EMSGSIZE).code, ErrorCode::kConnection);
  EXPECT_EQ(KernelError(EBUSY).code, ErrorCode::kConnection);
  EXPECT_EQ(KernelError(EINVAL).message, "Invalid argument (EINVAL)");
  EXPECT_EQ(KernelError(4000).message, "unknown kernel error 4000");
}

TEST(TimeoutError, SaysHowLong) {
  EXPECT_EQ(TimeoutError(std::chrono::seconds(2)).message, "timed out after 2 s");
  EXPECT_EQ(TimeoutError(std::chrono::milliseconds(1250)).message, "timed out after 1.25 s");
  EXPECT_EQ(TimeoutError(std::chrono::seconds(2)).code, ErrorCode::kTimeout);
}

}  // namespace
}  // namespace lvs::netlink
