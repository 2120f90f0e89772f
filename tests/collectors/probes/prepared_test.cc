#include "collectors/probes/prepared.h"

#include <gtest/gtest.h>

#include "tests/support/certificate_authority.h"

namespace lvs::probes {
namespace {

Probe Of(ProbeType type) {
  Probe probe;
  probe.type = type;
  probe.tls.verify = false;  // no system bundle is needed
  return probe;
}

std::string ErrorOf(Probe probe) {
  const auto prepared = PreparedProbe::Prepare(std::move(probe));
  return prepared.ok() ? "no error" : prepared.error().message;
}

TEST(Prepare, LoadsOnlyWhatTheTypeNeeds) {
  Probe tcp = Of(ProbeType::kTcp);
  tcp.http.expect_body = "(";  // not looked at
  tcp.tls.ca_file = "/nowhere";
  const auto prepared = PreparedProbe::Prepare(tcp);
  ASSERT_TRUE(prepared.ok());
  EXPECT_EQ(prepared.value()->tls(), nullptr);
  EXPECT_EQ(prepared.value()->http(), nullptr);
  EXPECT_EQ(prepared.value()->probe(), tcp);
}

TEST(Prepare, HttpsHasBoth) {
  const auto prepared = PreparedProbe::Prepare(Of(ProbeType::kHttps));
  ASSERT_TRUE(prepared.ok());
  EXPECT_NE(prepared.value()->tls(), nullptr);
  EXPECT_NE(prepared.value()->http(), nullptr);
}

TEST(Prepare, RefusesAPatternWithItsKey) {
  Probe probe = Of(ProbeType::kHttp);
  probe.http.reject_body = "[";
  EXPECT_EQ(ErrorOf(probe), "http.reject_body: missing ]: [");
}

TEST(Prepare, RefusesAnAuthorityFileThatIsNotThere) {
  Probe probe = Of(ProbeType::kTls);
  probe.tls.ca_file = "/nowhere/ca.pem";
  EXPECT_EQ(ErrorOf(probe),
            "tls.ca_file: cannot load authorities from /nowhere/ca.pem: No such file or directory");
}

TEST(Prepare, RefusesAnAuthorityFileWithoutCertificates) {
  fake::Procfs folder;
  folder.Write("ca.pem", "not a certificate\n");
  Probe probe = Of(ProbeType::kTls);
  probe.tls.ca_file = folder.root() + "/ca.pem";
  EXPECT_TRUE(ErrorOf(probe).starts_with("tls.ca_file: cannot load authorities from "));
}

TEST(Prepare, RefusesAClientCertificateWithoutKey) {
  fake::CertificateAuthority authority;
  Probe probe = Of(ProbeType::kTls);
  probe.tls.client_cert = authority.CertificateFile(authority.Issue(fake::Certificate("client")));
  EXPECT_EQ(ErrorOf(probe), "tls.client_key: missing beside tls.client_cert");
}

TEST(Prepare, RefusesAKeyOfAnotherCertificate) {
  fake::CertificateAuthority authority;
  Probe probe = Of(ProbeType::kTls);
  probe.tls.client_cert = authority.CertificateFile(authority.Issue(fake::Certificate("client")));
  probe.tls.client_key = authority.KeyFile(authority.Issue(fake::Certificate("other")));
  EXPECT_EQ(ErrorOf(probe),
            "tls.client_key: cannot load " + probe.tls.client_key + ": key values mismatch");
}

}  // namespace
}  // namespace lvs::probes
