#include "collectors/probes/connect_error.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

namespace lvs::probes {
namespace {

IcmpError Icmp(int type, int code) {
  return {AddressFamily::kIpv4, static_cast<std::uint8_t>(type), static_cast<std::uint8_t>(code),
          false};
}
IcmpError Icmp6(int type, int code) {
  return {AddressFamily::kIpv6, static_cast<std::uint8_t>(type), static_cast<std::uint8_t>(code),
          false};
}

std::string Said(int error_number, const std::optional<IcmpError>& icmp) {
  const SocketFault fault = ConnectFault(error_number, icmp);
  return std::string(Name(fault.reason)) + ": " + fault.detail;
}

TEST(ConnectFault, RefusalWithoutIcmpIsTheServersOwn) {
  EXPECT_EQ(Said(ECONNREFUSED, std::nullopt), "connect_refused: connect: Connection refused");
}

TEST(ConnectFault, RefusalByIcmpIsAPacketFilters) {
  EXPECT_EQ(Said(ECONNREFUSED, Icmp(3, 3)),
            "connect_prohibited: connect: Connection refused (ICMP type 3 code 3)");
  EXPECT_EQ(Said(ECONNREFUSED, Icmp6(1, 4)),
            "connect_prohibited: connect: Connection refused (ICMPv6 type 1 code 4)");
}

TEST(ConnectFault, HostUnreachableByIcmpStaysThat) {
  EXPECT_EQ(Said(EHOSTUNREACH, Icmp(3, 1)),
            "host_unreachable: connect: No route to host (ICMP type 3 code 1)");
}

TEST(ConnectFault, NumberThatOnlyThisHostGivesIsNotOursWhenItCameOverTheNetwork) {
  EXPECT_EQ(ConnectFault(EOPNOTSUPP, Icmp(3, 5)).reason, Reason::kHostUnreachable);
}

TEST(ConnectFault, FilterOfThisHostIsOurOwnTrouble) {
  EXPECT_EQ(Said(EPERM, std::nullopt),
            "local_config: connect: Operation not permitted (a filter of this host forbids it)");
  IcmpError own = Icmp(3, 3);
  own.from_here = true;
  EXPECT_EQ(Said(ECONNREFUSED, own),
            "local_config: connect: Connection refused (ICMP type 3 code 3) from a filter of this "
            "host");
}

TEST(ConnectFault, HostThatDoesNotAnswerArpIsUnreachableAlthoughWeSaySoOurselves) {
  IcmpError own = Icmp(3, 1);
  own.from_here = true;
  EXPECT_EQ(ConnectFault(EHOSTUNREACH, own).reason, Reason::kHostUnreachable);
}

TEST(ConnectFault, RouteThatRefusesIsAFailure) {
  EXPECT_EQ(Said(EACCES, std::nullopt),
            "net_unreachable: connect: Permission denied (a route of type prohibit)");
  EXPECT_EQ(Said(EINVAL, std::nullopt),
            "net_unreachable: connect: Invalid argument (a route of type blackhole)");
}

TEST(PacketFilter, IsSeenInProhibitedCodesOfIpv4) {
  for (const int code : {3, 9, 10, 13}) {
    EXPECT_TRUE(IsFromPacketFilter(Icmp(3, code))) << code;
  }
  for (const int code : {0, 1, 2, 4, 6, 7}) {
    EXPECT_FALSE(IsFromPacketFilter(Icmp(3, code))) << code;
  }
  EXPECT_FALSE(IsFromPacketFilter(Icmp(11, 3)));
}

TEST(PacketFilter, IsSeenInProhibitedCodesOfIpv6) {
  for (const int code : {1, 4, 5, 6}) {
    EXPECT_TRUE(IsFromPacketFilter(Icmp6(1, code))) << code;
  }
  for (const int code : {0, 2, 3}) {
    EXPECT_FALSE(IsFromPacketFilter(Icmp6(1, code))) << code;
  }
  EXPECT_FALSE(IsFromPacketFilter(Icmp6(3, 1)));
}

TEST(TakeIcmpError, FindsNothingOnAFreshSocket) {
  const Descriptor fresh(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_FALSE(TakeIcmpError(fresh.get(), Address{}).has_value());
}

}  // namespace
}  // namespace lvs::probes
