// The fixtures are the attribute bytes of messages that Linux 6.1.176 sent, on a little endian
// machine; the rules that made them are beside each.
#include "collectors/ipvs/decode.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/fake_kernel.h"

namespace lvs::ipvs {
namespace {

// -A -u 10.0.0.4:53 -s wrr -p 77 -M 255.255.0.0, after 300 packets
constexpr char kUdpService[] =
    "5401010006000100020000000600020011000000140003000a00000400000000000000000000000006000400"
    "0035000008000600777272000c00070003000000ffffffff080008004d00000008000900ffff000060000a00"
    "080001002b010000080002002c01000008000300000000000c000400009600000000000004000b000c000500"
    "000000000000000008000600250000000800070025000000080008000000000008000900c012000008000a00"
    "00000000a0000c000c0001002b0100000000000004000b000c0002002c0100000000000004000b000c000300"
    "000000000000000004000b000c000400009600000000000004000b000c000500000000000000000004000b00"
    "0c000600250000000000000004000b000c000700250000000000000004000b000c0008000000000000000000"
    "04000b000c000900c01200000000000004000b000c000a000000000000000000";

// -A -t [2001:db8::1]:443 -s sh -p 600 -M 64 -b sh-port
constexpr char kIpv6Service[] =
    "54010100060001000a00000006000200060000001400030020010db800000000000000000000000106000400"
    "01bb000007000600736800000c00070013000000ffffffff0800080058020000080009004000000060000a00"
    "0800010000000000080002000000000008000300000000000c000400000000000000000004000b000c000500"
    "0000000000000000080006000000000008000700000000000800080000000000080009000000000008000a00"
    "00000000a0000c000c000100000000000000000004000b000c000200000000000000000004000b000c000300"
    "000000000000000004000b000c000400000000000000000004000b000c000500000000000000000004000b00"
    "0c000600000000000000000004000b000c000700000000000000000004000b000c0008000000000000000000"
    "04000b000c000900000000000000000004000b000c000a000000000000000000";

// -A -f 10 -s wlc -p 300 -M 255.255.255.0
constexpr char kMarkService[] =
    "3c0101000600010002000000080005000a00000008000600776c63000c00070003000000ffffffff08000800"
    "2c01000008000900ffffff0064000a0008000100000000000800020000000000080003000000000004000b00"
    "0c000400000000000000000004000b000c000500000000000000000008000600000000000800070000000000"
    "0800080000000000080009000000000008000a0000000000a0000c000c000100000000000000000004000b00"
    "0c000200000000000000000004000b000c000300000000000000000004000b000c0004000000000000000000"
    "04000b000c000500000000000000000004000b000c000600000000000000000004000b000c00070000000000"
    "0000000004000b000c000800000000000000000004000b000c000900000000000000000004000b000c000a00"
    "0000000000000000";

// -A -f 10 -6 -s rr
constexpr char kIpv6MarkService[] =
    "3c010100060001000a000000080005000a00000007000600727200000c00070002000000ffffffff08000800"
    "00000000080009008000000064000a0008000100000000000800020000000000080003000000000004000b00"
    "0c000400000000000000000004000b000c000500000000000000000008000600000000000800070000000000"
    "0800080000000000080009000000000008000a0000000000a0000c000c000100000000000000000004000b00"
    "0c000200000000000000000004000b000c000300000000000000000004000b000c0004000000000000000000"
    "04000b000c000500000000000000000004000b000c000600000000000000000004000b000c00070000000000"
    "0000000004000b000c000800000000000000000004000b000c000900000000000000000004000b000c000a00"
    "0000000000000000";

// -a -u 10.0.0.4:53 -r 10.1.0.1:5353 -m -w 513 -x 100000 -y 50
constexpr char kBackend[] =
    "7c010200140001000a0100010000000000000000000000000600020014e90000080003000000000008000400"
    "0102000005000d000000000006000e000000000006000f000000000008000500a08601000800060032000000"
    "0800070000000000080008002b010000080009000100000006000b000200000064000a00080001002b010000"
    "080002002c010000080003000000000004000b000c000400009600000000000004000b000c00050000000000"
    "0000000008000600250000000800070025000000080008000000000008000900c012000008000a0000000000"
    "a0000c000c0001002b0100000000000004000b000c0002002c0100000000000004000b000c00030000000000"
    "0000000004000b000c000400009600000000000004000b000c000500000000000000000004000b000c000600"
    "250000000000000004000b000c000700250000000000000004000b000c000800000000000000000004000b00"
    "0c000900c01200000000000004000b000c000a000000000000000000";

// -a -f 7 -r 10.1.0.2:0 -i --tun-type gue --tun-port 6080 --tun-csum -w 2
constexpr char kGueBackend[] =
    "7c010200140001000a0100020000000000000000000000000600020000000000080003000200000008000400"
    "0200000005000d000100000006000e0017c0000006000f000100000008000500000000000800060000000000"
    "08000700000000000800080000000000080009000000000006000b000200000064000a000800010000000000"
    "0800020000000000080003000000000004000b000c000400000000000000000004000b000c00050000000000"
    "00000000080006000000000008000700000000000800080000000000080009000000000008000a0000000000"
    "a0000c000c000100000000000000000004000b000c000200000000000000000004000b000c00030000000000"
    "0000000004000b000c000400000000000000000004000b000c000500000000000000000004000b000c000600"
    "000000000000000004000b000c000700000000000000000004000b000c000800000000000000000004000b00"
    "0c000900000000000000000004000b000c000a000000000000000000";

// -a -t [2001:db8::1]:443 -r [2001:db8:1::1]:443 -g -w 7
constexpr char kIpv6Backend[] =
    "7c0102001400010020010db80001000000000000000000010600020001bb0000080003000300000008000400"
    "0700000005000d000000000006000e000000000006000f000000000008000500000000000800060000000000"
    "08000700000000000800080000000000080009000000000006000b000a00000064000a000800010000000000"
    "0800020000000000080003000000000004000b000c000400000000000000000004000b000c00050000000000"
    "00000000080006000000000008000700000000000800080000000000080009000000000008000a0000000000"
    "a0000c000c000100000000000000000004000b000c000200000000000000000004000b000c00030000000000"
    "0000000004000b000c000400000000000000000004000b000c000500000000000000000004000b000c000600"
    "000000000000000004000b000c000700000000000000000004000b000c000800000000000000000004000b00"
    "0c000900000000000000000004000b000c000a000000000000000000";

// --start-daemon master --mcast-interface dummy0 --syncid 9 --sync-maxlen 1400
// --mcast-group ff02::51 --mcast-port 9000
constexpr char kMasterDaemon[] =
    "4c00030008000100010000000b00020064756d6d793000000800030009000000060004007805000006000700"
    "28230000050008000100000014000600ff020000000000000000000000000051";

// --start-daemon backup --mcast-interface lo --syncid 7
constexpr char kBackupDaemon[] =
    "3c0003000800010002000000070002006c6f0000080003000700000006000400e3ff00000600070090220000"
    "050008000100000008000500e0000051";

constexpr char kInfo[] = "08000100010201000800020000100000";

constexpr char kTimeouts[] = "08000400840300000800050078000000080006002c010000";

std::vector<std::byte> FromHex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  }
  return bytes;
}

// The same message with the attribute of this number inside the first nest renamed to 0xff, which
// nobody knows.
std::vector<std::byte> Without(std::uint8_t type, std::string_view hex) {
  std::vector<std::byte> bytes = FromHex(hex);
  std::size_t at = 4;
  while (at + 4 <= bytes.size()) {
    const auto length = static_cast<std::size_t>(bytes[at]);
    if (bytes[at + 2] == std::byte{type}) bytes[at + 2] = std::byte{0xff};
    at += (length + 3) & ~std::size_t{3};
  }
  return bytes;
}

std::string Message(const Result<void>& result) {
  return result.ok() ? "no error" : result.error().message;
}

class Decode : public ::testing::Test {
 protected:
  void SetUp() override {
    if constexpr (std::endian::native != std::endian::little) {
      GTEST_SKIP() << "the recorded messages are little endian";
    }
  }
};

TEST_F(Decode, ReadsAUdpService) {
  Service service;
  ASSERT_EQ(Message(DecodeService(FromHex(kUdpService), service)), "no error");
  EXPECT_EQ(ToString(service.key), "10.0.0.4:53/UDP");
  EXPECT_EQ(service.scheduler, "wrr");
  EXPECT_EQ(service.flags, kServicePersistent);
  EXPECT_EQ(service.persistence_timeout, 77u);
  EXPECT_EQ(service.netmask, 0xffff0000u);
  EXPECT_EQ(service.persistence_engine, "");
  EXPECT_EQ(service.counters, (Counters{299, 300, 0, 38400, 0}));
}

TEST_F(Decode, ReadsAnIpv6ServiceWithItsPrefixLength) {
  Service service;
  ASSERT_EQ(Message(DecodeService(FromHex(kIpv6Service), service)), "no error");
  EXPECT_EQ(ToString(service.key), "[2001:db8::1]:443/TCP");
  EXPECT_EQ(service.scheduler, "sh");
  EXPECT_EQ(service.flags, kServicePersistent | 0x10u);
  EXPECT_EQ(service.persistence_timeout, 600u);
  EXPECT_EQ(service.netmask, 64u);
}

TEST_F(Decode, ReadsOneMarkInBothFamiliesAsTwoServices) {
  Service ipv4;
  Service ipv6;
  ASSERT_EQ(Message(DecodeService(FromHex(kMarkService), ipv4)), "no error");
  ASSERT_EQ(Message(DecodeService(FromHex(kIpv6MarkService), ipv6)), "no error");
  EXPECT_EQ(ToString(ipv4.key), "mark 0000000A ipv4");
  EXPECT_EQ(ToString(ipv6.key), "mark 0000000A ipv6");
  EXPECT_EQ(ipv4.netmask, 0xffffff00u);
  EXPECT_EQ(ipv6.netmask, 128u);
  EXPECT_NE(ipv4.key, ipv6.key);
}

TEST_F(Decode, ReadsABackend) {
  Backend backend;
  ASSERT_EQ(Message(DecodeBackend(FromHex(kBackend), AddressFamily::kIpv4, backend)), "no error");
  EXPECT_EQ(backend.key, fake::ParseBackend("10.1.0.1:5353"));
  EXPECT_EQ(backend.forward, ForwardMethod::kMasquerade);
  EXPECT_EQ(backend.weight, 513u);
  EXPECT_EQ(backend.upper_threshold, 100000u);
  EXPECT_EQ(backend.lower_threshold, 50u);
  EXPECT_EQ(backend.active_connections, 0u);
  EXPECT_EQ(backend.inactive_connections, 299u);
  EXPECT_EQ(backend.persistence_templates, 1u);
  EXPECT_EQ(backend.counters, (Counters{299, 300, 0, 38400, 0}));
}

TEST_F(Decode, ReadsATunnel) {
  Backend backend;
  ASSERT_EQ(Message(DecodeBackend(FromHex(kGueBackend), AddressFamily::kIpv4, backend)),
            "no error");
  EXPECT_EQ(backend.forward, ForwardMethod::kTunnel);
  EXPECT_EQ(backend.tunnel_type, TunnelType::kGue);
  EXPECT_EQ(backend.tunnel_port, 6080);
  EXPECT_EQ(backend.tunnel_flags, kTunnelChecksum);
}

TEST_F(Decode, ReadsAnIpv6Backend) {
  Backend backend;
  ASSERT_EQ(Message(DecodeBackend(FromHex(kIpv6Backend), AddressFamily::kIpv6, backend)),
            "no error");
  EXPECT_EQ(backend.key, fake::ParseBackend("[2001:db8:1::1]:443"));
  EXPECT_EQ(backend.weight, 7u);
}

TEST_F(Decode, BackendOfAnOldKernelHasTheFamilyOfItsService) {
  Backend backend;
  ASSERT_EQ(Message(DecodeBackend(Without(11, kIpv6Backend), AddressFamily::kIpv6, backend)),
            "no error");
  EXPECT_EQ(backend.key, fake::ParseBackend("[2001:db8:1::1]:443"));
}

TEST_F(Decode, OwnFamilyOfABackendWinsOverThatOfItsService) {
  Backend backend;
  ASSERT_EQ(Message(DecodeBackend(FromHex(kIpv6Backend), AddressFamily::kIpv4, backend)),
            "no error");
  EXPECT_EQ(backend.key.address.family, AddressFamily::kIpv6);
}

TEST_F(Decode, ReadsTheVersionAndTheTimeouts) {
  Info info;
  ASSERT_EQ(Message(DecodeInfo(FromHex(kInfo), info)), "no error");
  EXPECT_EQ(info.version, "1.2.1");
  EXPECT_EQ(info.connection_table_buckets, 4096u);
  Timeouts timeouts;
  ASSERT_EQ(Message(DecodeTimeouts(FromHex(kTimeouts), timeouts)), "no error");
  EXPECT_EQ(timeouts.tcp, 900u);
  EXPECT_EQ(timeouts.tcp_fin, 120u);
  EXPECT_EQ(timeouts.udp, 300u);
}

TEST_F(Decode, ReadsBothSyncDaemons) {
  SyncDaemon master;
  SyncDaemon backup;
  ASSERT_EQ(Message(DecodeSyncDaemon(FromHex(kMasterDaemon), master)), "no error");
  ASSERT_EQ(Message(DecodeSyncDaemon(FromHex(kBackupDaemon), backup)), "no error");
  EXPECT_EQ(master.role, SyncDaemon::Role::kMaster);
  EXPECT_EQ(master.interface, "dummy0");
  EXPECT_EQ(master.sync_id, 9u);
  EXPECT_EQ(ToString(master.multicast_group), "ff02::51");
  EXPECT_EQ(master.multicast_port, 9000);
  EXPECT_EQ(backup.role, SyncDaemon::Role::kBackup);
  EXPECT_EQ(backup.interface, "lo");
  EXPECT_EQ(backup.sync_id, 7u);
  EXPECT_EQ(ToString(backup.multicast_group), "224.0.0.81");
  EXPECT_EQ(backup.multicast_port, 8848);
}

TEST_F(Decode, SyncDaemonOfAnOldKernelUsesTheOneGroupThereWas) {
  SyncDaemon daemon;
  daemon.multicast_port = 1;
  ASSERT_EQ(Message(DecodeSyncDaemon(Without(7, kMasterDaemon), daemon)), "no error");
  EXPECT_EQ(daemon.multicast_port, 8848);
  ASSERT_EQ(Message(DecodeSyncDaemon(Without(6, kMasterDaemon), daemon)), "no error");
  EXPECT_EQ(ToString(daemon.multicast_group), "224.0.0.81");
}

TEST_F(Decode, NarrowCountersServeWhereWideOnesAreMissing) {
  Service service;
  ASSERT_EQ(Message(DecodeService(Without(12, kUdpService), service)), "no error");
  EXPECT_EQ(service.counters, (Counters{299, 300, 0, 38400, 0}));
  Backend backend;
  ASSERT_EQ(Message(DecodeBackend(Without(12, kBackend), AddressFamily::kIpv4, backend)),
            "no error");
  EXPECT_EQ(backend.counters, (Counters{299, 300, 0, 38400, 0}));
}

TEST_F(Decode, DamagedNarrowCountersAreAnErrorWhereTheyAreNeeded) {
  std::vector<std::byte> bytes = Without(12, kBackend);
  bytes[bytes.size() - 160 - 100 + 4] = std::byte{7};  // the length of the first one
  Backend backend;
  EXPECT_EQ(Message(DecodeBackend(bytes, AddressFamily::kIpv4, backend)),
            "attribute 2: expected whole 32-bit statistics");
}

TEST_F(Decode, CountersThatAreNotToldAreAbsent) {
  std::vector<std::byte> bytes = Without(12, kBackend);
  bytes[bytes.size() - 160 - 100 + 2] = std::byte{0xff};  // STATS is just in front of STATS64
  Backend backend;
  ASSERT_EQ(Message(DecodeBackend(bytes, AddressFamily::kIpv4, backend)), "no error");
  EXPECT_FALSE(backend.counters.has_value());
}

TEST_F(Decode, TemplatesThatAreNotToldAreAbsent) {
  Backend backend;
  ASSERT_EQ(Message(DecodeBackend(Without(9, kBackend), AddressFamily::kIpv4, backend)),
            "no error");
  EXPECT_FALSE(backend.persistence_templates.has_value());
}

TEST_F(Decode, TimeoutCountsOnlyForPersistentServices) {
  Service service;
  service.persistence_timeout = 5;
  ASSERT_EQ(Message(DecodeService(FromHex(kIpv6MarkService), service)), "no error");
  EXPECT_FALSE(service.persistence_timeout.has_value());
}

TEST_F(Decode, BackendsOfTheServiceAreKept) {
  Service service;
  service.backends.resize(3);
  ASSERT_EQ(Message(DecodeService(FromHex(kUdpService), service)), "no error");
  EXPECT_EQ(service.backends.size(), 3u);
}

TEST_F(Decode, EveryFieldIsOverwritten) {
  Service used;
  ASSERT_TRUE(DecodeService(FromHex(kIpv6Service), used).ok());
  used.persistence_engine = "sip";
  ASSERT_TRUE(DecodeService(FromHex(kMarkService), used).ok());
  Service fresh;
  ASSERT_TRUE(DecodeService(FromHex(kMarkService), fresh).ok());
  EXPECT_EQ(used.key, fresh.key);
  EXPECT_EQ(used.persistence_engine, "");
  EXPECT_EQ(used.netmask, fresh.netmask);
}

TEST_F(Decode, MissingNeededAttributesAreNamed) {
  Service service;
  EXPECT_EQ(Message(DecodeService(Without(1, kUdpService), service)),
            "a service without its address family (attribute 1)");
  EXPECT_EQ(Message(DecodeService(Without(3, kUdpService), service)),
            "a service without its address (attribute 3)");
  EXPECT_EQ(Message(DecodeService(Without(5, kMarkService), service)),
            "a service without its protocol (attribute 2)");
  EXPECT_EQ(Message(DecodeService(Without(6, kMarkService), service)),
            "a service without its scheduler (attribute 6)");
  Backend backend;
  EXPECT_EQ(Message(DecodeBackend(Without(4, kBackend), AddressFamily::kIpv4, backend)),
            "a backend without its weight (attribute 4)");
  SyncDaemon daemon;
  EXPECT_EQ(Message(DecodeSyncDaemon(Without(3, kBackupDaemon), daemon)),
            "a sync daemon without its sync id (attribute 3)");
  Info info;
  EXPECT_FALSE(DecodeInfo({}, info).ok());
  Timeouts timeouts;
  EXPECT_FALSE(DecodeTimeouts({}, timeouts).ok());
  EXPECT_FALSE(DecodeService({}, service).ok());
  EXPECT_FALSE(DecodeBackend({}, AddressFamily::kIpv4, backend).ok());
  EXPECT_FALSE(DecodeSyncDaemon({}, daemon).ok());
}

TEST_F(Decode, WrongValuesAreErrors) {
  std::vector<std::byte> bytes = FromHex(kUdpService);
  bytes[8] = std::byte{3};  // the address family
  Service service;
  EXPECT_EQ(Message(DecodeService(bytes, service)),
            "attribute 1.1: expected address family 2 or 10");
  bytes = FromHex(kBackupDaemon);
  bytes[8] = std::byte{3};
  SyncDaemon daemon;
  EXPECT_EQ(Message(DecodeSyncDaemon(bytes, daemon)), "attribute 3.1: expected state 1 or 2");
}

TEST_F(Decode, ServiceOfAnotherProtocolIsToldApart) {
  std::vector<std::byte> bytes = FromHex(kUdpService);
  Service service;
  for (const int protocol : {51, 0, 262}) {  // 262 is 6 in its lower eight bits
    bytes[16] = static_cast<std::byte>(protocol & 0xff);
    bytes[17] = static_cast<std::byte>(protocol >> 8);
    const Result<void> decoded = DecodeService(bytes, service);
    ASSERT_FALSE(decoded.ok()) << protocol;
    EXPECT_EQ(decoded.error().code, ErrorCode::kNotSupported);
  }
}

TEST_F(Decode, MarksAreUnsigned) {
  std::vector<std::byte> bytes = FromHex(kMarkService);
  bytes[19] = std::byte{0x80};
  Service service;
  ASSERT_TRUE(DecodeService(bytes, service).ok());
  EXPECT_EQ(ToString(service.key), "mark 8000000A ipv4");
}

TEST_F(Decode, BytesBehindAnIpv4AddressDoNotGetIntoTheKey) {
  std::vector<std::byte> bytes = FromHex(kUdpService);
  bytes[24 + 10] = std::byte{1};
  Service service;
  ASSERT_TRUE(DecodeService(bytes, service).ok());
  EXPECT_EQ(service.key, fake::ParseService("10.0.0.4:53/UDP"));
}

TEST_F(Decode, EveryPrefixOfAMessageIsAnError) {
  const auto all_fail = [](std::string_view hex, auto decode) {
    const std::vector<std::byte> whole = FromHex(hex);
    for (std::size_t length = 0; length < whole.size(); ++length) {
      // A copy of that very size, so that a read behind its end is seen by a sanitizer.
      const std::vector<std::byte> part(whole.begin(),
                                        whole.begin() + static_cast<std::ptrdiff_t>(length));
      EXPECT_FALSE(decode(part).ok()) << length;
    }
  };
  all_fail(kUdpService, [](Bytes bytes) {
    Service service;
    return DecodeService(bytes, service);
  });
  all_fail(kBackend, [](Bytes bytes) {
    Backend backend;
    return DecodeBackend(bytes, AddressFamily::kIpv4, backend);
  });
  all_fail(kMasterDaemon, [](Bytes bytes) {
    SyncDaemon daemon;
    return DecodeSyncDaemon(bytes, daemon);
  });
  all_fail(kTimeouts, [](Bytes bytes) {
    Timeouts timeouts;
    return DecodeTimeouts(bytes, timeouts);
  });
}

TEST_F(Decode, EveryChangedLengthIsAnErrorOrStaysInside) {
  const std::vector<std::byte> whole = FromHex(kBackend);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int value : {0, 1, 3, 255}) {
      std::vector<std::byte> changed = whole;
      changed[at] = static_cast<std::byte>(value);
      Backend backend;
      (void)DecodeBackend(changed, AddressFamily::kIpv4, backend).ok();
    }
  }
}

}  // namespace
}  // namespace lvs::ipvs
