#include "collectors/probes/tls_context.h"

#include <gtest/gtest.h>

#include "tests/support/with.h"

namespace lvs::probes {
namespace {

using Names = std::vector<std::string>;

std::shared_ptr<const TlsContext> Made(TlsOptions options, const std::string& host) {
  options.verify = false;  // no system bundle is needed
  auto made = TlsContext::Make(options, host);
  EXPECT_TRUE(made.ok()) << made.error().message;
  return made.value();
}

TEST(TlsContext, TheHostIsNameForBoth) {
  const auto context = Made({}, "shop.example");
  EXPECT_EQ(context->sni(), "shop.example");
  EXPECT_EQ(context->verify_name(), "shop.example");
}

TEST(TlsContext, PortAndFinalDotOfTheHostAreNoName) {
  EXPECT_EQ(Made({}, "shop.example.:8443")->sni(), "shop.example");
  EXPECT_EQ(Made({}, "[2001:db8::1]:8443")->verify_name(), "2001:db8::1");
}

TEST(TlsContext, SniAndVerifyNameComeFirst) {
  const auto context =
      Made(With(&TlsOptions::sni, "one.example", &TlsOptions::verify_name, "two.example"),
           "shop.example");
  EXPECT_EQ(context->sni(), "one.example");
  EXPECT_EQ(context->verify_name(), "two.example");
  EXPECT_EQ(Made(With(&TlsOptions::sni, "one.example"), "shop.example")->verify_name(),
            "one.example");
}

TEST(TlsContext, AnAddressIsVerifiedAndNeverSaid) {
  for (const char* address : {"192.0.2.1", "2001:db8::1"}) {
    const auto context = Made({}, address);
    EXPECT_EQ(context->sni(), "");
    EXPECT_EQ(context->verify_name(), address);
  }
}

TEST(TlsContext, NoNameAtAllIsNone) {
  EXPECT_EQ(Made({}, "")->sni(), "");
  EXPECT_EQ(Made({}, "")->verify_name(), "");
}

TEST(TlsContext, OldVersionsLowerTheLevelOfTheProtocolOnly) {
  EXPECT_EQ(SSL_CTX_get_security_level(Made({}, "")->native()), 2);
  const auto old = Made(With(&TlsOptions::min_version, TlsOptions::Version::k10), "");
  EXPECT_EQ(SSL_CTX_get_security_level(old->native()), 0);
  EXPECT_EQ(SSL_CTX_get_min_proto_version(old->native()), TLS1_VERSION);
}

TEST(TlsContext, RefusesAnEmptyAlpnName) {
  const auto made =
      TlsContext::Make(With(&TlsOptions::verify, false, &TlsOptions::alpn, Names{""}), "");
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().message, "tls.alpn: a protocol name has 1 to 255 bytes");
}

TEST(TlsContext, SystemBundleIsSharedByAll) {
  const auto one = TlsContext::Make({}, "");
  if (!one.ok()) GTEST_SKIP() << one.error().message;
  const auto two = TlsContext::Make({}, "other.example");
  ASSERT_TRUE(two.ok());
  EXPECT_EQ(SSL_CTX_get_cert_store(one.value()->native()),
            SSL_CTX_get_cert_store(two.value()->native()));
}

}  // namespace
}  // namespace lvs::probes
