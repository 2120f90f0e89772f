#include "collectors/probes/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

namespace lvs::probes {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

constexpr ProbeType kTypes[] = {ProbeType::kIcmp, ProbeType::kTcp,   ProbeType::kTls,
                                ProbeType::kHttp, ProbeType::kHttps, ProbeType::kDr};

TEST(ProbeType, HasTheNamesOfTheConfiguration) {
  std::vector<std::string_view> names;
  for (const ProbeType type : kTypes) names.push_back(Name(type));
  EXPECT_THAT(names, ElementsAre("icmp", "tcp", "tls", "http", "https", "dr"));
}

TEST(ProbeType, ProvesLayersFromTheLowestUp) {
  const auto layers = [](ProbeType type) {
    const std::span<const Layer> all = LayersOf(type);
    EXPECT_TRUE(std::ranges::is_sorted(all)) << Name(type);
    return std::vector<Layer>(all.begin(), all.end());
  };
  EXPECT_THAT(layers(ProbeType::kIcmp), ElementsAre(Layer::kL3));
  EXPECT_THAT(layers(ProbeType::kTcp), ElementsAre(Layer::kL4));
  EXPECT_THAT(layers(ProbeType::kTls), ElementsAre(Layer::kL4, Layer::kL6));
  EXPECT_THAT(layers(ProbeType::kHttp), ElementsAre(Layer::kL4, Layer::kL7));
  EXPECT_THAT(layers(ProbeType::kHttps), ElementsAre(Layer::kL4, Layer::kL6, Layer::kL7));
  EXPECT_THAT(layers(ProbeType::kDr), ElementsAre(Layer::kDr));
}

TEST(ProbeType, HasTlsAndHttpWhereItHasTheirLayers) {
  for (const ProbeType type : kTypes) {
    const auto proves = [&](Layer layer) {
      return std::ranges::find(LayersOf(type), layer) != LayersOf(type).end();
    };
    EXPECT_EQ(HasTls(type), proves(Layer::kL6)) << Name(type);
    EXPECT_EQ(HasHttp(type), proves(Layer::kL7)) << Name(type);
  }
}

struct Change {
  const char* what;
  void (*make)(Probe& probe);
};

bool IsSameQuestionAfter(const Change& change) {
  const Probe before;
  Probe after;
  change.make(after);
  EXPECT_NE(before, after) << change.what << " is no change";
  EXPECT_EQ(SameQuestion(before, after), SameQuestion(after, before)) << change.what;
  return SameQuestion(before, after);
}

TEST(SameQuestion, IsWithAnotherScheduleThresholdOrGating) {
  EXPECT_TRUE(SameQuestion(Probe{}, Probe{}));
  for (const Change& change : std::initializer_list<Change>{
           {"interval", [](Probe& p) { p.interval = milliseconds(1); }},
           {"fast_interval", [](Probe& p) { p.fast_interval = milliseconds(1); }},
           {"down_interval", [](Probe& p) { p.down_interval = milliseconds(1); }},
           {"stale_after", [](Probe& p) { p.stale_after = milliseconds(1); }},
           {"timeout", [](Probe& p) { p.timeout = milliseconds(1); }},
           {"connect_timeout", [](Probe& p) { p.connect_timeout = milliseconds(1); }},
           {"fall", [](Probe& p) { p.fall = 9; }},
           {"rise", [](Probe& p) { p.rise = 9; }},
           {"initial_fall", [](Probe& p) { p.initial_fall = 9; }},
           {"initial_rise", [](Probe& p) { p.initial_rise = 9; }},
           {"jitter", [](Probe& p) { p.jitter = 9; }},
           {"gating", [](Probe& p) { p.gating = false; }},
       }) {
    EXPECT_TRUE(IsSameQuestionAfter(change)) << change.what;
  }
}

TEST(SameQuestion, IsNotWhenSomethingElseIsAskedOrExpected) {
  for (const Change& change : std::initializer_list<Change>{
           {"name", [](Probe& p) { p.name = "other"; }},
           {"type", [](Probe& p) { p.type = ProbeType::kHttps; }},
           {"address", [](Probe& p) { p.address = Address{}; }},
           {"port", [](Probe& p) { p.port = 80; }},
           {"source", [](Probe& p) { p.socket.source = Address{}; }},
           {"interface", [](Probe& p) { p.socket.interface = "eth0"; }},
           {"mark", [](Probe& p) { p.socket.mark = 1; }},
           {"netns", [](Probe& p) { p.socket.netns = "blue"; }},
           {"ttl", [](Probe& p) { p.socket.ttl = 1; }},
           {"tos", [](Probe& p) { p.socket.tos = 1; }},
           {"close", [](Probe& p) { p.close = CloseMode::kFin; }},
           {"icmp.size", [](Probe& p) { p.icmp_size = 1000; }},
           {"http.path", [](Probe& p) { p.http.path = "/health"; }},
           {"http.expect_status",
            [](Probe& p) {
              p.http.expect_status = {{200, 200}};
            }},
           {"http.expect_header",
            [](Probe& p) {
              p.http.expect_header = {{"Via", "."}};
            }},
           {"http.drain_status",
            [](Probe& p) {
              p.http.drain_status = {{404, 404}};
            }},
           {"tls.verify", [](Probe& p) { p.tls.verify = false; }},
           {"tls.ca_file", [](Probe& p) { p.tls.ca_file = "/ca.pem"; }},
           {"tls.alpn", [](Probe& p) { p.tls.alpn = {"http/1.1"}; }},
       }) {
    EXPECT_FALSE(IsSameQuestionAfter(change)) << change.what;
  }
}

}  // namespace
}  // namespace lvs::probes
