#include "collectors/ipvs/services_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/fake_kernel.h"

namespace lvs::ipvs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

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

}  // namespace
}  // namespace lvs::ipvs
