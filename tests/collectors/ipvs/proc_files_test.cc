#include "collectors/ipvs/proc_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/support/fake_kernel.h"
#include "tests/support/fake_procfs.h"

namespace lvs::ipvs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// As Linux 6.1.176 wrote it.
constexpr char kServices[] =
    "IP Virtual Server version 1.2.1 (size=4096)\n"
    "Prot LocalAddress:Port Scheduler Flags\n"
    "  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n"
    "UDP  0A000004:0035 wrr ops  \n"
    "  -> 0A010001:0035      Route   1      0          0         \n"
    "TCP  [2001:0db8:0000:0000:0000:0000:0000:0001]:01BB sh persistent 60000 40000000\n"
    "  -> [2001:0db8:0001:0000:0000:0000:0000:0001]:01BB      Route   7      3          4         "
    "\n"
    "TCP  0A000001:0050 rr  \n"
    "  -> 0A010004:0050      Tunnel  2      0          0         \n"
    "  -> 0A010003:1F90      Masq    0      0          9         \n"
    "  -> 0A010002:0050      Local   3      0          0         \n"
    "SCTP  0A000005:0063 lc  \n"
    "  -> 0A010001:0063      Masq    1      0          0         \n"
    "IP_51  0A00004D:0050 rr  \n"
    "  -> 0A010009:0063      Masq    1      0          0         \n"
    "FWM  0000000A rr \n"
    "  -> [2001:0db8:0001:0000:0000:0000:0000:0002]:0000      Route   1      0          0         "
    "\n"
    "FWM  80000001 wlc persistent 30000 FFFFFF00\n"
    "  -> 0A010001:0000      Route   1      0          0         \n"
    "FWM  000000FF rr ops \n";

std::string With(std::string_view lines) {
  const std::string_view text = kServices;
  return std::string(text.substr(0, text.find("UDP"))) + std::string(lines);
}

class Services : public ::testing::Test {
 protected:
  void Parse(std::string_view text) {
    const Result<ProcServices> parsed = ParseServices(text);
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    info_ = parsed.value().info;
    for (const Service& service : parsed.value().services) {
      names_.push_back(ToString(service.key));
      services_[names_.back()] = service;
    }
  }

  Info info_;
  std::vector<std::string> names_;
  std::map<std::string, Service> services_;
};

TEST_F(Services, AreListedWithTheirKeys) {
  Parse(kServices);
  EXPECT_THAT(names_, ElementsAre("10.0.0.4:53/UDP", "[2001:db8::1]:443/TCP", "10.0.0.1:80/TCP",
                                  "10.0.0.5:99/SCTP", "mark 0000000A ipv6", "mark 80000001 ipv4"));
  EXPECT_EQ(info_.version, "1.2.1");
  EXPECT_EQ(info_.connection_table_buckets, 4096u);
}

TEST_F(Services, HaveTheirSettings) {
  Parse(kServices);
  EXPECT_EQ(services_["10.0.0.4:53/UDP"].flags, kServiceOnePacket);
  EXPECT_EQ(services_["10.0.0.4:53/UDP"].netmask, 0xffffffffu);
  EXPECT_EQ(services_["10.0.0.4:53/UDP"].scheduler, "wrr");
  EXPECT_EQ(services_["[2001:db8::1]:443/TCP"].flags, kServicePersistent);
  EXPECT_EQ(services_["[2001:db8::1]:443/TCP"].netmask, 64u);
  EXPECT_EQ(services_["mark 80000001 ipv4"].netmask, 0xffffff00u);
  EXPECT_EQ(services_["mark 0000000A ipv6"].netmask, 128u);
}

TEST_F(Services, HaveTheirBackends) {
  Parse(kServices);
  const std::vector<Backend>& backends = services_["10.0.0.1:80/TCP"].backends;
  ASSERT_EQ(backends.size(), 3u);
  EXPECT_EQ(backends[0].key, fake::ParseBackend("10.1.0.4:80"));
  EXPECT_EQ(backends[0].forward, ForwardMethod::kTunnel);
  EXPECT_EQ(backends[1].key, fake::ParseBackend("10.1.0.3:8080"));
  EXPECT_EQ(backends[1].forward, ForwardMethod::kMasquerade);
  EXPECT_EQ(backends[1].weight, 0u);
  EXPECT_EQ(backends[1].inactive_connections, 9u);
  EXPECT_EQ(backends[2].forward, ForwardMethod::kLocal);
  const Backend& ipv6 = services_["[2001:db8::1]:443/TCP"].backends.at(0);
  EXPECT_EQ(ipv6.key, fake::ParseBackend("[2001:db8:1::1]:443"));
  EXPECT_EQ(ipv6.weight, 7u);
  EXPECT_EQ(ipv6.active_connections, 3u);
}

TEST_F(Services, SayNothingThatTheFileDoesNotTell) {
  Parse(kServices);
  for (const auto& [name, service] : services_) {
    EXPECT_FALSE(service.counters.has_value()) << name;
    EXPECT_FALSE(service.persistence_timeout.has_value()) << name;
    for (const Backend& backend : service.backends) {
      EXPECT_FALSE(backend.counters.has_value()) << name;
      EXPECT_FALSE(backend.persistence_templates.has_value()) << name;
    }
  }
}

TEST_F(Services, BackendsOfAnUnknownProtocolDoNotGoToThePreviousService) {
  Parse(kServices);
  EXPECT_EQ(services_["10.0.0.5:99/SCTP"].backends.size(), 1u);
}

TEST_F(Services, OfAMarkTakeTheirFamilyFromBackendsThatAreNotTunnels) {
  Parse(
      With("FWM  00000001 rr \n"
           "  -> 0A010001:0000      Tunnel  1      0          0         \n"
           "  -> [2001:0db8:0001:0000:0000:0000:0000:0002]:0000      Route   1      0          0\n"
           "FWM  00000002 rr \n"
           "  -> 0A010001:0000      Tunnel  1      0          0         \n"));
  EXPECT_THAT(names_, ElementsAre("mark 00000001 ipv6", "mark 00000002 ipv4"));
}

TEST_F(Services, OfAMarkWithoutBackendsAreLeftOut) {
  Parse(With("FWM  00000001 rr \nFWM  00000002 rr \n"));
  EXPECT_THAT(names_, IsEmpty());
}

TEST_F(Services, MayHaveWordsThatNobodyKnowsYet) {
  Parse(With("TCP  0A000001:0050 rr new persistent 100 FFFFFFFF newer 7\n"));
  EXPECT_EQ(services_["10.0.0.1:80/TCP"].flags, kServicePersistent);
}

TEST_F(Services, AreNoneInAnEmptyTable) {
  Parse(With(""));
  EXPECT_THAT(names_, IsEmpty());
}

TEST(ParseServices, NamesTheLineThatItDoesNotUnderstand) {
  const auto message = [](std::string_view line) {
    const auto parsed = ParseServices(With(line));
    return parsed.ok() ? "no error" : parsed.error().message;
  };
  EXPECT_EQ(message("TCP  0A000001 rr\n"), "line 4: expected a service's address and port");
  EXPECT_EQ(message("TCP  0A0001:0050 rr\n"), "line 4: expected a service's address and port");
  EXPECT_EQ(message("TCP  0A000001:10050 rr\n"), "line 4: expected a service's address and port");
  EXPECT_EQ(message("TCP  [2001:db8::1]:0050 rr\n"),
            "line 4: expected a service's address and port");
  EXPECT_EQ(message("TCP  0A000001:0050\n"), "line 4: expected a scheduler");
  EXPECT_EQ(message("TCP  0A000001:0050 rr persistent 5\n"), "line 4: expected a persistence mask");
  EXPECT_EQ(message("FWM  XYZ rr\n"), "line 4: expected a mark");
  EXPECT_EQ(message("TCP  0A000001:0050 rr\n  -> 0A010004:0050 Tunnel 2 0\n"),
            "line 5: expected active and inactive connections");
  EXPECT_EQ(message("TCP  0A000001:0050 rr\n  -> 0A010004:0050 Teleport 2 0 0\n"),
            "line 5: expected a forward method");
  EXPECT_EQ(message("TCP  0A000001:0050 rr\n  -> 0A010004:0050 Masq -2 0 0\n"),
            "line 5: expected a weight");
  EXPECT_EQ(message("TCP  0A000001:0050 rr"), "line 4: expected a whole line");
}

TEST(ParseServices, EveryPrefixEndsAtALineOrIsAnError) {
  const std::string_view whole = kServices;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const std::string part(whole.substr(0, length));
    const bool whole_lines = length > whole.find("UDP") - 1 && part.back() == '\n';
    EXPECT_EQ(ParseServices(part).ok(), whole_lines) << length;
  }
}

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
  daemon.multicast_group = fake::ParseAddress("ff02::51");
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
  void SetSetting(std::string_view name, std::string_view text) {
    procfs_.Write("sys/net/ipv4/vs/" + std::string(name), text);
  }
  std::map<std::string, std::int64_t> ReadSettings() {
    std::vector<Sysctl> sysctls;
    estimation_ = proc_.ReadSettings(sysctls);
    std::map<std::string, std::int64_t> settings;
    for (const Sysctl& sysctl : sysctls) settings[sysctl.name] = sysctl.value;
    return settings;
  }

  fake::Procfs procfs_;
  ProcFiles proc_{procfs_.root()};
  std::optional<bool> estimation_;
};

TEST_F(ProcFilesTest, ReadsNumbersAndBothNumbersOfTheSyncThreshold) {
  SetSetting("conntrack", "1\n");
  SetSetting("conn_lfactor", "-4\n");
  SetSetting("sync_threshold", "3\t50\n");
  EXPECT_THAT(ReadSettings(),
              UnorderedElementsAre(Pair("conntrack", 1), Pair("conn_lfactor", -4),
                                   Pair("sync_threshold", 3), Pair("sync_period", 50)));
}

TEST_F(ProcFilesTest, LeavesOutWhatIsNotANumber) {
  SetSetting("conntrack", "on\n");
  SetSetting("backup_only", "1 2\n");
  SetSetting("sync_threshold", "3\n");
  SetSetting("sloppy_tcp", "");
  SetSetting("not_in_the_list", "1\n");
  EXPECT_THAT(ReadSettings(), IsEmpty());
}

TEST_F(ProcFilesTest, SeesASettingChange) {
  SetSetting("drop_entry", "1\n");
  EXPECT_THAT(ReadSettings(), ElementsAre(Pair("drop_entry", 1)));
  SetSetting("drop_entry", "2\n");
  EXPECT_THAT(ReadSettings(), ElementsAre(Pair("drop_entry", 2)));
}

TEST_F(ProcFilesTest, FindsNewFilesAfterTheModuleWasReloaded) {
  procfs_.Write("net/ip_vs", "");
  SetSetting("drop_entry", "1\n");
  EXPECT_TRUE(proc_.ModuleLoaded());
  EXPECT_EQ(ReadSettings().size(), 1u);
  procfs_.Remove("net/ip_vs");
  procfs_.Remove("sys/net/ipv4/vs");
  EXPECT_FALSE(proc_.ModuleLoaded());
  procfs_.Write("net/ip_vs", "");
  SetSetting("drop_entry", "3\n");
  SetSetting("conntrack", "1\n");
  EXPECT_TRUE(proc_.ModuleLoaded());
  EXPECT_THAT(ReadSettings(), ElementsAre(Pair("conntrack", 1), Pair("drop_entry", 3)));
}

TEST_F(ProcFilesTest, EstimationIsUnknownWithoutAnySetting) {
  ReadSettings();
  EXPECT_EQ(estimation_, std::nullopt);
}

TEST_F(ProcFilesTest, OldKernelsAlwaysEstimate) {
  SetSetting("conntrack", "0\n");
  ReadSettings();
  EXPECT_EQ(estimation_, true);
}

TEST_F(ProcFilesTest, EstimationFollowsItsSwitch) {
  SetSetting("run_estimation", "0\n");
  ReadSettings();
  EXPECT_EQ(estimation_, false);
  SetSetting("run_estimation", "1\n");
  ReadSettings();
  EXPECT_EQ(estimation_, true);
}

TEST_F(ProcFilesTest, EmptyCpuListStopsEstimation) {
  SetSetting("run_estimation", "1\n");
  SetSetting("est_cpulist", "0-3,8\n");
  EXPECT_THAT(ReadSettings(), ElementsAre(Pair("run_estimation", 1)));
  EXPECT_EQ(estimation_, true);
  SetSetting("est_cpulist", "\n");
  ReadSettings();
  EXPECT_EQ(estimation_, false);
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
  ipv6.multicast_group = fake::ParseAddress("ff02::51");
  ipv6.multicast_port = 9000;
  const SyncDaemon both[] = {BackupDaemon(), ipv6};
  EXPECT_EQ(proc_.ReadSyncReceiveDrops(both).value(), 152u);
}

TEST(SysctlNames, AreAClosedListWithoutRepetition) {
  std::vector<std::string_view> names = SysctlNames();
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
  EXPECT_TRUE(std::binary_search(names.begin(), names.end(), "sync_period"));
  EXPECT_FALSE(std::binary_search(names.begin(), names.end(), "est_cpulist"));
}

}  // namespace
}  // namespace lvs::ipvs
