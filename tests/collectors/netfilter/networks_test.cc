#include "collectors/netfilter/networks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "tests/support/ip.h"

namespace lvs::netfilter {
namespace {

using fake::Ip;
using ::testing::ElementsAre;

std::vector<std::string> Split(const char* first, const char* last, std::size_t limit = 300) {
  const auto networks = NetworksOf({Ip(first), Ip(last)}, limit);
  std::vector<std::string> lines;
  if (!networks) return {"too many"};
  for (const Network& network : *networks) lines.push_back(ToString(network));
  return lines;
}

TEST(Networks, RangeOfAPrefix) {
  const Range<Address> range = RangeOf(Ip("192.0.2.130"), 25);
  EXPECT_EQ(range.first, Ip("192.0.2.128"));
  EXPECT_EQ(range.last, Ip("192.0.2.255"));
  EXPECT_EQ(RangeOf(Ip("2001:db8::1"), 128).last, Ip("2001:db8::1"));
  EXPECT_EQ(RangeOf(Ip("2001:db8::1"), 0).last, Ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
  EXPECT_EQ(RangeOf(Ip("1.2.3.4"), 200).first, Ip("1.2.3.4"));
}

TEST(Networks, RangeIsTheFewestNetworks) {
  EXPECT_THAT(Split("192.0.2.0", "192.0.2.255"), ElementsAre("192.0.2.0/24"));
  EXPECT_THAT(Split("192.0.2.7", "192.0.2.7"), ElementsAre("192.0.2.7"));
  EXPECT_THAT(Split("192.0.2.1", "192.0.2.4"),
              ElementsAre("192.0.2.1", "192.0.2.2/31", "192.0.2.4"));
  EXPECT_THAT(Split("0.0.0.0", "255.255.255.255"), ElementsAre("0.0.0.0/0"));
  EXPECT_THAT(Split("2001:db8::", "2001:db8::2"), ElementsAre("2001:db8::/127", "2001:db8::2"));
  EXPECT_THAT(Split("0.0.0.1", "255.255.255.254", 10), ElementsAre("too many"));
  EXPECT_EQ(Split("::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe").size(), 254u);
}

TEST(Networks, MaskWithHolesIsNoPrefix) {
  const auto length = [](const char* mask) {
    const Address address = Ip(mask);
    return PrefixLengthOf(std::as_bytes(std::span(address.bytes)).first(4));
  };
  EXPECT_EQ(length("255.255.255.0"), 24u);
  EXPECT_EQ(length("255.255.255.128"), 25u);
  EXPECT_EQ(length("0.0.0.0"), 0u);
  EXPECT_EQ(length("255.255.255.255"), 32u);
  EXPECT_EQ(length("255.0.255.0"), std::nullopt);
  EXPECT_EQ(length("255.255.254.1"), std::nullopt);
  EXPECT_EQ(length("0.255.0.0"), std::nullopt);
}

}  // namespace
}  // namespace lvs::netfilter
