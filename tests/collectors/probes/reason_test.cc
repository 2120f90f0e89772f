#include "collectors/probes/reason.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace lvs::probes {
namespace {

using testing::ElementsAre;

std::vector<Reason> AllReasons() {
  std::vector<Reason> all;
  for (int i = 0; i <= static_cast<int>(kLastReason); ++i) all.push_back(static_cast<Reason>(i));
  return all;
}

// The names of a layer's reasons, in the order of the enum; without a layer, of those of no layer.
std::vector<std::string_view> NamesOf(std::optional<Layer> layer) {
  std::vector<std::string_view> names;
  for (const Reason reason : AllReasons()) {
    if (LayerOf(reason) == layer) names.push_back(Name(reason));
  }
  return names;
}

TEST(Reason, IsAClosedListByLayer) {
  EXPECT_THAT(NamesOf(Layer::kL3),
              ElementsAre("icmp_timeout", "icmp_unreachable", "icmp_prohibited", "icmp_bad_reply",
                          "host_unreachable", "net_unreachable"));
  EXPECT_THAT(NamesOf(Layer::kL4), ElementsAre("connect_timeout", "connect_refused",
                                               "connect_prohibited", "connect_reset"));
  EXPECT_THAT(NamesOf(Layer::kL6),
              ElementsAre("tls_timeout", "tls_reset", "tls_protocol", "tls_alert",
                          "tls_cert_expired", "tls_cert_not_yet_valid", "tls_cert_untrusted",
                          "tls_cert_weak", "tls_name_mismatch"));
  EXPECT_THAT(NamesOf(Layer::kL7),
              ElementsAre("http_timeout_write", "http_timeout_first_byte", "http_timeout_body",
                          "http_reset", "http_empty", "http_protocol", "http_status",
                          "http_header_mismatch", "http_body_mismatch", "http_body_too_large"));
  EXPECT_THAT(NamesOf(Layer::kDr),
              ElementsAre("dr_no_reply", "dr_port_closed", "dr_forwarded", "dr_wrong_mac",
                          "dr_neighbour_unresolved", "dr_not_adjacent"));
  EXPECT_THAT(
      NamesOf(std::nullopt),
      ElementsAre("none", "local_fd_limit", "local_no_memory", "local_no_port", "local_bind",
                  "local_permission", "local_overload", "local_throttled", "local_config"));
}

TEST(Reason, NamesAreUnique) {
  std::set<std::string_view> names;
  for (const Reason reason : AllReasons()) {
    EXPECT_TRUE(names.insert(Name(reason)).second) << Name(reason);
  }
}

// The list above says nothing about which enumerator has which name. The first and the last of
// each layer do: a row out of place moves one of them.
TEST(Reason, RowsAreInTheOrderOfTheEnum) {
  const std::pair<Reason, const char*> edges[] = {
      {Reason::kNone, "none"},
      {Reason::kIcmpTimeout, "icmp_timeout"},
      {Reason::kNetUnreachable, "net_unreachable"},
      {Reason::kConnectTimeout, "connect_timeout"},
      {Reason::kConnectReset, "connect_reset"},
      {Reason::kTlsTimeout, "tls_timeout"},
      {Reason::kTlsNameMismatch, "tls_name_mismatch"},
      {Reason::kHttpTimeoutWrite, "http_timeout_write"},
      {Reason::kHttpBodyTooLarge, "http_body_too_large"},
      {Reason::kDrNoReply, "dr_no_reply"},
      {Reason::kDrNotAdjacent, "dr_not_adjacent"},
      {Reason::kLocalFdLimit, "local_fd_limit"},
      {Reason::kLocalConfig, "local_config"},
  };
  for (const auto& [reason, name] : edges) EXPECT_EQ(Name(reason), name);
}

TEST(Reason, IsLocalExactlyWhenItsNameSaysSo) {
  for (const Reason reason : AllReasons()) {
    EXPECT_EQ(IsLocal(reason), Name(reason).starts_with("local_")) << Name(reason);
  }
}

TEST(Reason, IsATimeoutWhenItsNameSaysSoOrNobodyAnswered) {
  const std::set<std::string_view> unanswered = {"dr_no_reply", "dr_neighbour_unresolved"};
  for (const Reason reason : AllReasons()) {
    const std::string_view name = Name(reason);
    EXPECT_EQ(IsTimeout(reason),
              name.find("timeout") != std::string_view::npos || unanswered.contains(name))
        << name;
  }
}

TEST(Reason, MayBeOurSilenceWhenItIsATimeoutOrTheServerHungUp) {
  const std::set<std::string_view> hung_up = {"connect_reset", "tls_reset", "http_reset",
                                              "http_empty"};
  for (const Reason reason : AllReasons()) {
    EXPECT_EQ(MayComeOfAStall(reason), IsTimeout(reason) || hung_up.contains(Name(reason)))
        << Name(reason);
  }
}

TEST(Layer, HasTheNamesOfTheLabel) {
  EXPECT_EQ(Name(Layer::kL3), "l3");
  EXPECT_EQ(Name(Layer::kL4), "l4");
  EXPECT_EQ(Name(Layer::kL6), "l6");
  EXPECT_EQ(Name(Layer::kL7), "l7");
  EXPECT_EQ(Name(Layer::kDr), "dr");
}

}  // namespace
}  // namespace lvs::probes
