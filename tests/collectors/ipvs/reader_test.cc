#include "collectors/ipvs/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <future>
#include <map>
#include <set>
#include <string>

#include "tests/support/fake_kernel.h"

namespace lvs::ipvs {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class ReaderTest : public ::testing::Test {
 protected:
  Reading Read() { return reader_.Read(Clock::now() + std::chrono::seconds(4)); }

  // Reads and expects no trouble.
  std::shared_ptr<const Table> ReadWell() {
    const Reading reading = Read();
    EXPECT_FALSE(reading.error.has_value()) << reading.error->message;
    EXPECT_TRUE(reading.table->up);
    EXPECT_TRUE(reading.table->services_known);
    return reading.table;
  }

  // Reads and expects that the services could not be had; gives the sentence.
  std::string ReadBadly() {
    const Reading reading = Read();
    EXPECT_FALSE(reading.table->up);
    EXPECT_FALSE(reading.table->services_known);
    EXPECT_THAT(reading.table->services, IsEmpty());
    return reading.error.has_value() ? reading.error->message : "no error";
  }

  std::uint64_t Retries(RetryReason reason) const {
    return reader_.counts().retries[static_cast<std::size_t>(reason)];
  }
  std::uint64_t Found(Inconsistency kind) const {
    return reader_.counts().inconsistencies[static_cast<std::size_t>(kind)];
  }

  // A service with backends 10.1.0.1 to 10.1.0.count.
  static fake::Service Web(int count = 3) {
    fake::Service service("10.0.0.1:80/TCP");
    for (int i = 1; i <= count; ++i) {
      service.With(fake::Backend("10.1.0." + std::to_string(i) + ":80"));
    }
    return service;
  }

  fake::Kernel kernel_;
  Reader reader_{kernel_.Connect(), kernel_.procfs_root()};
};

std::vector<std::string> Names(const Table& table) {
  std::vector<std::string> names;
  for (const Service& service : table.services) names.push_back(ToString(service.key));
  return names;
}

std::vector<std::string> Backends(const Table& table, std::string_view service) {
  std::vector<std::string> names;
  for (const Service& candidate : table.services) {
    if (ToString(candidate.key) != service) continue;
    for (const Backend& backend : candidate.backends) {
      names.push_back(ToString(backend.key.address));
    }
  }
  return names;
}

constexpr char kWeb[] = "10.0.0.1:80/TCP";

TEST_F(ReaderTest, ReadsAnEmptyTable) {
  const auto table = ReadWell();
  EXPECT_THAT(table->services, IsEmpty());
  EXPECT_EQ(table->info->version, "1.2.1");
  EXPECT_EQ(table->info->connection_table_buckets, 4096u);
  EXPECT_EQ(table->timeouts->tcp_fin, 120u);
  EXPECT_TRUE(table->sync_daemons.has_value());
  EXPECT_THAT(*table->sync_daemons, IsEmpty());
  EXPECT_EQ(table->totals, (Counters{10, 20, 0, 1000, 0}));
  EXPECT_EQ(table->estimator_totals, (Counters{9, 19, 0, 999, 0}));
  EXPECT_EQ(table->estimation_enabled, true);
  EXPECT_EQ(table->sync_receive_drops, std::nullopt);
  EXPECT_EQ(table->sysctls.size(), 3u);
}

TEST_F(ReaderTest, ReadsServicesOfEveryKindWithTheirBackends) {
  kernel_.Has(fake::Service("10.0.0.1:80/TCP")
                  .Scheduler("wlc")
                  .Counters({1, 2, 3, 4, 5})
                  .With(fake::Backend("10.1.0.1:80")
                            .Weight(3)
                            .Forward(ForwardMethod::kRoute)
                            .Connections(7, 8)
                            .Templates(9)
                            .Thresholds(100, 50)
                            .Counters({1ULL << 40, 2, 3, 4, 5}))
                  .With(fake::Backend("10.1.0.2:80").Tunnel(TunnelType::kGue, 6080, 1)));
  kernel_.Has(fake::Service("[2001:db8::1]:443/TCP")
                  .Persistent(600)
                  .Netmask(64)
                  .With(fake::Backend("[2001:db8:1::1]:443"))
                  .With(fake::Backend("10.1.0.9:443").Tunnel(TunnelType::kIpip)));
  kernel_.Has(fake::Service("10.0.0.4:5060/UDP").Engine("sip").Flags(kServiceOnePacket));
  kernel_.Has(fake::Service("10.0.0.5:99/SCTP"));
  kernel_.Has(fake::Service("mark 80000001 ipv4"));
  kernel_.Has(fake::Service("mark 80000001 ipv6"));
  const auto table = ReadWell();

  EXPECT_THAT(Names(*table),
              UnorderedElementsAre("10.0.0.1:80/TCP", "[2001:db8::1]:443/TCP", "10.0.0.4:5060/UDP",
                                   "10.0.0.5:99/SCTP", "mark 80000001 ipv4", "mark 80000001 ipv6"));
  std::map<std::string, Service> services;
  for (const Service& service : table->services) services[ToString(service.key)] = service;
  const Service& web = services[kWeb];
  EXPECT_EQ(web.scheduler, "wlc");
  EXPECT_EQ(web.counters, (Counters{1, 2, 3, 4, 5}));
  const Backend& first = web.backends.at(0);
  EXPECT_EQ(first.weight, 3u);
  EXPECT_EQ(first.forward, ForwardMethod::kRoute);
  EXPECT_EQ(first.active_connections, 7u);
  EXPECT_EQ(first.inactive_connections, 8u);
  EXPECT_EQ(first.persistence_templates, 9u);
  EXPECT_EQ(first.upper_threshold, 100u);
  EXPECT_EQ(first.lower_threshold, 50u);
  EXPECT_EQ(first.counters->connections, 1ULL << 40);
  EXPECT_EQ(web.backends.at(1).tunnel_port, 6080);
  const Service& tls = services["[2001:db8::1]:443/TCP"];
  EXPECT_EQ(tls.persistence_timeout, 600u);
  EXPECT_EQ(tls.netmask, 64u);
  EXPECT_EQ(tls.backends.at(1).key, fake::ParseBackend("10.1.0.9:443"));
  EXPECT_EQ(services["10.0.0.4:5060/UDP"].persistence_engine, "sip");
  EXPECT_EQ(services["10.0.0.4:5060/UDP"].flags, kServiceOnePacket);
}

TEST_F(ReaderTest, ReadsWhatAnotherKernelTellsDifferently) {
  kernel_.Has(Web().Counters({1, 2, 3, 4, 5}));
  const auto plain = ReadWell();
  kernel_.TellsUnknownAttributes();
  kernel_.TellsAttributesBackwards();
  const auto backwards = ReadWell();
  EXPECT_EQ(Names(*backwards), Names(*plain));
  EXPECT_EQ(backwards->services[0].counters, (Counters{1, 2, 3, 4, 5}));
  kernel_.TellsOnly32BitCounters();
  EXPECT_EQ(ReadWell()->services[0].counters, (Counters{1, 2, 3, 4, 5}));
}

TEST_F(ReaderTest, ReadsSyncDaemonsAndTheirLostDatagrams) {
  SyncDaemon daemon;
  daemon.role = SyncDaemon::Role::kBackup;
  daemon.interface = "eth1";
  daemon.sync_id = 7;
  kernel_.Runs(daemon);
  kernel_.procfs().Write("net/udp",
                         "  sl  local_address\n"
                         " 441: 510000E0:2290 00000000:0000 07 0 0 0 0 0 132\n");
  const auto table = ReadWell();
  ASSERT_TRUE(table->sync_daemons.has_value());
  EXPECT_THAT(*table->sync_daemons, ElementsAre(daemon));
  EXPECT_EQ(table->sync_receive_drops, 132u);
}

// What it asks for.

TEST_F(ReaderTest, AsksOncePerServiceWhenNothingChanged) {
  kernel_.Has(Web());
  ReadWell();
  const std::size_t before = kernel_.requests().size();
  ReadWell();
  const std::vector<std::string> second(kernel_.requests().begin() + static_cast<long>(before),
                                        kernel_.requests().end());
  EXPECT_THAT(second, ElementsAre("GET_SERVICE dump", "GET_DEST dump 10.0.0.1:80/TCP", "GET_INFO",
                                  "GET_CONFIG", "GET_DAEMON dump"));
}

TEST_F(ReaderTest, AsksNothingWhenTheModuleIsAbsent) {
  kernel_.UnloadsModule();
  const Reading reading = Read();
  EXPECT_FALSE(reading.table->up);
  EXPECT_FALSE(reading.table->services_known);
  ASSERT_TRUE(reading.error.has_value());
  EXPECT_EQ(reading.error->code, ErrorCode::kModuleAbsent);
  EXPECT_EQ(reading.error->message, "ipvs: the kernel module ip_vs is not loaded");
  EXPECT_THAT(kernel_.requests(), IsEmpty());
  EXPECT_THAT(reading.table->sysctls, IsEmpty());
  EXPECT_FALSE(reading.table->totals.has_value());
}

TEST_F(ReaderTest, ComesBackWithTheModule) {
  kernel_.Has(Web());
  ReadWell();
  kernel_.UnloadsModule();
  Read();
  kernel_.Flushes();
  kernel_.LoadsModule();
  EXPECT_THAT(ReadWell()->services, IsEmpty());
  EXPECT_THAT(kernel_.requests(), Not(Contains("GET_SERVICE 10.0.0.1:80/TCP")));
}

TEST_F(ReaderTest, ModuleUnloadedInMidReadingIsAbsent) {
  kernel_.Has(Web());
  kernel_.OnRequest(2).Does([&] { kernel_.UnloadsModule(); });
  const Reading reading = Read();
  ASSERT_TRUE(reading.error.has_value());
  EXPECT_EQ(reading.error->code, ErrorCode::kModuleAbsent);
  EXPECT_FALSE(reading.table->services_known);
}

TEST_F(ReaderTest, ModuleUnloadedAfterTheServicesIsAbsent) {
  kernel_.Has(Web());
  kernel_.OnRequest(4).Does([&] { kernel_.UnloadsModule(); });
  const Reading reading = Read();
  ASSERT_TRUE(reading.error.has_value());
  EXPECT_EQ(reading.error->code, ErrorCode::kModuleAbsent);
  EXPECT_FALSE(reading.table->up);
  EXPECT_FALSE(reading.table->services_known);
  EXPECT_THAT(reading.table->services, IsEmpty());
  EXPECT_FALSE(reading.table->info.has_value());
}

// Lists that change while they are read.

TEST_F(ReaderTest, ListsNothingTwice) {
  kernel_.Has(Web());
  kernel_.Has(fake::Service("10.0.0.2:80/TCP"));
  kernel_.OnEveryRequest().ListsTwice();
  const auto table = ReadWell();
  EXPECT_THAT(Names(*table), UnorderedElementsAre(kWeb, "10.0.0.2:80/TCP"));
  EXPECT_THAT(Backends(*table, kWeb), UnorderedElementsAre("10.1.0.1", "10.1.0.2", "10.1.0.3"));
  EXPECT_EQ(Found(Inconsistency::kDuplicate), 5u);
}

TEST_F(ReaderTest, LaterOfTwoEntriesWins) {
  kernel_.Has(Web(1));
  kernel_.OnRequest(2).ListsTwice().Overwrites(4 + 20 + 8 + 8 + 4, std::string("\x09\0\0\0", 4));
  EXPECT_EQ(ReadWell()->services[0].backends.at(0).weight, 1u);
}

TEST_F(ReaderTest, BackendThatADumpMissedStays) {
  kernel_.Has(Web());
  ReadWell();
  kernel_.OnRequest(2).Skips(1);
  EXPECT_THAT(Backends(*ReadWell(), kWeb),
              UnorderedElementsAre("10.1.0.1", "10.1.0.2", "10.1.0.3"));
  EXPECT_EQ(Found(Inconsistency::kVanished), 1u);
}

TEST_F(ReaderTest, BackendThatTwoDumpsMissedDifferentlyStays) {
  kernel_.Has(Web());
  ReadWell();
  kernel_.OnRequest(2).Skips(1);
  kernel_.OnRequest(3).Skips(0);
  EXPECT_THAT(Backends(*ReadWell(), kWeb),
              UnorderedElementsAre("10.1.0.1", "10.1.0.2", "10.1.0.3"));
}

TEST_F(ReaderTest, BackendThatThreeOfFourDumpsMissedStays) {
  kernel_.Has(Web(6));
  ReadWell();
  for (std::size_t request : {2, 3, 4}) {
    const std::string other = "10.1.0." + std::to_string(request + 2) + ":80";
    kernel_.OnRequest(request).Skips(0).Does(
        [this, other] { kernel_.ForgetsBackend(kWeb, other); });
  }
  EXPECT_THAT(Backends(*ReadWell(), kWeb), Contains("10.1.0.1"));
}

TEST_F(ReaderTest, BackendThatFourDifferentListsLackIsGone) {
  kernel_.Has(Web(6));
  ReadWell();
  const std::size_t before = kernel_.requests().size();
  for (std::size_t request : {2, 3, 4, 5}) {
    const std::string next = "10.1.0." + std::to_string(request) + ":80";
    kernel_.OnRequest(request).Does([this, next] { kernel_.ForgetsBackend(kWeb, next); });
  }
  const auto table = ReadWell();
  EXPECT_THAT(Backends(*table, kWeb), Not(Contains("10.1.0.2")));
  // Seen in one of the lists is not missing in all; the next reading looks again.
  EXPECT_THAT(Backends(*table, kWeb), Contains("10.1.0.5"));
  EXPECT_EQ(kernel_.requests().size() - before, 8u);
  EXPECT_THAT(Backends(*ReadWell(), kWeb), UnorderedElementsAre("10.1.0.1", "10.1.0.6"));
}

TEST_F(ReaderTest, RemovedBackendGoesAfterASecondLook) {
  kernel_.Has(Web());
  ReadWell();
  kernel_.ForgetsBackend(kWeb, "10.1.0.2:80");
  const std::size_t before = kernel_.requests().size();
  EXPECT_THAT(Backends(*ReadWell(), kWeb), UnorderedElementsAre("10.1.0.1", "10.1.0.3"));
  EXPECT_EQ(kernel_.requests().size() - before, 6u);
  EXPECT_EQ(Found(Inconsistency::kVanished), 0u);
}

TEST_F(ReaderTest, BackendsOfAServiceThatMovedInTheListAreStillWatched) {
  kernel_.Has(Web());
  ReadWell();
  kernel_.Has(fake::Service("10.0.0.2:80/TCP"));
  kernel_.OnRequest(4).Skips(1);  // list, backends of the new one, its confirmation, ours
  EXPECT_THAT(Backends(*ReadWell(), kWeb),
              UnorderedElementsAre("10.1.0.1", "10.1.0.2", "10.1.0.3"));
}

TEST_F(ReaderTest, ServiceThatADumpMissedStays) {
  kernel_.Has(Web());
  kernel_.Has(fake::Service("10.0.0.2:80/TCP").With(fake::Backend("10.1.0.9:80")));
  ReadWell();
  kernel_.OnRequest(1).Skips(0);
  const auto table = ReadWell();
  EXPECT_THAT(Names(*table), UnorderedElementsAre(kWeb, "10.0.0.2:80/TCP"));
  EXPECT_THAT(Backends(*table, "10.0.0.2:80/TCP"), ElementsAre("10.1.0.9"));
  EXPECT_EQ(Found(Inconsistency::kVanished), 1u);
}

TEST_F(ReaderTest, RemovedServiceGoes) {
  kernel_.Has(Web());
  kernel_.Has(fake::Service("10.0.0.2:80/TCP"));
  ReadWell();
  kernel_.Forgets("10.0.0.2:80/TCP");
  EXPECT_THAT(Names(*ReadWell()), ElementsAre(kWeb));
  EXPECT_EQ(Found(Inconsistency::kVanished), 0u);
  EXPECT_THAT(kernel_.requests(), Contains("GET_SERVICE 10.0.0.2:80/TCP"));
}

TEST_F(ReaderTest, ServiceDeletedBetweenTheDumpsIsGoneNotEmpty) {
  kernel_.Has(Web());
  kernel_.OnRequest(2).Does([&] { kernel_.Forgets(kWeb); });
  EXPECT_THAT(ReadWell()->services, IsEmpty());
  EXPECT_EQ(Found(Inconsistency::kStale), 1u);
}

TEST_F(ReaderTest, ServiceDeletedInTheMiddleOfItsBackendsIsGone) {
  kernel_.Has(Web());
  ReadWell();
  kernel_.OnRequest(2).EndsAfter(1);
  kernel_.OnRequest(3).Does([&] { kernel_.Forgets(kWeb); });
  EXPECT_THAT(ReadWell()->services, IsEmpty());
  EXPECT_EQ(Found(Inconsistency::kStale), 1u);
}

TEST_F(ReaderTest, ServiceWithoutBackendsStaysOne) {
  kernel_.Has(fake::Service(kWeb));
  const auto table = ReadWell();
  EXPECT_THAT(Names(*table), ElementsAre(kWeb));
  EXPECT_THAT(Backends(*table, kWeb), IsEmpty());
  EXPECT_EQ(Found(Inconsistency::kStale), 0u);
}

TEST_F(ReaderTest, EmptyDumpOfALivingServiceDoesNotEndItsBackends) {
  kernel_.Has(Web());
  ReadWell();
  kernel_.OnRequest(2).EndsAfter(0);
  EXPECT_THAT(Backends(*ReadWell(), kWeb),
              UnorderedElementsAre("10.1.0.1", "10.1.0.2", "10.1.0.3"));
}

TEST_F(ReaderTest, FlushInMidDumpLeavesNothing) {
  for (int i = 1; i < 50; ++i) {
    kernel_.Has(fake::Service("10.0.0." + std::to_string(i) + ":80/TCP")
                    .With(fake::Backend("10.1.0.1:80")));
  }
  ReadWell();
  kernel_.OnRequest(1).EndsAfter(21);
  kernel_.OnRequest(2).Does([&] { kernel_.Flushes(); });
  EXPECT_THAT(ReadWell()->services, IsEmpty());
}

TEST_F(ReaderTest, ShortListOfServicesWithoutAFlushIsMended) {
  for (int i = 1; i < 50; ++i) {
    kernel_.Has(fake::Service("10.0.0." + std::to_string(i) + ":80/TCP"));
  }
  ReadWell();
  kernel_.OnRequest(1).EndsAfter(21);
  EXPECT_EQ(ReadWell()->services.size(), 49u);
  EXPECT_EQ(Found(Inconsistency::kVanished), 28u);
}

TEST_F(ReaderTest, MassRemovalTakesASecondListAndNotARequestEach) {
  for (int i = 0; i < 2000; ++i) {
    kernel_.Has(fake::Service("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250) +
                              ":80/TCP"));
  }
  ReadWell();
  kernel_.Flushes();
  const std::size_t before = kernel_.requests().size();
  EXPECT_THAT(ReadWell()->services, IsEmpty());
  EXPECT_EQ(kernel_.requests().size() - before, 5u);
}

TEST_F(ReaderTest, ManyMissedServicesAreFoundInASecondList) {
  for (int i = 0; i < 500; ++i) {
    kernel_.Has(fake::Service("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250) +
                              ":80/TCP"));
  }
  ReadWell();
  kernel_.OnRequest(1).EndsAfter(10);
  kernel_.OnRequest(2).EndsAfter(300);
  EXPECT_EQ(ReadWell()->services.size(), 500u);
  EXPECT_EQ(Found(Inconsistency::kVanished), 490u);
}

TEST_F(ReaderTest, NewServicesAndBackendsAppear) {
  kernel_.Has(Web(1));
  ReadWell();
  kernel_.Adds(kWeb, fake::Backend("10.1.0.7:80"));
  kernel_.Has(fake::Service("10.0.0.2:80/TCP"));
  const auto table = ReadWell();
  EXPECT_THAT(Names(*table), UnorderedElementsAre(kWeb, "10.0.0.2:80/TCP"));
  EXPECT_THAT(Backends(*table, kWeb), UnorderedElementsAre("10.1.0.1", "10.1.0.7"));
}

TEST_F(ReaderTest, InterruptedDumpIsAskedAgain) {
  kernel_.Has(Web());
  kernel_.OnRequest(1).IsInterrupted();
  EXPECT_THAT(Names(*ReadWell()), ElementsAre(kWeb));
  EXPECT_EQ(Retries(RetryReason::kInterrupted), 1u);
}

TEST_F(ReaderTest, ServiceOfAProtocolWithoutBalancingIsLeftOut) {
  kernel_.Has(Web());
  kernel_.Has(fake::Service("10.0.0.2:80/TCP"));
  kernel_.OnRequest(1).Overwrites(4 + 8 + 4, std::string("\x33\0", 2));  // AH
  EXPECT_THAT(Names(*ReadWell()), ElementsAre(kWeb));
}

// Trouble.

TEST_F(ReaderTest, WithoutPermissionTheServicesComeFromTheFile) {
  kernel_.Has(Web().Persistent(300));
  kernel_.OnEveryRequest().FailsWith(EPERM);
  const Reading reading = Read();
  EXPECT_FALSE(reading.table->up);
  EXPECT_TRUE(reading.table->services_known);
  ASSERT_TRUE(reading.error.has_value());
  EXPECT_EQ(reading.error->code, ErrorCode::kNoPermission);
  EXPECT_THAT(reading.error->message, HasSubstr("CAP_NET_ADMIN"));
  EXPECT_THAT(reading.error->message, HasSubstr("from /proc/net/ip_vs, which tells less"));
  ASSERT_THAT(Names(*reading.table), ElementsAre(kWeb));
  const Service& service = reading.table->services[0];
  EXPECT_FALSE(service.persistence_timeout.has_value());
  EXPECT_FALSE(service.counters.has_value());
  EXPECT_EQ(service.backends.size(), 3u);
  EXPECT_FALSE(service.backends[0].persistence_templates.has_value());
  EXPECT_EQ(reading.table->info->version, "1.2.1");
  EXPECT_FALSE(reading.table->timeouts.has_value());
  EXPECT_FALSE(reading.table->sync_daemons.has_value());
  EXPECT_TRUE(reading.table->totals.has_value());
  EXPECT_EQ(kernel_.requests().size(), 1u);
}

TEST_F(ReaderTest, WithoutPermissionAndWithADamagedFileNothingIsKnown) {
  kernel_.OnEveryRequest().FailsWith(EPERM);
  kernel_.procfs().Write("net/ip_vs", "nonsense\n");
  EXPECT_THAT(ReadBadly(), AllOf(HasSubstr("CAP_NET_ADMIN"), EndsWith("expected the version")));
}

TEST_F(ReaderTest, PermissionGrantedLaterIsUsed) {
  kernel_.Has(Web());
  kernel_.OnEveryRequest().FailsWith(EPERM);
  Read();
  kernel_.Recovers();
  EXPECT_TRUE(ReadWell()->services[0].counters.has_value());
}

TEST_F(ReaderTest, SilenceIsATimeoutThatNamesTheStep) {
  kernel_.Has(Web());
  kernel_.OnRequest(2).IsSilent();
  kernel_.OnRequest(3).IsSilent();
  const std::string message = ReadBadly();
  EXPECT_THAT(message,
              testing::StartsWith("ipvs: dump destinations of 10.0.0.1:80/TCP: timed out after "));
  EXPECT_EQ(Retries(RetryReason::kTimeout), 1u);
}

TEST_F(ReaderTest, FirstSilenceIsAskedAgain) {
  kernel_.Has(Web());
  kernel_.OnRequest(2).IsSilent();
  EXPECT_THAT(Backends(*ReadWell(), kWeb), testing::SizeIs(3));
  EXPECT_EQ(Retries(RetryReason::kTimeout), 1u);
}

TEST_F(ReaderTest, SecondSilenceOfOneReadingIsNot) {
  kernel_.Has(Web());
  kernel_.Has(fake::Service("10.0.0.2:80/TCP"));
  kernel_.OnRequest(1).IsSilent();
  kernel_.OnRequest(4).IsSilent();
  EXPECT_THAT(ReadBadly(), HasSubstr("timed out"));
}

TEST_F(ReaderTest, SlowDumpOfMoreThanHalfTheTimeIsNotCut) {
  for (int i = 0; i < 150; ++i) {
    kernel_.Has(fake::Service("10.0.0." + std::to_string(i) + ":80/TCP"));
  }
  kernel_.OnRequest(1).TakesBeforeEachDatagram(std::chrono::milliseconds(1200));  // 3 of them
  EXPECT_EQ(ReadWell()->services.size(), 150u);
  EXPECT_EQ(Retries(RetryReason::kTimeout), 0u);
}

TEST_F(ReaderTest, SilenceOfHalfTheTimeInMidDumpIsAskedAgain) {
  kernel_.Has(Web());
  kernel_.OnRequest(2).TakesBeforeEachDatagram(std::chrono::milliseconds(2100));
  EXPECT_THAT(Backends(*ReadWell(), kWeb), testing::SizeIs(3));
  EXPECT_EQ(Retries(RetryReason::kTimeout), 1u);
}

TEST_F(ReaderTest, StopEndsAReadingThatWaits) {
  std::promise<void> asked;
  kernel_.Has(Web());
  kernel_.OnRequest(2).HangsUntilStopped().Does([&] { asked.set_value(); });
  auto reading = std::async(std::launch::async,
                            [&] { return reader_.Read(Clock::now() + std::chrono::hours(1)); });
  asked.get_future().wait();
  reader_.Stop();
  const Reading stopped = reading.get();
  EXPECT_FALSE(stopped.table->services_known);
  ASSERT_TRUE(stopped.error.has_value());
  EXPECT_EQ(stopped.error->code, ErrorCode::kStopped);
  EXPECT_EQ(stopped.error->message,
            "ipvs: dump destinations of 10.0.0.1:80/TCP: the exporter is stopping");
  EXPECT_EQ(kernel_.requests().size(), 2u);  // not asked again
  EXPECT_EQ(ReadBadly(), "ipvs: dump services: the exporter is stopping");
}

TEST_F(ReaderTest, LostMessagesAreAskedForOnceMore) {
  kernel_.Has(Web());
  for (const int error : {ENOBUFS, EMSGSIZE, EBUSY}) {
    kernel_.OnRequest(1).FailsWith(error);
    EXPECT_THAT(Names(*ReadWell()), ElementsAre(kWeb)) << error;
  }
  EXPECT_EQ(Retries(RetryReason::kConnection), 3u);
}

TEST_F(ReaderTest, MessagesLostTwiceFailTheReading) {
  kernel_.Has(Web());
  kernel_.OnRequest(1).FailsWith(ENOBUFS);
  kernel_.OnRequest(2).FailsWith(ENOBUFS);
  EXPECT_EQ(ReadBadly(), "ipvs: dump services: messages were lost: no buffer space");
}

TEST_F(ReaderTest, ForeignWrongAndTruncatedDatagramsAreRefused) {
  kernel_.Has(Web());
  kernel_.OnRequest(1).ComesFromPort(1234);
  EXPECT_THAT(Names(*ReadWell()), ElementsAre(kWeb));
  kernel_.OnRequest(2).AnswersSequence(1);
  EXPECT_THAT(Names(*ReadWell()), ElementsAre(kWeb));
  kernel_.OnRequest(2).IsTruncated();
  EXPECT_THAT(Names(*ReadWell()), ElementsAre(kWeb));
  EXPECT_EQ(Retries(RetryReason::kConnection), 3u);
}

TEST_F(ReaderTest, ErrorInMidDumpDoesNotShortenTheList) {
  kernel_.Has(Web());
  ReadWell();
  kernel_.OnRequest(2).FailsAfter(1, ENOMEM);
  EXPECT_EQ(ReadBadly(),
            "ipvs: dump destinations of 10.0.0.1:80/TCP: Cannot allocate memory (ENOMEM)");
  EXPECT_THAT(Backends(*ReadWell(), kWeb), testing::SizeIs(3));
}

TEST_F(ReaderTest, RepeatedDumpDoesNotKeepThePartOfTheFirst) {
  kernel_.Has(Web());
  kernel_.OnRequest(2).FailsAfter(2, ENOBUFS);
  EXPECT_THAT(Backends(*ReadWell(), kWeb),
              UnorderedElementsAre("10.1.0.1", "10.1.0.2", "10.1.0.3"));
  EXPECT_EQ(Found(Inconsistency::kDuplicate), 0u);
}

TEST_F(ReaderTest, EveryCutOfAReplyFailsOrIsWhole) {
  kernel_.Has(Web());
  ReadWell();
  for (std::size_t request = 1; request <= 5; ++request) {
    for (std::size_t length = 0; length < 1400; length += length < 100 ? 1 : 37) {
      kernel_.OnEveryRequest() = {};
      kernel_.OnRequest(request).CutsReplyAfter(length);
      const Reading reading = Read();
      if (reading.table->services_known) {
        EXPECT_THAT(Backends(*reading.table, kWeb), testing::SizeIs(3)) << request << " " << length;
      } else {
        EXPECT_TRUE(reading.error.has_value()) << request << " " << length;
      }
      kernel_.Recovers();
    }
  }
  ReadWell();
}

TEST_F(ReaderTest, MissingAttributeFailsTheReadingAndIsNamed) {
  kernel_.Has(Web());
  kernel_.Omits(2, 4);
  EXPECT_EQ(ReadBadly(),
            "ipvs: dump destinations of 10.0.0.1:80/TCP: a backend without its weight "
            "(attribute 4)");
}

TEST_F(ReaderTest, WrongLengthFailsTheReadingAndIsNamed) {
  kernel_.Has(Web());
  kernel_.OnRequest(1).Overwrites(4, std::string("\x05\0", 2));
  EXPECT_EQ(ReadBadly(), "ipvs: dump services: attribute 1.1: expected 2 bytes, got 1");
}

TEST_F(ReaderTest, FilesAreReadAlthoughNetlinkFails) {
  kernel_.OnEveryRequest().FailsWith(ENOMEM);
  const Reading reading = Read();
  EXPECT_FALSE(reading.table->up);
  EXPECT_TRUE(reading.table->totals.has_value());
  EXPECT_EQ(reading.table->sysctls.size(), 3u);
  EXPECT_EQ(reading.table->estimation_enabled, true);
}

TEST_F(ReaderTest, OldKernelWithoutACommandIsNoTrouble) {
  kernel_.Has(Web());
  for (std::size_t request : {3, 4, 5}) kernel_.OnRequest(request).FailsWith(EOPNOTSUPP);
  const auto table = ReadWell();
  EXPECT_FALSE(table->info.has_value());
  EXPECT_FALSE(table->timeouts.has_value());
  EXPECT_FALSE(table->sync_daemons.has_value());
}

TEST_F(ReaderTest, FailureBesideTheServicesKeepsThemButIsTold) {
  kernel_.Has(Web());
  kernel_.OnRequest(5).FailsWith(ENOMEM);
  const Reading reading = Read();
  EXPECT_TRUE(reading.table->up);
  EXPECT_TRUE(reading.table->services_known);
  EXPECT_THAT(Names(*reading.table), ElementsAre(kWeb));
  ASSERT_TRUE(reading.error.has_value());
  EXPECT_EQ(reading.error->message, "ipvs: dump sync daemons: Cannot allocate memory (ENOMEM)");
}

TEST_F(ReaderTest, DamagedFileIsToldButNetlinkCounts) {
  kernel_.procfs().Write("net/ip_vs_stats_percpu", "nonsense\n");
  const Reading reading = Read();
  EXPECT_TRUE(reading.table->up);
  EXPECT_FALSE(reading.table->totals.has_value());
  ASSERT_TRUE(reading.error.has_value());
  EXPECT_THAT(reading.error->message, HasSubstr("ip_vs_stats_percpu"));
}

TEST_F(ReaderTest, DeadlineInThePastFailsTheReading) {
  kernel_.OnEveryRequest().IsSilent();
  const Reading reading = reader_.Read(Clock::now() - std::chrono::seconds(1));
  EXPECT_FALSE(reading.table->up);
  EXPECT_EQ(reading.error->code, ErrorCode::kTimeout);
}

TEST_F(ReaderTest, VanishedBackendIsStillLookedForAfterAFailedReading) {
  kernel_.Has(Web());
  ReadWell();
  kernel_.OnRequest(1).FailsWith(ENOMEM);
  ReadBadly();
  kernel_.OnRequest(2).Skips(0);
  EXPECT_THAT(Backends(*ReadWell(), kWeb), testing::SizeIs(3));
}

// Tables.

TEST_F(ReaderTest, HeldTablesDoNotChange) {
  kernel_.Has(Web());
  const auto first = ReadWell();
  kernel_.Flushes();
  for (int i = 0; i < 10; ++i) ReadWell();
  EXPECT_THAT(Backends(*first, kWeb), testing::SizeIs(3));
}

TEST_F(ReaderTest, ReusedTablesKeepNothingOld) {
  kernel_.Has(Web().Persistent(300).Engine("sip"));
  SyncDaemon daemon;
  daemon.interface = "eth1";
  kernel_.Runs(daemon);
  for (int i = 0; i < 5; ++i) ReadWell();
  kernel_.UnloadsModule();
  for (int i = 0; i < 5; ++i) {
    const auto table = Read().table;
    EXPECT_THAT(table->services, IsEmpty());
    EXPECT_FALSE(table->info.has_value());
    EXPECT_FALSE(table->timeouts.has_value());
    EXPECT_FALSE(table->sync_daemons.has_value());
    EXPECT_FALSE(table->totals.has_value());
    EXPECT_FALSE(table->estimator_totals.has_value());
    EXPECT_FALSE(table->estimation_enabled.has_value());
    EXPECT_THAT(table->sysctls, IsEmpty());
  }
}

TEST(ReaderNames, AreClosedAndDistinct) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kRetryReasons; ++i) names.insert(Name(static_cast<RetryReason>(i)));
  for (std::size_t i = 0; i < kInconsistencies; ++i) {
    names.insert(Name(static_cast<Inconsistency>(i)));
  }
  EXPECT_EQ(names.size(), kRetryReasons + kInconsistencies);
  EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace lvs::ipvs
