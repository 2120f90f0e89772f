#include "collectors/probes/socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "tests/support/fake_kernel.h"
#include "tests/support/with.h"

namespace lvs::probes {
namespace {

using Opened = std::variant<Descriptor, SocketFault>;

std::string Said(const Opened& opened) {
  const auto* fault = std::get_if<SocketFault>(&opened);
  return fault == nullptr ? "open" : std::string(Name(fault->reason)) + ": " + fault->detail;
}

int NumberOf(const Opened& opened) { return std::get<Descriptor>(opened).get(); }

int OptionOf(const Opened& opened, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  getsockopt(NumberOf(opened), level, name, &value, &size);
  return value;
}

TEST(OpenSocket, GivesANonBlockingDescriptorThatProgramsDoNotInherit) {
  const Opened opened = OpenSocket({}, AF_INET, SOCK_STREAM, IPPROTO_TCP);
  ASSERT_EQ(Said(opened), "open");
  EXPECT_TRUE(fcntl(NumberOf(opened), F_GETFL) & O_NONBLOCK);
  EXPECT_TRUE(fcntl(NumberOf(opened), F_GETFD) & FD_CLOEXEC);
}

TEST(OpenSocket, SetsTtlAndTos) {
  const Opened opened = OpenSocket(With(&SocketOptions::ttl, 3, &SocketOptions::tos, 0x10), AF_INET,
                                   SOCK_STREAM, IPPROTO_TCP);
  ASSERT_EQ(Said(opened), "open");
  EXPECT_EQ(OptionOf(opened, IPPROTO_IP, IP_TTL), 3);
  EXPECT_EQ(OptionOf(opened, IPPROTO_IP, IP_TOS), 0x10);
}

TEST(OpenSocket, SetsHopLimitAndTrafficClass) {
  const Opened opened = OpenSocket(With(&SocketOptions::ttl, 3, &SocketOptions::tos, 0x10),
                                   AF_INET6, SOCK_STREAM, IPPROTO_TCP);
  if (Said(opened) != "open") GTEST_SKIP() << "no IPv6 here: " << Said(opened);
  EXPECT_EQ(OptionOf(opened, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 3);
  EXPECT_EQ(OptionOf(opened, IPPROTO_IPV6, IPV6_TCLASS), 0x10);
}

TEST(OpenSocket, BindsToTheSourceAndLeavesThePortToConnect) {
  const Opened opened = OpenSocket(With(&SocketOptions::source, fake::Ip("127.0.0.2")), AF_INET,
                                   SOCK_STREAM, IPPROTO_TCP);
  ASSERT_EQ(Said(opened), "open");
  sockaddr_in name{};
  socklen_t size = sizeof name;
  getsockname(NumberOf(opened), reinterpret_cast<sockaddr*>(&name), &size);
  EXPECT_EQ(ntohl(name.sin_addr.s_addr), 0x7f000002u);
  EXPECT_EQ(name.sin_port, 0);
}

TEST(OpenSocket, SourceThatIsNotOursIsLocalBind) {
  EXPECT_EQ(Said(OpenSocket(With(&SocketOptions::source, fake::Ip("192.0.2.77")), AF_INET,
                            SOCK_STREAM, IPPROTO_TCP)),
            "local_bind: bind to 192.0.2.77: Cannot assign requested address");
}

TEST(OpenSocket, SourceOfTheOtherFamilyIsLocalConfig) {
  EXPECT_EQ(Said(OpenSocket(With(&SocketOptions::source, fake::Ip("::1")), AF_INET, SOCK_STREAM,
                            IPPROTO_TCP)),
            "local_config: source ::1 is of the other address family");
}

TEST(OpenSocket, UnknownInterfaceIsLocalConfig) {
  const std::string said = Said(
      OpenSocket(With(&SocketOptions::interface, "no_such0"), AF_INET, SOCK_STREAM, IPPROTO_TCP));
  EXPECT_EQ(said, "local_config: interface no_such0: No such device");
}

TEST(OpenSocket, BindsToAnInterface) {
  const Opened opened =
      OpenSocket(With(&SocketOptions::interface, "lo"), AF_INET, SOCK_STREAM, IPPROTO_TCP);
  ASSERT_EQ(Said(opened), "open");
  char name[16] = "";
  socklen_t size = sizeof name;
  getsockopt(NumberOf(opened), SOL_SOCKET, SO_BINDTODEVICE, name, &size);
  EXPECT_STREQ(name, "lo");
}

TEST(OpenSocket, UnknownNamespaceIsLocalConfig) {
  EXPECT_EQ(
      Said(OpenSocket(With(&SocketOptions::netns, "no_such"), AF_INET, SOCK_STREAM, IPPROTO_TCP)),
      "local_config: netns: open /run/netns/no_such: No such file or directory");
}

TEST(OpenSocket, FileThatIsNoNamespaceIsLocalConfig) {
  const std::string said = Said(
      OpenSocket(With(&SocketOptions::netns, "/etc/passwd"), AF_INET, SOCK_STREAM, IPPROTO_TCP));
  EXPECT_TRUE(said.starts_with("local_config: netns: enter /etc/passwd")) << said;
}

TEST(OpenSocket, VisitsANamespaceAndComesBack) {
  const auto own = With(&SocketOptions::netns, "/proc/self/ns/net");
  const Opened opened = OpenSocket(own, AF_INET, SOCK_STREAM, IPPROTO_TCP);
  if (Said(opened).starts_with("local_permission")) GTEST_SKIP() << "setns needs CAP_SYS_ADMIN";
  EXPECT_EQ(Said(opened), "open");
}

TEST(OpenSocket, SetsTheMark) {
  const Opened opened =
      OpenSocket(With(&SocketOptions::mark, 77), AF_INET, SOCK_STREAM, IPPROTO_TCP);
  if (Said(opened).starts_with("local_permission")) GTEST_SKIP() << "SO_MARK needs CAP_NET_ADMIN";
  ASSERT_EQ(Said(opened), "open");
  EXPECT_EQ(OptionOf(opened, SOL_SOCKET, SO_MARK), 77);
}

TEST(OpenSocket, NoDescriptorLeftIsLocalFdLimit) {
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  const Opened here = OpenSocket({}, AF_INET, SOCK_STREAM, IPPROTO_TCP);
  const Opened away = OpenSocket(With(&SocketOptions::netns, "/proc/self/ns/net"), AF_INET,
                                 SOCK_STREAM, IPPROTO_TCP);
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(Said(here), "local_fd_limit: socket: Too many open files");
  EXPECT_TRUE(Said(away).starts_with("local_fd_limit: ")) << Said(away);
}

TEST(ReasonOfErrno, TellsOurTroubleFromTheServers) {
  EXPECT_EQ(ReasonOfErrno(ENFILE), Reason::kLocalFdLimit);
  EXPECT_EQ(ReasonOfErrno(ENOBUFS), Reason::kLocalNoMemory);
  EXPECT_EQ(ReasonOfErrno(EADDRNOTAVAIL), Reason::kLocalNoPort);
  EXPECT_EQ(ReasonOfErrno(EADDRINUSE), Reason::kLocalBind);
  EXPECT_EQ(ReasonOfErrno(EPERM), Reason::kLocalPermission);
  EXPECT_EQ(ReasonOfErrno(EINVAL), Reason::kLocalConfig);
  EXPECT_EQ(ReasonOfErrno(EHOSTUNREACH), Reason::kHostUnreachable);
  EXPECT_EQ(ReasonOfErrno(ENETUNREACH), Reason::kNetUnreachable);
  EXPECT_EQ(ReasonOfErrno(ECONNREFUSED), Reason::kConnectRefused);
  EXPECT_EQ(ReasonOfErrno(ECONNRESET), Reason::kConnectReset);
  EXPECT_EQ(ReasonOfErrno(ETIMEDOUT), Reason::kConnectTimeout);
}

}  // namespace
}  // namespace lvs::probes
