#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporter/configuration/configuration.h"
#include "tests/support/ip.h"

namespace lvs {
namespace {

using fake::Ip;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

Configuration Read(const std::string& text) {
  auto read = ParseConfiguration(text, "file.yml");
  EXPECT_TRUE(read.ok()) << read.error().message;
  return read.ok() ? read.value() : Configuration();
}

std::string Complaint(const std::string& text) {
  const auto read = ParseConfiguration(text, "file.yml");
  return read.ok() ? "" : read.error().message;
}

TEST(DirectorSection, IsNotNeeded) {
  const director::Configuration director = Read("").director;
  EXPECT_EQ(director.directors, 1u);
  EXPECT_EQ(director.sync_daemon, std::nullopt);
  EXPECT_EQ(director.keepalived.expected, std::nullopt);
  EXPECT_EQ(director.keepalived.pid_file, "/run/keepalived.pid");
  EXPECT_THAT(director.keepalived.notify_fifo, IsEmpty());
}

TEST(DirectorSection, IsReadAsAWhole) {
  const director::Configuration director = Read(R"(
director:
  directors: 2
  vips: [192.168.1.111, "2001:db8::1"]
  sync_daemon: true
  keepalived:
    expected: false
    pid_file: /run/other.pid
    notify_fifo: /run/ipvs_exporter/vrrp.fifo
    json_file: keepalived.json
    signal: true
    instances: {VI_1: 51, VI_2: 52}
)")
                                               .director;
  EXPECT_EQ(director.directors, 2u);
  EXPECT_THAT(director.vips, ElementsAre(Ip("192.168.1.111"), Ip("2001:db8::1")));
  EXPECT_EQ(director.sync_daemon, true);
  EXPECT_EQ(director.keepalived.expected, false);
  EXPECT_EQ(director.keepalived.pid_file, "/run/other.pid");
  EXPECT_EQ(director.keepalived.notify_fifo, "/run/ipvs_exporter/vrrp.fifo");
  EXPECT_EQ(director.keepalived.json_file, "keepalived.json");
  EXPECT_TRUE(director.keepalived.send_signal);
  EXPECT_THAT(director.keepalived.instances, ElementsAre(Pair("VI_1", 51), Pair("VI_2", 52)));
}

TEST(DirectorSection, SaysWhatIsWrong) {
  EXPECT_EQ(Complaint("director: {directors: 0}"),
            "file.yml:1: director.directors: expected a whole number from 1 to 100, found `0`");
  EXPECT_EQ(Complaint("director: {sync_daemon: yes}"),
            "file.yml:1: director.sync_daemon: expected auto, true or false, found `yes`");
  EXPECT_EQ(
      Complaint("director:\n  keepalived:\n    instances: {VI_1: 256}"),
      "file.yml:3: director.keepalived.instances.VI_1: expected a whole number from 1 to 255, "
      "found `256`");
  EXPECT_EQ(Complaint("director: {vip: 10.0.0.1}"),
            "file.yml:1: director.vip: unknown key; did you mean `vips`?");
}

TEST(AuditSection, AcceptsFindings) {
  const audit::Configuration audit = Read(R"(
audit:
  interval: 1m
  accept:
    - {check: expire_nodest_conn}
    - {check: ftp_persistence, subject: "10.0.0.1:21/TCP"}
)")
                                         .audit;
  EXPECT_EQ(audit.interval, std::chrono::minutes(1));
  EXPECT_TRUE(audit::Accepts(audit, "expire_nodest_conn", ""));
  EXPECT_TRUE(audit::Accepts(audit, "ftp_persistence", "10.0.0.1:21/TCP"));
  EXPECT_FALSE(audit::Accepts(audit, "ftp_persistence", "10.0.0.2:21/TCP"));
  EXPECT_FALSE(audit::Accepts(audit, "ip_forward", "ipv4"));
}

TEST(AuditSection, KnowsTheChecks) {
  EXPECT_EQ(
      Complaint("audit: {accept: [{check: expire_nodest_con}]}"),
      "file.yml:1: audit.accept[0].check: no check has the name `expire_nodest_con`; did you mean "
      "`expire_nodest_conn`?");
  EXPECT_EQ(Complaint("audit: {accept: [{subject: ipv4}]}"),
            "file.yml:1: audit.accept[0]: expected a check, found none");
  EXPECT_EQ(Complaint("audit: {accept: [{check: realserver_arp_ignore}]}"), "");
}

TEST(RealServerSection, NamesVips) {
  EXPECT_THAT(Read("realserver: {vips: 10.0.0.1}").realserver.vips, ElementsAre(Ip("10.0.0.1")));
  EXPECT_EQ(Complaint("realserver: {vips: []}"),
            "file.yml:1: realserver.vips: expected at least one address, found an empty list");
}

}  // namespace
}  // namespace lvs
