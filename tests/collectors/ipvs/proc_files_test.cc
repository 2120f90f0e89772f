#include "collectors/ipvs/proc_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/fake_kernel.h"
#include "tests/support/fake_procfs.h"

namespace lvs::ipvs {
namespace {

using ::testing::HasSubstr;

constexpr char kTotals[] =
    "       Total Incoming Outgoing         Incoming         Outgoing\n"
    "CPU    Conns  Packets  Packets            Bytes            Bytes\n"
    "  0      12B      12C        1             9600               AB\n"
    "  1        1        2        3                4                5\n"
    " 1f FFFFFFFF 100000000       0 1000000000000000                0\n"
    "  ~      12A      12B        0             95FF                0\n"
    "\n"
    "     Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s\n"
    "          25       25        0             12C0                0\n";

TEST(ParseTotals, AddsTheRowsOfAllCpus) {
  const auto totals = ParseTotals(kTotals);
  ASSERT_TRUE(totals.ok()) << totals.error().message;
  EXPECT_EQ(totals.value().live, (Counters{0x12b + 1 + 0xffffffffull, 0x12c + 2 + 0x100000000u, 4,
                                           0x9600 + 4 + 0x1000000000000000u, 0xab + 5}));
  EXPECT_EQ(totals.value().estimator, (Counters{0x12a, 0x12b, 0, 0x95ff, 0}));
}

TEST(ParseTotals, CutFileIsAnError) {
  const std::string_view whole = kTotals;
  const std::size_t end = whole.find("\n\n");
  for (std::size_t length = 0; length <= end; ++length) {
    EXPECT_FALSE(ParseTotals(std::string(whole.substr(0, length))).ok()) << length;
  }
  EXPECT_TRUE(ParseTotals(whole.substr(0, end + 1)).ok());
}

TEST(ParseTotals, NamesTheLineThatItDoesNotUnderstand) {
  const auto totals = ParseTotals("a\nb\n  0 1 2 3 4\n");
  ASSERT_FALSE(totals.ok());
  EXPECT_EQ(totals.error().message, "line 3: expected five hexadecimal numbers");
  EXPECT_EQ(ParseTotals("a\nb\n  0 1 2 3 4 5\n").error().message,
            "line 3: expected a row ~ after the CPUs");
  EXPECT_EQ(ParseTotals("a\nb\nxyz\n").error().message, "line 3: expected a CPU's number or ~");
  EXPECT_EQ(ParseTotals("a\nb\n 0 11111111111111111 0 0 0 0\n").error().message,
            "line 3: expected five hexadecimal numbers");
}

// The first three rows as Linux 6.1.176 wrote them on a little endian machine, drops changed.
constexpr char kUdp[] =
    "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode ref pointer drops            \n"
    "  441: 510000E0:2290 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 "
    "119 "
    "2 000000001c6d70a0 132          \n"
    "  442: 510000E0:2291 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 "
    "119 "
    "2 000000001c6d70a0 3          \n"
    "  443: 0100007F:2290 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 "
    "119 "
    "2 000000001c6d70a0 1000          \n"
    "  444: 510000E0:22D0 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 "
    "119 "
    "2 000000001c6d70a0 4000          \n"
    "  445: 00000000:B3C9 510000E0:2290 01 00000000:00000000 00:00000000 00000000     0        0 "
    "119 "
    "2 000000001c6d70a0 5000          \n";

constexpr char kUdp6[] =
    "  sl  local_address                         remote_address                        st tx_queue "
    "rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
    "  242: 000002FF000000000000000051000000:2328 00000000000000000000000000000000:0000 07 "
    "00000000:00000000 00:00000000 00000000     0        0 123 2 00000000427dc8f3 17\n";

SyncDaemon BackupDaemon() {
  SyncDaemon daemon;
  daemon.role = SyncDaemon::Role::kBackup;
  daemon.interface = "lo";
  return daemon;
}

TEST(ParseSyncReceiveDrops, AddsTheSocketsOfTheBackupDaemon) {
  const SyncDaemon daemons[] = {BackupDaemon()};
  const auto drops = ParseSyncReceiveDrops(kUdp, AddressFamily::kIpv4, daemons);
  ASSERT_TRUE(drops.ok()) << drops.error().message;
  EXPECT_EQ(drops.value(), 135u);
}

TEST(ParseSyncReceiveDrops, CountsNothingForAMaster) {
  SyncDaemon master = BackupDaemon();
  master.role = SyncDaemon::Role::kMaster;
  const SyncDaemon daemons[] = {master};
  EXPECT_EQ(ParseSyncReceiveDrops(kUdp, AddressFamily::kIpv4, daemons).value(), 0u);
}

TEST(ParseSyncReceiveDrops, FindsAnIpv6Group) {
  SyncDaemon daemon = BackupDaemon();
  daemon.multicast_group = fake::Ip("ff02::51");
  daemon.multicast_port = 9000;
  const SyncDaemon daemons[] = {daemon};
  EXPECT_EQ(ParseSyncReceiveDrops(kUdp6, AddressFamily::kIpv6, daemons).value(), 17u);
}

TEST(ParseSyncReceiveDrops, NamesTheLineThatItDoesNotUnderstand) {
  const SyncDaemon daemons[] = {BackupDaemon()};
  const auto message = [&](std::string_view text) {
    const auto drops = ParseSyncReceiveDrops(text, AddressFamily::kIpv4, daemons);
    return drops.ok() ? "no error" : drops.error().message;
  };
  EXPECT_EQ(message("header\n 1: 510000E0 x\n"), "line 2: expected a local address and port");
  EXPECT_EQ(message("header\n 1: 510000E0:2290 x\n"), "line 2: expected a number of drops");
  EXPECT_EQ(message("header\n 1: 510000E0:2290 x 7"), "line 2: expected a whole line");
  EXPECT_EQ(message(""), "line 0: expected the column names");
}

class ProcFilesTest : public ::testing::Test {
 protected:
  fake::Procfs procfs_;
  ProcFiles proc_{procfs_.root()};
};

TEST_F(ProcFilesTest, FindsNewFilesAfterTheModuleWasReloaded) {
  procfs_.Write("net/ip_vs", "");
  procfs_.Write("sys/net/ipv4/vs/drop_entry", "1\n");
  EXPECT_TRUE(proc_.ModuleLoaded());
  std::vector<Sysctl> sysctls;
  proc_.ReadSettings(sysctls);
  ASSERT_EQ(sysctls.size(), 1u);
  procfs_.Remove("net/ip_vs");
  procfs_.Remove("sys/net/ipv4/vs");
  EXPECT_FALSE(proc_.ModuleLoaded());
  procfs_.Write("net/ip_vs", "");
  procfs_.Write("sys/net/ipv4/vs/drop_entry", "3\n");
  procfs_.Write("sys/net/ipv4/vs/conntrack", "1\n");
  EXPECT_TRUE(proc_.ModuleLoaded());
  proc_.ReadSettings(sysctls);
  ASSERT_EQ(sysctls.size(), 2u);
  EXPECT_EQ(sysctls[1].value, 3);
}

TEST_F(ProcFilesTest, ErrorsNameTheFile) {
  procfs_.Write("net/ip_vs", "nonsense\n");
  procfs_.Write("net/ip_vs_stats_percpu", "nonsense\n");
  EXPECT_EQ(proc_.ReadServices().error().message,
            procfs_.root() + "/net/ip_vs: line 1: expected the version");
  EXPECT_THAT(proc_.ReadTotals().error().message, HasSubstr("/net/ip_vs_stats_percpu: line 1"));
}

TEST_F(ProcFilesTest, TotalsOfManyCpusFit) {
  std::string text = "a\nb\n";
  for (int cpu = 0; cpu < 8192; ++cpu) text += "  0 1 1 1 1 1\n";
  procfs_.Write("net/ip_vs_stats_percpu", text + "  ~ 0 0 0 0 0\n");
  const auto totals = proc_.ReadTotals();
  ASSERT_TRUE(totals.ok()) << totals.error().message;
  EXPECT_EQ(totals.value().live.connections, 8192u);
}

TEST_F(ProcFilesTest, MissingTotalsAreNotFound) {
  EXPECT_EQ(proc_.ReadTotals().error().code, ErrorCode::kNotFound);
}

TEST_F(ProcFilesTest, SyncDropsAreAbsentWithoutABackupDaemon) {
  EXPECT_EQ(proc_.ReadSyncReceiveDrops({}).value(), std::nullopt);
}

TEST_F(ProcFilesTest, SyncDropsAreReadForTheFamilyOfTheGroup) {
  procfs_.Write("net/udp", kUdp);
  procfs_.Write("net/udp6", kUdp6);
  SyncDaemon ipv6 = BackupDaemon();
  ipv6.multicast_group = fake::Ip("ff02::51");
  ipv6.multicast_port = 9000;
  const SyncDaemon both[] = {BackupDaemon(), ipv6};
  EXPECT_EQ(proc_.ReadSyncReceiveDrops(both).value(), 152u);
}

}  // namespace
}  // namespace lvs::ipvs
