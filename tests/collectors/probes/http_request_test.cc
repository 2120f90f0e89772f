#include "collectors/probes/http_request.h"

#include <gtest/gtest.h>

#include "tests/support/fake_kernel.h"
#include "tests/support/with.h"

namespace lvs::probes {
namespace {

using Texts = std::map<std::string, std::string>;

Probe Asking(ProbeType type, HttpOptions http = {}) {
  Probe probe;
  probe.type = type;
  probe.http = std::move(http);
  return probe;
}

std::string HostLine(const Probe& probe, std::string_view address, std::uint16_t port) {
  const std::string text = RequestText(probe, fake::Ip(address), port);
  const std::size_t at = text.find("Host: ") + 6;
  return text.substr(at, text.find("\r\n", at) - at);
}

TEST(RequestText, IsTheWholeRequest) {
  EXPECT_EQ(
      RequestText(Asking(ProbeType::kHttp,
                         With(&HttpOptions::path, "/health", &HttpOptions::host, "shop.example",
                              &HttpOptions::headers, Texts{{"X-Probe", "1"}})),
                  fake::Ip("192.0.2.1"), 8080),
      "GET /health HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n"
      "User-Agent: ipvs_exporter\r\nX-Probe: 1\r\n\r\n");
}

TEST(RequestText, KnowsHeadAndTheOldVersion) {
  const std::string text =
      RequestText(Asking(ProbeType::kHttp, With(&HttpOptions::method, HttpOptions::Method::kHead,
                                                &HttpOptions::version, HttpOptions::Version::k10)),
                  fake::Ip("192.0.2.1"), 80);
  EXPECT_TRUE(text.starts_with("HEAD / HTTP/1.0\r\n")) << text;
}

TEST(RequestText, HostLeavesTheSchemesOwnPortOut) {
  EXPECT_EQ(HostLine(Asking(ProbeType::kHttp), "192.0.2.1", 80), "192.0.2.1");
  EXPECT_EQ(HostLine(Asking(ProbeType::kHttp), "192.0.2.1", 443), "192.0.2.1:443");
  EXPECT_EQ(HostLine(Asking(ProbeType::kHttps), "192.0.2.1", 443), "192.0.2.1");
}

TEST(RequestText, HostHasBracketsForIpv6) {
  EXPECT_EQ(HostLine(Asking(ProbeType::kHttp), "2001:db8::1", 80), "[2001:db8::1]");
  EXPECT_EQ(HostLine(Asking(ProbeType::kHttp), "2001:db8::1", 8080), "[2001:db8::1]:8080");
}

}  // namespace
}  // namespace lvs::probes
