#include "collectors/connections/key_map.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <utility>

#include "tests/support/ip.h"

namespace lvs::connections {
namespace {

TEST(KeyMap, WithoutKeysHasNone) {
  EXPECT_EQ(KeyMap().Find({fake::Ip("192.0.2.1"), 1}), KeyMap::kAbsent);
}

TEST(KeyMap, DistinguishesAddressNumberAndFamily) {
  KeyMap map;
  const Address ipv4 = fake::Ip("1.2.3.4");
  Address same_bytes = ipv4;
  same_bytes.family = AddressFamily::kIpv6;
  map[{ipv4, 1}] = 10;
  map[{ipv4, 2}] = 20;
  map[{same_bytes, 1}] = 30;
  EXPECT_EQ(map.Find({ipv4, 1}), 10U);
  EXPECT_EQ(map.Find({ipv4, 2}), 20U);
  EXPECT_EQ(map.Find({same_bytes, 1}), 30U);
  EXPECT_EQ(map.Find({same_bytes, 2}), KeyMap::kAbsent);
}

TEST(KeyMap, AgreesWithAnOrdinaryMapWhileItGrows) {
  KeyMap map;
  std::map<std::pair<Address, std::uint64_t>, std::uint32_t> expected;
  std::mt19937 random(3);
  const auto random_key = [&random] {
    Address address;
    address.bytes[3] = static_cast<std::uint8_t>(random());
    address.bytes[15] = static_cast<std::uint8_t>(random() % 4);
    return std::pair(address, std::uint64_t{random() % 8} << 40);
  };
  for (std::uint32_t i = 0; i < 5000; ++i) {
    const auto key = random_key();
    map[{key.first, key.second}] = i;
    expected[key] = i;
    const auto other = random_key();
    const auto found = expected.find(other);
    ASSERT_EQ(map.Find({other.first, other.second}),
              found == expected.end() ? KeyMap::kAbsent : found->second);
  }
  for (const auto& [key, number] : expected) {
    ASSERT_EQ(map.Find({key.first, key.second}), number);
  }
}

}  // namespace
}  // namespace lvs::connections
