#include "collectors/probes/stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collectors/probes/tls_memory.h"
#include "tests/support/certificate_authority.h"
#include "tests/support/fake_kernel.h"
#include "tests/support/tcp_server.h"

namespace lvs::probes {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Probe Of(ProbeType type) {
  Probe probe;
  probe.name = "test";
  probe.type = type;
  probe.timeout = 10s;  // only what must not happen takes so long
  probe.connect_timeout = probe.timeout;
  probe.close = HasHttp(type) ? CloseMode::kFin : CloseMode::kRst;
  return probe;
}

// For what must run into the end of the run.
Probe Short(Probe probe) {
  probe.timeout = 150ms;
  probe.connect_timeout = probe.timeout;
  return probe;
}

// That verifies against the authority and asks for the name.
Probe Trusting(ProbeType type, const fake::CertificateAuthority& authority,
               const std::string& name = "shop.example") {
  Probe probe = Of(type);
  probe.tls.ca_file = authority.file();
  probe.tls.sni = name;
  return probe;
}

RunRequest Request(const Probe& probe, const Address& address, std::uint16_t port) {
  auto prepared = PreparedProbe::Prepare(probe);
  EXPECT_TRUE(prepared.ok()) << prepared.error().message;
  RunRequest request;
  request.probe = prepared.value();
  request.address = address;
  request.port = port;
  request.start = Clock::now();
  return request;
}

void Spawn(asio::io_context& loop, const RunRequest& request, AddressGate& gate,
           RunResult& result) {
  asio::co_spawn(loop, RunStream(request, gate),
                 [&result](const std::exception_ptr& thrown, RunResult ended) {
                   EXPECT_EQ(thrown, nullptr);
                   result = std::move(ended);
                 });
}

RunResult Ask(const RunRequest& request) {
  asio::io_context loop{1};
  AddressGate gate(loop, 16);
  RunResult result;
  Spawn(loop, request, gate, result);
  loop.run();
  return result;
}

RunResult Ask(const Probe& probe, const fake::TcpServer& server) {
  return Ask(Request(probe, server.address(), server.port()));
}

// "success", or the reason: what a test compares first.
std::string Said(const RunResult& result) {
  if (result.outcome == Outcome::kSuccess) return "success";
  return std::string(Name(result.outcome)) + " " + std::string(Name(result.reason));
}

std::string SaidFully(const RunResult& result) { return Said(result) + ": " + result.detail; }

// The last fact a test waits for that only the server knows.
template <class T>
T Within20s(std::future<T> future) {
  EXPECT_EQ(future.wait_for(20s), std::future_status::ready);
  return future.get();
}

TEST(Tcp, SucceedsWhenTheServerAccepts) {
  fake::TcpServer server([](fake::Peer& peer) { peer.Stall(); });
  const RunResult result = Ask(Of(ProbeType::kTcp), server);
  EXPECT_EQ(SaidFully(result), "success: ");
  EXPECT_TRUE(result.phases.connect.has_value());
  EXPECT_FALSE(result.phases.tls.has_value());
  EXPECT_GT(result.total.count(), 0);
}

TEST(Tcp, ClosedPortIsRefused) {
  Descriptor holder;
  const std::uint16_t port = fake::ClosedPort(holder);
  const RunResult result =
      Ask(Request(Of(ProbeType::kTcp), fake::Loopback(AddressFamily::kIpv4), port));
  EXPECT_EQ(SaidFully(result), "failure connect_refused: connect: Connection refused");
  EXPECT_FALSE(result.phases.connect.has_value());
}

TEST(Tcp, WorksOverIpv6) {
  if (!fake::HasIpv6Loopback()) GTEST_SKIP() << "this host has no ::1";
  fake::TcpServer server([](fake::Peer& peer) { peer.Stall(); }, AddressFamily::kIpv6);
  EXPECT_EQ(Said(Ask(Of(ProbeType::kTcp), server)), "success");
}

// A full backlog is a black hole: the kernel drops further SYNs.
TEST(Tcp, SilenceIsConnectTimeout) {
  Descriptor listener;
  const std::uint16_t port = fake::ClosedPort(listener);
  listen(listener.get(), 0);
  const Address address = fake::Loopback(AddressFamily::kIpv4);
  asio::io_context loop{1};
  AddressGate gate(loop, 16);
  std::vector<RunResult> results(8);
  for (RunResult& each : results) {
    Probe probe = Of(ProbeType::kHttp);  // holds its connection until the end
    probe.timeout = 600ms;
    probe.connect_timeout = 300ms;
    Spawn(loop, Request(probe, address, port), gate, each);
  }
  loop.run();
  int timeouts = 0;
  for (const RunResult& each : results) timeouts += each.reason == Reason::kConnectTimeout;
  EXPECT_GT(timeouts, 0);
}

TEST(Tcp, NoDescriptorLeftIsInconclusive) {
  asio::io_context loop{1};
  const asio::steady_timer has_descriptors(loop);  // as the checker's loop does
  AddressGate gate(loop, 16);
  const RunRequest request = Request(Of(ProbeType::kTcp), fake::Loopback(AddressFamily::kIpv4), 1);
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  RunResult result;
  // Once without the limit: the sanitizers look at each type once, and need descriptors for it.
  Spawn(loop, request, gate, result);
  loop.run();
  loop.restart();
  Spawn(loop, request, gate, result);
  setrlimit(RLIMIT_NOFILE, &none);
  loop.run();
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(SaidFully(result), "inconclusive local_fd_limit: socket: Too many open files");
}

TEST(Tcp, ForeignSourceIsInconclusive) {
  Probe probe = Of(ProbeType::kTcp);
  probe.socket.source = fake::Ip("192.0.2.77");
  const RunResult result = Ask(Request(probe, fake::Loopback(AddressFamily::kIpv4), 1));
  EXPECT_EQ(Said(result), "inconclusive local_bind");
}

TEST(Tcp, LinkLocalAddressNeedsAnInterface) {
  EXPECT_EQ(SaidFully(Ask(Request(Of(ProbeType::kTcp), fake::Ip("fe80::1"), 1))),
            "inconclusive local_config: a link-local address needs interface");
}

TEST(Tcp, RunThatIsOverBeforeItBeginsIsATimeout) {
  fake::TcpServer server([](fake::Peer& peer) { peer.Stall(); });
  RunRequest request = Request(Of(ProbeType::kHttp), server.address(), server.port());
  request.start -= 1h;
  const RunResult result = Ask(request);
  EXPECT_TRUE(IsTimeout(result.reason)) << SaidFully(result);
}

RunResult AskOverHttp(const fake::TcpServer::Script& script,
                      const Probe& probe = Of(ProbeType::kHttp)) {
  fake::TcpServer server(script);
  return Ask(probe, server);
}

TEST(Http, SucceedsWithAllPhasesAndFacts) {
  const RunResult result = AskOverHttp([](fake::Peer& peer) {
    peer.ReadRequest();
    peer.Send(kOk);
  });
  EXPECT_EQ(SaidFully(result), "success: ");
  EXPECT_EQ(result.http_status, 200u);
  EXPECT_EQ(result.http_body_bytes, 2u);
  EXPECT_TRUE(result.phases.connect && result.phases.write && result.phases.first_byte &&
              result.phases.body);
  EXPECT_FALSE(result.phases.tls.has_value());
}

TEST(Http, AsksAsConfigured) {
  std::promise<std::string> asked;
  Probe probe = Of(ProbeType::kHttp);
  probe.http.path = "/health";
  probe.http.host = "shop.example";
  const RunResult result = AskOverHttp(
      [&](fake::Peer& peer) {
        asked.set_value(peer.ReadRequest());
        peer.Send(kOk);
      },
      probe);
  EXPECT_EQ(Said(result), "success");
  EXPECT_EQ(Within20s(asked.get_future()),
            "GET /health HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n"
            "User-Agent: ipvs_exporter\r\n\r\n");
}

TEST(Http, WorksOverIpv6) {
  if (!fake::HasIpv6Loopback()) GTEST_SKIP() << "this host has no ::1";
  fake::TcpServer server(
      [](fake::Peer& peer) {
        peer.ReadRequest();
        peer.Send(kOk);
      },
      AddressFamily::kIpv6);
  EXPECT_EQ(Said(Ask(Of(ProbeType::kHttp), server)), "success");
}

TEST(Http, DrainIsASuccess) {
  Probe probe = Of(ProbeType::kHttp);
  probe.http.drain_status = {{503, 503}};
  const RunResult result = AskOverHttp(
      [](fake::Peer& peer) {
        peer.ReadRequest();
        peer.Send("HTTP/1.1 503 Leaving\r\n\r\n");
      },
      probe);
  EXPECT_EQ(Said(result), "success");
  EXPECT_TRUE(result.drain);
  EXPECT_EQ(result.http_status, 503u);
}

TEST(Http, WrongStatusKeepsItsFacts) {
  const RunResult result = AskOverHttp([](fake::Peer& peer) {
    peer.ReadRequest();
    peer.Send("HTTP/1.1 500 Oops\r\n\r\n");
  });
  EXPECT_EQ(SaidFully(result), "failure http_status: expected status 200-299, got 500");
  EXPECT_EQ(result.http_status, 500u);
  EXPECT_FALSE(result.phases.body.has_value());
}

TEST(Http, EarlyHintsComeBeforeTheAnswer) {
  EXPECT_EQ(Said(AskOverHttp([](fake::Peer& peer) {
              peer.ReadRequest();
              peer.Send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
              peer.Send(kOk);
            })),
            "success");
}

TEST(Http, TrickleFailsAtTheTimeout) {
  const RunResult result = AskOverHttp(
      [](fake::Peer& peer) {
        peer.ReadRequest();
        peer.Trickle("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", 20ms);
      },
      Short(Of(ProbeType::kHttp)));
  EXPECT_EQ(SaidFully(result), "failure http_timeout_body: inside the header");
  EXPECT_TRUE(result.phases.first_byte.has_value());
}

TEST(Http, TricklingBodyFailsAtTheTimeout) {
  const RunResult result = AskOverHttp(
      [](fake::Peer& peer) {
        peer.ReadRequest();
        peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        peer.Trickle(std::string(1000, 'x'), 20ms);
      },
      Short(Of(ProbeType::kHttp)));
  EXPECT_EQ(Said(result), "failure http_timeout_body");
  EXPECT_EQ(result.http_status, 200u);
}

TEST(Http, SilenceAfterAcceptIsNoFirstByte) {
  EXPECT_EQ(Said(AskOverHttp([](fake::Peer& peer) { peer.Stall(); }, Short(Of(ProbeType::kHttp)))),
            "failure http_timeout_first_byte");
}

TEST(Http, RequestThatNobodyReadsIsAWriteTimeout) {
  Probe probe = Short(Of(ProbeType::kHttp));
  probe.http.headers["X-Large"] = std::string(16'000'000, 'x');  // more than socket buffers take
  std::promise<void> done;
  std::shared_future<void> over = done.get_future().share();
  fake::TcpServer server([over](fake::Peer&) { over.wait(); });
  EXPECT_EQ(Said(Ask(probe, server)), "failure http_timeout_write");
  done.set_value();
}

TEST(Http, CloseWithoutAByteIsEmpty) {
  EXPECT_EQ(Said(AskOverHttp([](fake::Peer& peer) { peer.ReadRequest(); })), "failure http_empty");
}

TEST(Http, ResetIsReset) {
  EXPECT_EQ(Said(AskOverHttp([](fake::Peer& peer) {
              peer.ReadRequest();
              peer.Reset();
            })),
            "failure http_reset");
}

TEST(Http, ResetRightAfterAcceptIsReset) {
  // The RST may come before we have looked at the finished handshake.
  EXPECT_THAT(Said(AskOverHttp([](fake::Peer& peer) { peer.Reset(); })),
              testing::AnyOf("failure http_reset", "failure connect_reset"));
}

TEST(Http, CloseInsideTheBodyIsReset) {
  EXPECT_EQ(Said(AskOverHttp([](fake::Peer& peer) {
              peer.ReadRequest();
              peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok");
            })),
            "failure http_reset");
}

TEST(Http, BareLineFeedsAreNotHttp) {
  EXPECT_EQ(Said(AskOverHttp([](fake::Peer& peer) {
              peer.ReadRequest();
              peer.Send("HTTP/1.1 200 OK\nContent-Length: 0\n\n");
              peer.Stall();
            })),
            "failure http_protocol");
}

TEST(Http, EndlessChunksEndAtMaxBody) {
  Probe probe = Of(ProbeType::kHttp);
  const auto endless = [](fake::Peer& peer) {
    peer.ReadRequest();
    peer.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (peer.Send("4\r\nbody\r\n")) {
    }
  };
  EXPECT_EQ(Said(AskOverHttp(endless, probe)), "success");
  probe.http.expect_body = "never";
  EXPECT_EQ(Said(AskOverHttp(endless, probe)), "failure http_body_too_large");
}

// Larger than any buffer: a match at its end was read whole.
std::string LongAnswer() {
  std::string body(60'000, 'x');
  body.replace(body.size() - 3, 3, "end");
  return "HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n" + body;
}

TEST(Http, LongAnswerIsReadWhole) {
  Probe probe = Of(ProbeType::kHttp);
  probe.http.expect_body = "xend$";
  const RunResult result = AskOverHttp(
      [](fake::Peer& peer) {
        peer.ReadRequest();
        peer.Send(LongAnswer());
      },
      probe);
  EXPECT_EQ(SaidFully(result), "success: ");
  EXPECT_EQ(result.http_body_bytes, 60'000u);
}

TEST(Http, BodyMismatchShowsWhatCame) {
  Probe probe = Of(ProbeType::kHttp);
  probe.http.expect_body = "fine";
  EXPECT_EQ(SaidFully(AskOverHttp(
                [](fake::Peer& peer) {
                  peer.ReadRequest();
                  peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nbad\n\x01\xff");
                },
                probe)),
            "failure http_body_mismatch: body does not match fine: bad...");
}

class Tls : public ::testing::Test {
 protected:
  // A server that shows the certificate and answers over TLS.
  fake::TcpServer::Script Answering(const fake::TlsSide& side) {
    return [&side, this](fake::Peer& peer) {
      if (!peer.StartTls(side)) return;
      resumed_ += peer.resumed() ? 1 : 0;
      peer.ReadRequest();
      peer.Send(kOk);
      peer.EndTls();
    };
  }
  RunResult RunAgainst(const fake::Certificate& certificate, const Probe& probe) {
    const fake::TlsSide side(authority_.Issue(certificate));
    fake::TcpServer server(Answering(side));
    return Ask(probe, server);
  }

  fake::CertificateAuthority authority_;
  std::atomic<int> resumed_ = 0;
};

TEST_F(Tls, GoodCertificateSucceedsAndIsDescribed) {
  const fake::Identity identity = authority_.Issue(fake::Certificate("shop.example"));
  const fake::TlsSide side(identity);
  fake::TcpServer server(Answering(side));
  const RunResult result = Ask(Trusting(ProbeType::kTls, authority_), server);
  EXPECT_EQ(SaidFully(result), "success: ");
  EXPECT_TRUE(result.phases.connect && result.phases.tls);
  ASSERT_NE(result.certificate, nullptr);
  EXPECT_TRUE(result.certificate->verified);
  EXPECT_EQ(result.certificate->leaf_not_after, identity.not_after);
  EXPECT_EQ(result.certificate->chain_earliest_not_after, identity.not_after);
  EXPECT_EQ(result.certificate->issuer, "CN=Test Authority");
  EXPECT_EQ(result.certificate->version, "TLSv1.3");
  std::array<std::uint8_t, 32> digest{};
  X509_digest(identity.certificate.get(), EVP_sha256(), digest.data(), nullptr);
  EXPECT_EQ(result.certificate->leaf_sha256, digest);
}

TEST_F(Tls, HttpsHasAllPhases) {
  const RunResult result =
      RunAgainst(fake::Certificate("shop.example"), Trusting(ProbeType::kHttps, authority_));
  EXPECT_EQ(SaidFully(result), "success: ");
  EXPECT_TRUE(result.phases.connect && result.phases.tls && result.phases.write &&
              result.phases.first_byte && result.phases.body);
  EXPECT_EQ(result.http_status, 200u);
}

TEST_F(Tls, ChainMayExpireBeforeTheLeaf) {
  fake::CertificateAuthority short_lived(1h);
  const fake::Identity identity = short_lived.Issue(fake::Certificate("shop.example"));
  const fake::TlsSide side(identity);
  fake::TcpServer server(Answering(side));
  const RunResult result = Ask(Trusting(ProbeType::kTls, short_lived), server);
  EXPECT_EQ(Said(result), "success");
  EXPECT_EQ(result.certificate->leaf_not_after, identity.not_after);
  EXPECT_LT(result.certificate->chain_earliest_not_after, identity.not_after - 24h);
}

struct Fault {
  const char* name;
  std::function<fake::Certificate()> certificate;
  Reason reason;
};

class CertificateFault : public Tls, public ::testing::WithParamInterface<Fault> {};

TEST_P(CertificateFault, FailsTheRunAndIsDescribed) {
  const RunResult result =
      RunAgainst(GetParam().certificate(), Trusting(ProbeType::kHttps, authority_));
  EXPECT_EQ(Said(result), "failure " + std::string(Name(GetParam().reason))) << result.detail;
  EXPECT_FALSE(result.detail.empty());
  ASSERT_NE(result.certificate, nullptr);
  EXPECT_FALSE(result.certificate->verified);
  EXPECT_NE(result.certificate->leaf_not_after, std::chrono::sys_seconds{});
  EXPECT_FALSE(result.http_status.has_value());
}

TEST_P(CertificateFault, IsOnlySaidWithoutVerify) {
  Probe probe = Trusting(ProbeType::kHttps, authority_);
  probe.tls.verify = false;
  const RunResult result = RunAgainst(GetParam().certificate(), probe);
  EXPECT_EQ(SaidFully(result), "success: ");
  ASSERT_NE(result.certificate, nullptr);
  EXPECT_FALSE(result.certificate->verified);
}

INSTANTIATE_TEST_SUITE_P(
    All, CertificateFault,
    ::testing::Values(
        Fault{"Expired", [] { return fake::Certificate("shop.example").ExpiresIn(-1h); },
              Reason::kTlsCertExpired},
        Fault{"NotYetValid", [] { return fake::Certificate("shop.example").ValidIn(1h); },
              Reason::kTlsCertNotYetValid},
        Fault{"WrongName", [] { return fake::Certificate("other.example"); },
              Reason::kTlsNameMismatch},
        Fault{"AddressInsteadOfName", [] { return fake::Certificate("127.0.0.1"); },
              Reason::kTlsNameMismatch},
        Fault{"WeakKey", [] { return fake::Certificate("shop.example").RsaBits(1024); },
              Reason::kTlsCertWeak},
        Fault{"WeakSignature", [] { return fake::Certificate("shop.example").SignedWithSha1(); },
              Reason::kTlsCertWeak}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST_F(Tls, UnknownIssuerIsUntrustedAndDescribed) {
  fake::CertificateAuthority unknown;
  const RunResult result =
      RunAgainst(fake::Certificate("shop.example"), Trusting(ProbeType::kTls, unknown));
  EXPECT_EQ(Said(result), "failure tls_cert_untrusted") << result.detail;
  ASSERT_NE(result.certificate, nullptr);
  EXPECT_FALSE(result.certificate->verified);
}

TEST_F(Tls, CertificateMayBeForAnAddress) {
  Probe probe = Trusting(ProbeType::kTls, authority_, "127.0.0.1");
  EXPECT_EQ(SaidFully(RunAgainst(fake::Certificate("127.0.0.1"), probe)), "success: ");
  EXPECT_EQ(Said(RunAgainst(fake::Certificate("127.0.0.2"), probe)), "failure tls_name_mismatch");
}

TEST_F(Tls, WithoutANameOnlyChainAndDatesCount) {
  EXPECT_EQ(SaidFully(RunAgainst(fake::Certificate("any.example"),
                                 Trusting(ProbeType::kTls, authority_, ""))),
            "success: ");
}

TEST_F(Tls, SaysTheNameAndNeverAnAddress) {
  const fake::TlsSide side(authority_.Issue(fake::Certificate("shop.example")));
  std::promise<std::string> said;
  std::promise<std::string> said_address;
  std::atomic<int> connections = 0;
  fake::TcpServer server([&](fake::Peer& peer) {
    peer.StartTls(side);
    (connections++ == 0 ? said : said_address).set_value(peer.server_name());
  });
  Ask(Trusting(ProbeType::kTls, authority_), server);
  EXPECT_EQ(Within20s(said.get_future()),
            "shop.example");  // before the other one, which may be quicker
  Ask(Trusting(ProbeType::kTls, authority_, "127.0.0.1"), server);
  EXPECT_EQ(Within20s(said_address.get_future()), "");
}

TEST_F(Tls, OffersAlpn) {
  fake::TlsSide side(authority_.Issue(fake::Certificate("shop.example")));
  side.Alpn("http/1.1");
  std::promise<std::string> chosen;
  fake::TcpServer server([&](fake::Peer& peer) {
    peer.StartTls(side);
    chosen.set_value(peer.alpn());
  });
  Probe probe = Trusting(ProbeType::kTls, authority_);
  probe.tls.alpn = {"nonsense", "http/1.1"};
  EXPECT_EQ(Said(Ask(probe, server)), "success");
  EXPECT_EQ(Within20s(chosen.get_future()), "http/1.1");
}

TEST_F(Tls, AlpnThatTheServerDoesNotKnowIsAnAlert) {
  fake::TlsSide side(authority_.Issue(fake::Certificate("shop.example")));
  side.Alpn("http/1.1");
  fake::TcpServer server(Answering(side));
  Probe probe = Trusting(ProbeType::kTls, authority_);
  probe.tls.alpn = {"nonsense"};
  EXPECT_EQ(SaidFully(Ask(probe, server)), "failure tls_alert: no application protocol");
}

TEST_F(Tls, TooOldAVersionIsAnAlert) {
  fake::TlsSide side(authority_.Issue(fake::Certificate("shop.example")));
  side.AtMost(TLS1_2_VERSION);
  fake::TcpServer server(Answering(side));
  Probe probe = Trusting(ProbeType::kTls, authority_);
  EXPECT_EQ(Ask(probe, server).certificate->version, "TLSv1.2");
  probe.tls.min_version = TlsOptions::Version::k13;
  EXPECT_EQ(SaidFully(Ask(probe, server)), "failure tls_alert: protocol version");
}

TEST_F(Tls, ClientCertificateIsAskedForInBothVersions) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    fake::TlsSide side(authority_.Issue(fake::Certificate("shop.example")));
    side.AtMost(version);
    side.WantClientCertificate(authority_.file());
    fake::TcpServer server(Answering(side));
    Probe probe = Trusting(ProbeType::kHttps, authority_);
    const RunResult without = Ask(probe, server);
    EXPECT_EQ(Said(without), "failure tls_alert") << without.detail;
    EXPECT_NE(without.certificate, nullptr);

    const fake::Identity client = authority_.Issue(fake::Certificate("client.example"));
    probe.tls.client_cert = authority_.CertificateFile(client);
    probe.tls.client_key = authority_.KeyFile(client);
    EXPECT_EQ(SaidFully(Ask(probe, server)), "success: ");
  }
}

TEST_F(Tls, PlainTextIsNotTls) {
  fake::TcpServer server([](fake::Peer& peer) {
    peer.Send("HTTP/1.1 400 Bad Request\r\n\r\n");
    peer.Stall();
  });
  EXPECT_EQ(SaidFully(Ask(Trusting(ProbeType::kTls, authority_), server)),
            "failure tls_protocol: wrong version number");
}

TEST_F(Tls, SilenceAfterTheHelloIsATimeout) {
  fake::TcpServer server([](fake::Peer& peer) { peer.Stall(); });
  const RunResult result = Ask(Short(Trusting(ProbeType::kTls, authority_)), server);
  EXPECT_EQ(Said(result), "failure tls_timeout");
  EXPECT_TRUE(result.phases.connect.has_value());
  EXPECT_FALSE(result.phases.tls.has_value());
}

TEST_F(Tls, TricklingHandshakeIsATimeout) {
  fake::TcpServer server([](fake::Peer& peer) {
    // The header of a record of 16 KiB, whose content never ends.
    peer.Trickle(std::string("\x16\x03\x03\x40\x00", 5) + std::string(1000, 'x'), 20ms);
  });
  EXPECT_EQ(Said(Ask(Short(Trusting(ProbeType::kTls, authority_)), server)), "failure tls_timeout");
}

TEST_F(Tls, CloseOrResetInsideTheHandshakeIsReset) {
  fake::TcpServer closing([](fake::Peer&) {});
  EXPECT_EQ(Said(Ask(Trusting(ProbeType::kTls, authority_), closing)), "failure tls_reset");
  fake::TcpServer resetting([](fake::Peer& peer) { peer.Reset(); });
  EXPECT_THAT(Said(Ask(Trusting(ProbeType::kTls, authority_), resetting)),
              testing::AnyOf("failure tls_reset", "failure connect_reset"));
}

TEST_F(Tls, MissingCloseNotifyEndsABodyWithoutLength) {
  const fake::TlsSide side(authority_.Issue(fake::Certificate("shop.example")));
  fake::TcpServer server([&](fake::Peer& peer) {
    if (!peer.StartTls(side)) return;
    peer.ReadRequest();
    peer.Send("HTTP/1.1 200 OK\r\n\r\nall ok");
  });
  Probe probe = Trusting(ProbeType::kHttps, authority_);
  probe.http.expect_body = "ok$";
  EXPECT_EQ(SaidFully(Ask(probe, server)), "success: ");
}

TEST_F(Tls, MissingCloseNotifyInsideABodyIsReset) {
  const fake::TlsSide side(authority_.Issue(fake::Certificate("shop.example")));
  fake::TcpServer server([&](fake::Peer& peer) {
    if (!peer.StartTls(side)) return;
    peer.ReadRequest();
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok");
  });
  EXPECT_EQ(Said(Ask(Trusting(ProbeType::kHttps, authority_), server)), "failure http_reset");
}

TEST_F(Tls, LongAnswerIsReadWhole) {
  const fake::TlsSide side(authority_.Issue(fake::Certificate("shop.example")));
  fake::TcpServer server([&](fake::Peer& peer) {
    if (!peer.StartTls(side)) return;
    peer.ReadRequest();
    peer.Send(LongAnswer());
    peer.EndTls();
  });
  Probe probe = Trusting(ProbeType::kHttps, authority_);
  probe.http.expect_body = "xend$";
  EXPECT_EQ(SaidFully(Ask(probe, server)), "success: ");
}

class Resumption : public Tls {
 protected:
  RunResult RunAgain(const fake::TcpServer& server) {
    RunRequest request = Request(probe_, server.address(), server.port());
    if (prepared_ == nullptr) prepared_ = request.probe;
    request.probe = prepared_;
    request.tls_memory = memory_;
    request.start = Clock::now();
    return Ask(request);
  }

  Probe probe_ = Trusting(ProbeType::kHttps, authority_);
  std::shared_ptr<const PreparedProbe> prepared_;
  std::shared_ptr<TlsMemory> memory_ = MakeTlsMemory();
};

TEST_F(Resumption, HappensInBothVersions) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    fake::TlsSide side(authority_.Issue(fake::Certificate("shop.example")));
    side.AtMost(version);
    fake::TcpServer server(Answering(side));
    resumed_ = 0;
    memory_ = MakeTlsMemory();
    const RunResult first = RunAgain(server);
    EXPECT_EQ(resumed_, 0);
    for (int i = 0; i < 4; ++i) {
      const RunResult result = RunAgain(server);
      EXPECT_EQ(SaidFully(result), "success: ");
      EXPECT_EQ(result.certificate, first.certificate);
    }
    EXPECT_EQ(resumed_, 4);
  }
}

TEST_F(Resumption, CanBeSwitchedOff) {
  const fake::TlsSide side(authority_.Issue(fake::Certificate("shop.example")));
  fake::TcpServer server(Answering(side));
  probe_.tls.resume = false;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Said(RunAgain(server)), "success");
  EXPECT_EQ(resumed_, 0);
}

TEST_F(Resumption, NewCertificateIsSeenAfterAFailure) {
  fake::TlsSide side(authority_.Issue(fake::Certificate("shop.example")));
  std::atomic<bool> fails = false;
  fake::TcpServer server([&](fake::Peer& peer) {
    if (!peer.StartTls(side)) return;
    resumed_ += peer.resumed() ? 1 : 0;
    peer.ReadRequest();
    peer.Send(fails ? "HTTP/1.1 500 Oops\r\n\r\n" : kOk);
    peer.EndTls();
  });
  EXPECT_EQ(Said(RunAgain(server)), "success");
  side.Present(authority_.Issue(fake::Certificate("other.example")));
  // The resumed handshake does not show it: this is the trap.
  EXPECT_EQ(Said(RunAgain(server)), "success");
  EXPECT_EQ(resumed_, 1);
  fails = true;
  EXPECT_EQ(Said(RunAgain(server)), "failure http_status");
  fails = false;
  EXPECT_EQ(Said(RunAgain(server)), "failure tls_name_mismatch");
  EXPECT_EQ(Said(RunAgain(server)), "failure tls_name_mismatch");
}

TEST_F(Resumption, NewCertificateIsSeenAfterFullEvery) {
  fake::TlsSide side(authority_.Issue(fake::Certificate("shop.example")));
  fake::TcpServer server(Answering(side));
  probe_.tls.full_every = 0ms;
  EXPECT_EQ(Said(RunAgain(server)), "success");
  side.Present(authority_.Issue(fake::Certificate("other.example")));
  EXPECT_EQ(Said(RunAgain(server)), "failure tls_name_mismatch");
}

TEST_F(Resumption, FailedVerificationIsNeverResumed) {
  const fake::TlsSide side(authority_.Issue(fake::Certificate("other.example")));
  fake::TcpServer server(Answering(side));
  probe_.tls.verify = false;
  for (int i = 0; i < 3; ++i) {
    const RunResult result = RunAgain(server);
    EXPECT_EQ(Said(result), "success");
    EXPECT_FALSE(result.certificate->verified);
  }
  EXPECT_EQ(resumed_, 0);
}

TEST_F(Resumption, CertificateThatExpiresMeanwhileIsSeen) {
  const fake::TlsSide side(authority_.Issue(fake::Certificate("shop.example").ExpiresIn(3s)));
  fake::TcpServer server(Answering(side));
  const RunResult first = RunAgain(server);
  ASSERT_EQ(SaidFully(first), "success: ");
  // Every run until then may succeed; the first one after it may not.
  RunResult result = first;
  const Deadline patience = Clock::now() + 20s;
  while (result.outcome == Outcome::kSuccess && Clock::now() < patience) result = RunAgain(server);
  EXPECT_EQ(SaidFully(result), "failure tls_cert_expired: expired since the last full handshake");
  EXPECT_GT(resumed_, 0);
  EXPECT_FALSE(result.certificate->verified);
  EXPECT_EQ(result.certificate->leaf_not_after, first.certificate->leaf_not_after);
}

TEST_F(Resumption, OtherExpectationsOfTheCertificateMakeAFullHandshake) {
  const fake::TlsSide side(authority_.Issue(fake::Certificate("shop.example")));
  fake::TcpServer server(Answering(side));
  EXPECT_EQ(Said(RunAgain(server)), "success");
  probe_.tls.verify_name = "other.example";
  prepared_ = nullptr;
  EXPECT_EQ(Said(RunAgain(server)), "failure tls_name_mismatch");
}

TEST(ManyRuns, OnlySoManyOfOneAddressAreBeyondConnect) {
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  fake::TcpServer server([&](fake::Peer& peer) {
    if (!peer.ReadRequest().ends_with("\r\n\r\n")) return;
    const int now = ++inside;
    int seen = most;
    while (seen < now && !most.compare_exchange_weak(seen, now)) {
    }
    --inside;
    peer.Send(kOk);
  });
  asio::io_context loop{1};
  AddressGate gate(loop, 2);
  std::vector<RunResult> results(20);
  for (RunResult& result : results) {
    Spawn(loop, Request(Of(ProbeType::kHttp), server.address(), server.port()), gate, result);
  }
  loop.run();
  for (const RunResult& result : results) EXPECT_EQ(SaidFully(result), "success: ");
  EXPECT_LE(most, 2);
}

TEST(ManyRuns, NoPlaceInTimeIsInconclusive) {
  std::promise<void> asked;
  fake::TcpServer server([&](fake::Peer& peer) {
    if (peer.ReadRequest().empty()) return;
    asked.set_value();
    peer.Stall();
  });
  asio::io_context loop{1};
  AddressGate gate(loop, 1);
  RunResult first;
  RunResult second;
  Spawn(loop, Request(Of(ProbeType::kHttp), server.address(), server.port()), gate, first);
  std::future<void> first_is_inside = asked.get_future();
  while (first_is_inside.wait_for(0s) != std::future_status::ready) loop.run_one_for(10ms);
  Spawn(loop, Request(Short(Of(ProbeType::kHttp)), server.address(), server.port()), gate, second);
  while (second.reason == Reason::kNone) loop.run_one();
  EXPECT_EQ(SaidFully(second),
            "inconclusive local_throttled: limits.max_per_address: no place in time");
}

// A place at the gate for the address, until it is reset.
asio::awaitable<void> Occupy(AddressGate& gate, const Address& address,
                             std::optional<AddressGate::Ticket>& place) {
  std::optional<AddressGate::Ticket> ticket = co_await gate.Enter(address, Deadline::max());
  place.emplace(*std::move(ticket));
}

// Asks with a gate that is closed for longer than a quarter of the probe's timeout.
RunResult AskThroughAClosedGate(const Probe& probe, const fake::TcpServer& server) {
  asio::io_context loop{1};
  AddressGate gate(loop, 1);
  std::optional<AddressGate::Ticket> place;
  asio::co_spawn(loop, Occupy(gate, server.address(), place), asio::detached);
  loop.poll();
  loop.restart();
  asio::steady_timer open(loop, probe.timeout * 2 / 5);
  open.async_wait([&](const boost::system::error_code&) { place.reset(); });
  RunResult result;
  Spawn(loop, Request(probe, server.address(), server.port()), gate, result);
  loop.run();
  return result;
}

TEST(ManyRuns, TimeoutAfterALongWaitForAPlaceIsInconclusive) {
  fake::TcpServer server([](fake::Peer& peer) { peer.Stall(); });
  Probe probe = Of(ProbeType::kHttp);
  probe.timeout = 1s;
  const RunResult result = AskThroughAClosedGate(probe, server);
  EXPECT_EQ(Said(result), "inconclusive local_throttled");
  EXPECT_THAT(result.detail,
              ::testing::MatchesRegex("limits.max_per_address: waited [0-9]+ of 1000 ms for a "
                                      "place, then http_timeout_first_byte"));
  EXPECT_TRUE(result.phases.write.has_value()) << "it got a place";
}

TEST(ManyRuns, OtherEndsAfterALongWaitForAPlaceStay) {
  Probe probe = Of(ProbeType::kHttp);
  probe.timeout = 1s;
  fake::TcpServer working([](fake::Peer& peer) {
    peer.ReadRequest();
    peer.Send(kOk);
  });
  EXPECT_EQ(SaidFully(AskThroughAClosedGate(probe, working)), "success: ");
  fake::TcpServer broken([](fake::Peer& peer) { peer.ReadRequest(); });
  EXPECT_EQ(Said(AskThroughAClosedGate(probe, broken)), "failure http_empty");
}

TEST(ManyRuns, LoopMayBeDestroyedWithRunsInEveryStep) {
  fake::CertificateAuthority authority;
  const fake::TlsSide side(authority.Issue(fake::Certificate("shop.example")));
  fake::TcpServer silent([](fake::Peer& peer) { peer.Stall(); });
  fake::TcpServer answering([&](fake::Peer& peer) {
    if (!peer.StartTls(side)) return;
    peer.ReadRequest();
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
    peer.Stall();
  });
  // From one step to the next, as many as there are: at some each run is in each place.
  for (int steps = 0; steps < 40; ++steps) {
    asio::io_context loop{1};
    AddressGate gate(loop, 2);
    std::vector<RunResult> results(12);
    std::size_t next = 0;
    for (const ProbeType type : {ProbeType::kTcp, ProbeType::kTls, ProbeType::kHttp}) {
      Probe probe = Of(type);
      probe.tls.verify = false;
      for (int i = 0; i < 2; ++i) {
        Spawn(loop, Request(probe, silent.address(), silent.port()), gate, results[next++]);
      }
    }
    for (int i = 0; i < 6; ++i) {
      RunRequest request =
          Request(Trusting(ProbeType::kHttps, authority), answering.address(), answering.port());
      request.tls_memory = MakeTlsMemory();
      Spawn(loop, request, gate, results[next++]);
    }
    for (int i = 0; i < steps; ++i) loop.run_one_for(20ms);
  }
}

TEST(ManyRuns, GateMayGoBeforeTheLoop) {
  fake::TcpServer silent([](fake::Peer& peer) { peer.Stall(); });
  std::vector<RunResult> results(3);
  asio::io_context loop{1};
  {
    AddressGate gate(loop, 1);
    for (RunResult& result : results) {
      Spawn(loop, Request(Of(ProbeType::kHttp), silent.address(), silent.port()), gate, result);
    }
    for (int i = 0; i < 10; ++i) loop.run_one_for(20ms);
  }
}

TEST(Close, LeavesTheServerWithWhatIsConfigured) {
  for (const CloseMode mode : {CloseMode::kFin, CloseMode::kRst}) {
    std::promise<bool> was_reset;
    fake::TcpServer server(
        [&](fake::Peer& peer) { was_reset.set_value(peer.WaitForEnd() == fake::Peer::End::kRst); });
    Probe probe = Of(ProbeType::kTcp);
    probe.close = mode;
    EXPECT_EQ(Said(Ask(probe, server)), "success");
    EXPECT_EQ(Within20s(was_reset.get_future()), mode == CloseMode::kRst);
  }
}

TEST(Close, HoldsAtTheDeadlineToo) {
  std::promise<bool> was_reset;
  fake::TcpServer server([&](fake::Peer& peer) {
    peer.ReadRequest();
    was_reset.set_value(peer.WaitForEnd() == fake::Peer::End::kRst);
  });
  Probe probe = Short(Of(ProbeType::kHttp));
  probe.close = CloseMode::kRst;
  EXPECT_EQ(Said(Ask(probe, server)), "failure http_timeout_first_byte");
  EXPECT_TRUE(Within20s(was_reset.get_future()));
}

}  // namespace
}  // namespace lvs::probes
