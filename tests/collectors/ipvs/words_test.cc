#include "collectors/ipvs/words.h"

#include <gtest/gtest.h>

#include "tests/support/fake_kernel.h"

namespace lvs::ipvs {
namespace {

TEST(PersistenceKind, FollowsTheKey) {
  const auto kind = [](const char* name) {
    return PersistenceKind(fake::Service(name).Persistent(300).value());
  };
  EXPECT_EQ(kind("10.0.0.1:80/TCP"), "ppc");
  EXPECT_EQ(kind("10.0.0.1:21/TCP"), "ftp");
  EXPECT_EQ(kind("10.0.0.1:0/TCP"), "pcc");
  EXPECT_EQ(kind("mark 0000000A ipv4"), "pfwmc");
  EXPECT_EQ(PersistenceKind(fake::Service("10.0.0.1:80/TCP").value()), "none");
}

TEST(FlagsText, NamesTheFlagsOfShAndMhAndNumbersTheOthers) {
  const auto flags = [](const char* scheduler, std::uint32_t bits) {
    return FlagsText(fake::Service("10.0.0.1:80/TCP").Scheduler(scheduler).Flags(bits).value());
  };
  EXPECT_EQ(flags("rr", 0), "");
  EXPECT_EQ(flags("rr", kServiceOnePacket), "ops");
  EXPECT_EQ(flags("sh", 0x8 | 0x10), "sh-fallback,sh-port");
  EXPECT_EQ(flags("mh", 0x4 | 0x10), "ops,mh-port");
  EXPECT_EQ(flags("sh", 0x20), "flag-3");
  EXPECT_EQ(flags("wlc", 0x8 | 0x10 | 0x20), "flag-1,flag-2,flag-3");
}

TEST(NetmaskText, IsDottedForIpv4AndALengthForIpv6) {
  EXPECT_EQ(NetmaskText(fake::Service("10.0.0.1:80/TCP").Netmask(0xffffff00).value()),
            "255.255.255.0");
  EXPECT_EQ(NetmaskText(fake::Service("[2001:db8::1]:80/TCP").Netmask(64).value()), "64");
}

TEST(ForwardText, NamesEveryMethodAndSurvivesUnknownOnes) {
  EXPECT_EQ(ForwardText(ForwardMethod::kMasquerade), "masquerade");
  EXPECT_EQ(ForwardText(ForwardMethod::kLocal), "local");
  EXPECT_EQ(ForwardText(ForwardMethod::kTunnel), "tunnel");
  EXPECT_EQ(ForwardText(ForwardMethod::kRoute), "route");
  EXPECT_EQ(ForwardText(ForwardMethod::kBypass), "bypass");
  EXPECT_EQ(ForwardText(static_cast<ForwardMethod>(7)), "unknown");
}

TEST(TunnelText, IsOnlyForTunnels) {
  EXPECT_EQ(TunnelText(fake::Backend("10.1.0.1:80").value()), "");
  EXPECT_EQ(TunnelText(fake::Backend("10.1.0.1:80").Tunnel(TunnelType::kIpip).value()), "ipip");
  const Backend gue = fake::Backend("10.1.0.1:80").Tunnel(TunnelType::kGue, 5555, 3).value();
  EXPECT_EQ(TunnelText(gue), "gue");
  EXPECT_EQ(TunnelFlagsText(gue), "csum,remcsum");
}

}  // namespace
}  // namespace lvs::ipvs
