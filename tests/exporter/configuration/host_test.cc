#include "exporter/configuration/host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lvs {
namespace {

TEST(ConfiguredMac, IsSixPairsWithColons) {
  EXPECT_EQ(ParseMac("02:00:5e:10:AB:ff"),
            (std::array<std::uint8_t, 6>{0x02, 0x00, 0x5e, 0x10, 0xab, 0xff}));
  for (const char* text : {"", "02:00:5e:10:00", "02-00-5e-10-00-01", "02:00:5e:10:00:0g",
                           "02:00:5e:10:00:011", "0200.5e10.0001"}) {
    EXPECT_EQ(ParseMac(text), std::nullopt) << text;
  }
}

// getaddrinfo() takes 10.1 and 0x0a000001 as addresses; a typing error must not become one.
TEST(HostName, IsNoMistypedAddress) {
  for (const char* text : {"web", "web-1.example.org", "web1.example.org.", "a_b"}) {
    EXPECT_TRUE(IsHostName(text)) << text;
  }
  for (const char* text : {"", ".", "..", "a..", "10.1", "192.168.1.300", "0x0a000001", "10",
                           "web 1", "::1", "http://web", "web:80"}) {
    EXPECT_FALSE(IsHostName(text)) << text;
  }
  EXPECT_FALSE(IsHostName(std::string(254, 'a')));
}

TEST(ResolveHost, TellsWhichNameHasNoAddress) {
  const auto found = ResolveHost("no..host", std::nullopt);  // needs no network to be wrong
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, ErrorCode::kInvalidInput);
  EXPECT_THAT(found.error().message, testing::StartsWith("no..host: "));
}

TEST(ResolveHost, GivesTheFamilyAskedFor) {
  const auto found = ResolveHost("localhost", AddressFamily::kIpv4);
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(ToString(found.value()), "127.0.0.1");
}

}  // namespace
}  // namespace lvs
