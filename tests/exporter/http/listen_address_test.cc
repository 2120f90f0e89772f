#include "exporter/http/listen_address.h"

#include <gtest/gtest.h>

#include <string>

namespace lvs {
namespace {

TEST(ListenAddressTest, HostAndPortOrOnlyAPort) {
  EXPECT_EQ(ParseListenAddress(":10211").value(), (ListenAddress{"0.0.0.0", 10211}));
  EXPECT_EQ(ParseListenAddress("127.0.0.1:0").value(), (ListenAddress{"127.0.0.1", 0}));
  EXPECT_EQ(ParseListenAddress("10.1.2.3:65535").value(), (ListenAddress{"10.1.2.3", 65535}));
  EXPECT_EQ(ToString(ListenAddress{"10.1.2.3", 80}), "10.1.2.3:80");
}

TEST(ListenAddressTest, Ipv6IsRefusedInItsOwnSentence) {
  for (const std::string text : {"[::1]:10211", "[::]:10211", "::1", "::"}) {
    EXPECT_EQ(ParseListenAddress(text).error().message,
              "IPv6 is not supported, give an IPv4 address or only :PORT");
  }
}

TEST(ListenAddressTest, EverythingElseIsRefused) {
  for (const std::string text : {"",
                                 "10211",
                                 "127.0.0.1",
                                 ":",
                                 ":65536",
                                 ":-1",
                                 ":+1",
                                 ": 1",
                                 ":1 ",
                                 ":0x50",
                                 ":80s",
                                 ":80r",
                                 "localhost:80",
                                 "127.0.0.01:80",
                                 "127.1:80",
                                 "1.2.3.4.5:80",
                                 "256.0.0.1:80",
                                 " 1.2.3.4:80",
                                 "*:80",
                                 "1.2.3.4:80,1.2.3.5:80"}) {
    const Result<ListenAddress> address = ParseListenAddress(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_EQ(address.error().code, ErrorCode::kInvalidInput);
  }
  EXPECT_FALSE(ParseListenAddress(std::string("1.2.3.4\0x:80", 12)).ok());
}

}  // namespace
}  // namespace lvs
