// Filters, run by the kernel on the packets of a pair of local sockets.
#include "collectors/probes/packet_filter.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <vector>

#include "collectors/descriptor.h"
#include "collectors/probes/raw_socket.h"

namespace lvs::probes {
namespace {

using Width = FilterCondition::Width;
using Base = FilterCondition::Base;

// Whether the kernel passes the packet.
bool Passes(const std::vector<FilterAlternative>& alternatives, const std::string& packet) {
  std::array<int, 2> pair{};
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair.data()), 0);
  const Descriptor receiver(pair[0]);
  const Descriptor sender(pair[1]);
  EXPECT_TRUE(AttachFilter(receiver.get(), CompileFilter(alternatives))) << "not a valid program";
  send(sender.get(), packet.data(), packet.size(), MSG_DONTWAIT);
  std::array<char, 2048> buffer;
  const ssize_t length = recv(receiver.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (length < 0) return false;
  EXPECT_EQ(std::string(buffer.data(), static_cast<std::size_t>(length)), packet) << "whole";
  return true;
}

TEST(PacketFilter, NoAlternativePassesNothing) { EXPECT_FALSE(Passes({}, "E...")); }

TEST(PacketFilter, EveryConditionOfOneAlternativeMustHold) {
  const std::vector<FilterAlternative> filter = {
      {{Width::kU8, Base::kStart, 0, 'a'}, {Width::kU16, Base::kStart, 1, 0x6263}},
      {{Width::kU32, Base::kStart, 0, 0x7a797877}}};
  EXPECT_TRUE(Passes(filter, "abcd"));
  EXPECT_TRUE(Passes(filter, "zyxw"));
  EXPECT_FALSE(Passes(filter, "abdd"));
  EXPECT_FALSE(Passes(filter, "zbcd"));
}

TEST(PacketFilter, MaskLeavesWhatIsCompared) {
  const std::vector<FilterAlternative> filter = {{{Width::kU16, Base::kStart, 0, 0xef00, 0xff00}}};
  EXPECT_TRUE(Passes(filter, "\xef\x12"));
  EXPECT_FALSE(Passes(filter, "\xee\x12"));
}

TEST(PacketFilter, OffsetsMayCountFromTheEndOfTheIpHeader) {
  const std::vector<FilterAlternative> filter = {{{Width::kU8, Base::kBehindIpv4, 1, 'x'}}};
  EXPECT_TRUE(Passes(filter, "\x45" + std::string(19, '.') + "-x"));
  EXPECT_TRUE(Passes(filter, "\x46" + std::string(23, '.') + "-x"));
  EXPECT_FALSE(Passes(filter, "\x46" + std::string(19, '.') + "-x--"));
}

TEST(PacketFilter, ConditionOutsideAPacketDropsIt) {
  const std::vector<FilterAlternative> filter = {{{Width::kU32, Base::kStart, 2, 0}},
                                                 {{Width::kU8, Base::kStart, 0, 'a'}}};
  EXPECT_TRUE(Passes(filter, "abcdef"));
  EXPECT_FALSE(Passes(filter, "abcde"));
}

TEST(PacketFilter, ManyAlternativesAreTaken) {
  std::vector<FilterAlternative> filter;
  for (std::uint32_t i = 0; i < 100; ++i) filter.push_back({{Width::kU32, Base::kStart, 0, i}});
  EXPECT_TRUE(Passes(filter, std::string("\0\0\0\x63", 4)));
  EXPECT_FALSE(Passes(filter, "abcd"));
}

}  // namespace
}  // namespace lvs::probes
