#include "exporter/status_page/filter.h"

#include <gtest/gtest.h>

#include "tests/support/sample_health.h"
#include "tests/support/sample_table.h"

namespace lvs::status {
namespace {

// The services of the sample that a filter finds, by their names in the kernel.
std::string Found(const std::string& filter) {
  static const auto table = SampleTable();
  static const auto health = SampleHealth();
  static const StatusView view = MakeView(table.get(), health.get(), nullptr);
  std::string names;
  for (const ServiceView& service : view.services) {
    if (!Filter(filter).Matches(service)) continue;
    names += (names.empty() ? "" : ", ") + KernelName(service.key);
  }
  return names;
}

TEST(StatusPageFilter, FindsByEverythingThatAReaderMayKnow) {
  const std::string shop = "192.168.1.111:80/TCP";
  EXPECT_EQ(Found("SHOP"), shop);                      // the configuration's name
  EXPECT_EQ(Found("168.1.111:80"), shop);              // a part of the address
  EXPECT_EQ(Found("192.168.1.103"), shop);             // a server
  EXPECT_EQ(Found("spof"), shop);                      // its state
  EXPECT_EQ(Found("connect_refused"), shop);           // why a server is down
  EXPECT_EQ(Found("backup"), shop);                    // a server's role
  EXPECT_EQ(Found("wlc"), "192.168.1.117:9000/SCTP");  // the scheduler
}

TEST(StatusPageFilter, FindsMarksAsPeopleAndTheKernelWriteThem) {
  EXPECT_EQ(Found("mark 10"), "mark 10 ipv4, mark 10 ipv6");
  EXPECT_EQ(Found("0000000a ipv6"), "mark 10 ipv6");
}

TEST(StatusPageFilter, EveryWordMustBeFound) {
  EXPECT_EQ(Found("shop 192.168.1.103"), "192.168.1.111:80/TCP");
  EXPECT_EQ(Found("shop 192.168.1.104"), "");
}

TEST(StatusPageFilter, AsksForStatesAlone) {
  EXPECT_EQ(Found("down"), "192.168.1.111:80/TCP, 192.168.1.118:80/TCP");
  EXPECT_EQ(Found(ServicesIn("down")), "192.168.1.118:80/TCP");
  EXPECT_EQ(Found(BackendsIn("down")), "192.168.1.111:80/TCP");
  EXPECT_EQ(Found(ServicesIn("spof") + " " + BackendsIn("up")), "192.168.1.111:80/TCP");
}

TEST(StatusPageFilter, WithoutWordsFindsEverything) {
  EXPECT_TRUE(Filter(" \t").IsEmpty());
  EXPECT_EQ(Found(" "), Found(""));
  EXPECT_NE(Found(""), "");
}

TEST(StatusPageFilter, FindsChangesOfWhatItFinds) {
  const auto health = SampleHealth();
  std::size_t found = 0;
  for (const auto& event : *health->events) {
    if (Filter("192.168.1.103:80").Matches(*event)) ++found;
  }
  EXPECT_EQ(found, 2U);  // up, then down
}

TEST(StatusPageFilter, ALinkKeepsEveryByte) {
  EXPECT_EQ(LinkTo("a b&c=[::1]:80/TCP\xc3\xa9"),
            "?filter=a%20b%26c%3D%5B%3A%3A1%5D%3A80%2FTCP%C3%A9");
}

}  // namespace
}  // namespace lvs::status
