#include "exporter/http/http_server.h"

#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <latch>
#include <memory>
#include <mutex>
#include <new>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/raw_http.h"

namespace lvs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

// Remembers what it hears.
class Recorder : public HttpObserver {
 public:
  void RequestStarted() override { ++started_; }
  void RequestFinished(std::string_view route, int status) override {
    const std::lock_guard lock(mutex_);
    finished_.push_back(std::string(route) + " " + std::to_string(status));
    changed_.notify_all();
  }
  void HandlerFailed(std::string_view route, std::string_view reason) override {
    const std::lock_guard lock(mutex_);
    failures_.push_back(std::string(route) + ": " + std::string(reason));
  }

  // The first count requests that were finished, in that order; waits for them.
  std::vector<std::string> Finished(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return finished_.size() >= count; });
    return finished_;
  }
  std::vector<std::string> failures() {
    const std::lock_guard lock(mutex_);
    return failures_;
  }
  std::size_t started() const { return started_; }

 private:
  std::atomic<std::size_t> started_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> finished_;
  std::vector<std::string> failures_;
};

HttpResponse Page(std::string text) {
  return {.content_type = "text/plain; version=0.0.4; charset=utf-8",
          .headers = {{"Vary", "Accept"}},
          .body = std::make_shared<const std::string>(std::move(text))};
}

Route Metrics() {
  return {.path = "/metrics", .handler = [](const HttpRequest&) { return Page("up 1\n"); }};
}

HttpServerOptions Loopback() {
  return {.listen = {{.address = "127.0.0.1", .port = 0}}, .threads = 8};
}

// A server on a free port of 127.0.0.1 and what it tells.
struct TestServer {
  explicit TestServer(std::vector<Route> routes, const HttpServerOptions& options = Loopback()) {
    Result<std::unique_ptr<HttpServer>> started =
        HttpServer::Start(options, std::move(routes), recorder);
    EXPECT_TRUE(started.ok()) << started.error().message;
    server = std::move(started.value());
    port = server->addresses().at(0).port;
  }

  Recorder recorder;
  std::unique_ptr<HttpServer> server;
  std::uint16_t port = 0;
};

std::size_t CountEntries(const char* folder) {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(folder), &closedir);
  std::size_t count = 0;
  while (readdir(entries.get()) != nullptr) ++count;
  return count;
}

std::size_t CountThreads() { return CountEntries("/proc/self/task"); }

// One that begins and ends first, so that a sanitizer's own thread is there already.
std::size_t ThreadsBefore() {
  std::thread([] {}).join();
  return CountThreads();
}

// The kernel lists a joined thread for a moment longer; one that is not joined would stay.
bool ThreadsFallTo(std::size_t count) {
  for (int round = 0; round < 100000 && CountThreads() > count; ++round) std::this_thread::yield();
  return CountThreads() <= count;
}

std::size_t CountDescriptors() { return CountEntries("/proc/self/fd"); }

TEST(HttpServerTest, GetAnswersWithTheHandlersPage) {
  TestServer test({Metrics()});
  const RawResponse response = Get(test.port, "/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "up 1\n");
  EXPECT_EQ(response.Header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(response.Header("Content-Length"), "5");
  EXPECT_EQ(response.Header("Vary"), "Accept");
  EXPECT_THAT(test.recorder.Finished(1), ElementsAre("/metrics 200"));
}

TEST(HttpServerTest, HeadIsGetWithoutTheBody) {
  TestServer test({Metrics()});
  const RawResponse head = Exchange(test.port, "HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
  const RawResponse get = Get(test.port, "/metrics");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(head.Header("Content-Length"), get.Header("Content-Length"));
  EXPECT_EQ(head.Header("Content-Type"), get.Header("Content-Type"));
}

TEST(HttpServerTest, EveryKindOfAnswerCarriesTheSecurityHeaders) {
  TestServer test(
      {Metrics(), {.path = "/throws", .handler = [](const HttpRequest&) -> HttpResponse {
                     throw std::bad_alloc();
                   }}});
  for (const char* request :
       {"GET /metrics HTTP/1.1\r\n\r\n", "HEAD /metrics HTTP/1.1\r\n\r\n",
        "GET /nothing HTTP/1.1\r\n\r\n", "DELETE /metrics HTTP/1.1\r\n\r\n",
        "OPTIONS /metrics HTTP/1.1\r\nOrigin: http://a\r\n\r\n", "GET /throws HTTP/1.1\r\n\r\n",
        "GET /metrics HTTP/9.9\r\n\r\n", "nonsense\r\n\r\n"}) {
    SCOPED_TRACE(request);
    const RawResponse response = Exchange(test.port, request);
    EXPECT_NE(response.status, 0);
    EXPECT_EQ(response.Header("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(response.Header("X-Frame-Options"), "deny");
    EXPECT_EQ(response.Header("Referrer-Policy"), "no-referrer");
    EXPECT_EQ(response.Header("Cache-Control"), "no-store");
    EXPECT_EQ(response.Header("Content-Security-Policy"), "default-src 'none'");
    EXPECT_EQ(response.Header("Connection"), "close");
    EXPECT_EQ(response.Header("Server"), "");
    EXPECT_THAT(response.head, Not(HasSubstr("Access-Control")));
    EXPECT_THAT(response.Header("Date"), MatchesRegex("[A-Z][a-z][a-z], .* GMT"));
  }
}

TEST(HttpServerTest, UnknownPathsAndOtherMethodsAreToldApart) {
  TestServer test({Metrics()});
  EXPECT_EQ(Get(test.port, "/nothing").status, 404);
  const RawResponse response = Exchange(test.port, "POST /metrics HTTP/1.1\r\n\r\n");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.Header("Allow"), "GET, HEAD");
  EXPECT_THAT(test.recorder.Finished(2), ElementsAre("other 404", "/metrics 405"));
}

TEST(HttpServerTest, ThrowingHandlersCostOnlyTheirOwnRequest) {
  TestServer test(
      {Metrics(),
       {.path = "/runtime",
        .handler = [](const HttpRequest&) -> HttpResponse {
          throw std::runtime_error("a secret");
        }},
       {.path = "/number", .handler = [](const HttpRequest&) -> HttpResponse { throw 1; }},
       {.path = "/memory",
        .handler = [](const HttpRequest&) -> HttpResponse { throw std::bad_alloc(); }}});
  const RawResponse runtime = Get(test.port, "/runtime");
  EXPECT_EQ(runtime.status, 500);
  EXPECT_THAT(runtime.body, Not(HasSubstr("secret")));
  EXPECT_EQ(runtime.Header("Content-Length"), std::to_string(runtime.body.size()));
  EXPECT_EQ(Exchange(test.port, "HEAD /runtime HTTP/1.1\r\n\r\n").body, "");
  EXPECT_EQ(Get(test.port, "/number").status, 500);
  const RawResponse memory = Get(test.port, "/memory");
  EXPECT_EQ(memory.status, 503);
  EXPECT_EQ(memory.Header("Retry-After"), "1");
  EXPECT_EQ(Get(test.port, "/metrics").status, 200);
  EXPECT_THAT(test.recorder.Finished(5), ElementsAre("/runtime 500", "/runtime 500", "/number 500",
                                                     "/memory 503", "/metrics 200"));
  EXPECT_THAT(test.recorder.failures(), ElementsAre("/runtime: a secret", "/runtime: a secret",
                                                    "/number: an exception of unknown type"));
}

TEST(HttpServerTest, AnObserverThatThrowsCostsNothing) {
  struct Thrower : HttpObserver {
    void RequestStarted() override { throw 1; }
    void RequestFinished(std::string_view, int) override { throw 2; }
  } thrower;
  const auto server = HttpServer::Start(Loopback(), {Metrics()}, thrower);
  ASSERT_TRUE(server.ok());
  EXPECT_EQ(Get(server.value()->addresses()[0].port, "/metrics").status, 200);
}

// What an abusive request gets. Status 0: closed without an answer.
struct AbuseRow {
  const char* name;
  std::string request;
  int status;
};

std::vector<AbuseRow> AbuseRows() {
  std::string headers;
  for (int i = 0; i < 63; ++i) headers += "X-Zebra: zebra\r\n";
  using namespace std::string_literals;
  return {
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
      {"HTTP/2 upgrade",
       "GET /metrics HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n", 200},
      {"WebSocket upgrade",
       "GET /metrics HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
       "Sec-WebSocket-Key: zebra\r\nSec-WebSocket-Version: 13\r\n\r\n",
       200},
      {"pipelining", "GET /metrics HTTP/1.1\r\n\r\nGET /zebra HTTP/1.1\r\n\r\n", 200},
      {"TE and CL",
       "POST /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
       400},
      {"chunked", "POST /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"chunked in doubt", "POST /metrics HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n", 400},
      {"identity", "GET /metrics HTTP/1.1\r\nTransfer-Encoding: identity\r\n\r\n", 400},
      {"two equal CL",
       "POST /metrics HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nzebra", 400},
      {"two different CL",
       "POST /metrics HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nzebra", 400},
      {"CL with a sign", "POST /metrics HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400},
      {"CL that is no number", "POST /metrics HTTP/1.1\r\nContent-Length: zebra\r\n\r\n", 400},
      {"CL with a tail", "POST /metrics HTTP/1.1\r\nContent-Length: 0zebra\r\n\r\n", 400},
      {"declared body", "POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nzebra", 413},
      {"declared body that never comes", "POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\n",
       413},
      {"expectation", "POST /metrics HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
       413},
      {"two Hosts", "GET /metrics HTTP/1.1\r\nHost: a\r\nHost: zebra\r\n\r\n", 400},
      {"NUL in the path", "GET /metrics\0zebra HTTP/1.1\r\n\r\n"s, 400},
      {"NUL in a header", "GET /metrics HTTP/1.1\r\nZebra: a\0b\r\n\r\n"s, 400},
      {"encoded NUL", "GET /metrics%00 HTTP/1.1\r\n\r\n", 400},
      {"encoded line feed", "GET /metrics%0d%0aZebra:%201 HTTP/1.1\r\n\r\n", 400},
      {"encoded twice", "GET /%256detrics HTTP/1.1\r\n\r\n", 404},
      {"invalid UTF-8", "GET /%ff HTTP/1.1\r\n\r\n", 400},
      {"raw UTF-8", "GET /m\xc3\xa9trics HTTP/1.1\r\n\r\n", 400},
      {"upwards", "GET /../../etc/passwd HTTP/1.1\r\n\r\n", 404},
      {"a sub-path", "GET /metrics/zebra HTTP/1.1\r\n\r\n", 404},
      {"other letters", "GET /METRICS HTTP/1.1\r\n\r\n", 404},
      {"a fragment", "GET /metrics#zebra HTTP/1.1\r\n\r\n", 404},
      {"folding", "GET /metrics HTTP/1.1\r\nZebra: a\r\n b\r\n\r\n", 200},
      {"blank before the colon", "GET /metrics HTTP/1.1\r\nZebra : a\r\n\r\n", 200},
      {"a header without a colon", "GET /metrics HTTP/1.1\r\nzebra\r\n\r\n", 400},
      {"a tab in a header", "GET /metrics HTTP/1.1\r\nZebra:\ta\r\n\r\n", 400},
      {"bare line feeds", "GET /metrics HTTP/1.1\nHost: a\n\n", 200},
      {"a bare carriage return", "GET /metrics HTTP/1.1\rZebra: a\r\n\r\n", 200},
      {"absolute form", "GET http://zebra/metrics HTTP/1.1\r\nHost: zebra\r\n\r\n", 0},
      {"asterisk form", "OPTIONS * HTTP/1.1\r\n\r\n", 0},
      {"authority form", "CONNECT zebra:443 HTTP/1.1\r\n\r\n", 400},
      {"TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03zebra"s, 400},
      {"HTTP/9.9", "GET /metrics HTTP/9.9\r\n\r\n", 505},
      {"another version text", "GET /metrics HTTP/zebra\r\n\r\n", 505},
      {"another protocol", "GET /metrics ZEBRA/1.1\r\n\r\n", 400},
      {"HTTP/0.9", "GET /metrics\r\n\r\n", 400},
      {"HTTP/1.0", "GET /metrics HTTP/1.0\r\n\r\n", 200},
      {"no Host", "GET /metrics HTTP/1.1\r\n\r\n", 200},
      {"TRACE", "TRACE /metrics HTTP/1.1\r\nZebra: zebra\r\n\r\n", 400},
      {"an unknown method", "ZEBRA /metrics HTTP/1.1\r\n\r\n", 400},
      {"a method in small letters", "get /metrics HTTP/1.1\r\n\r\n", 400},
      {"PUT", "PUT /metrics HTTP/1.1\r\n\r\n", 405},
      {"PROPFIND", "PROPFIND /metrics HTTP/1.1\r\n\r\n", 405},
      {"CORS preflight",
       "OPTIONS /metrics HTTP/1.1\r\nOrigin: zebra\r\nAccess-Control-Request-Method: GET\r\n\r\n",
       405},
      {"a range", "GET /metrics HTTP/1.1\r\nRange: bytes=0-1\r\n\r\n", 200},
      {"63 headers", "GET /metrics HTTP/1.1\r\n" + headers + "\r\n", 200},
      {"64 headers", "GET /metrics HTTP/1.1\r\n" + headers + "X-Zebra: zebra\r\n\r\n", 431},
      {"65 headers, TE is the last",
       "GET /metrics HTTP/1.1\r\n" + headers +
           "X-Zebra: zebra\r\nTransfer-Encoding: chunked\r\n\r\n",
       431},
      {"8,100 bytes of header",
       "GET /metrics HTTP/1.1\r\nZebra: " + std::string(8100, 'z') + "\r\n\r\n", 200},
      {"8,300 bytes of header",
       "GET /metrics HTTP/1.1\r\nZebra: " + std::string(8300, 'z') + "\r\n\r\n", 400},
      {"a long path", "GET /" + std::string(8000, 'z') + " HTTP/1.1\r\n\r\n", 404},
      {"blank lines first", "\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n", 200},
      {"only line ends", "\r\n\r\n\r\n\r\n", 400},
      {"an authorization", "GET /metrics HTTP/1.1\r\nAuthorization: Digest zebra\r\n\r\n", 200},
  };
}

TEST(HttpServerTest, AbusiveRequestsGetOneDocumentedAnswerAndNoEcho) {
  TestServer test({Metrics()});
  for (const AbuseRow& row : AbuseRows()) {
    SCOPED_TRACE(row.name);
    RawConnection connection(test.port);
    connection.Send(row.request);
    connection.FinishSending();
    const std::string bytes = connection.ReceiveAll();
    const RawResponse response = ParseResponse(bytes);
    EXPECT_EQ(response.status, row.status);
    EXPECT_EQ(response.body.empty(), row.status == 0);
    EXPECT_EQ(response.Header("Content-Length"),
              row.status == 0 ? "" : std::to_string(response.body.size()));
    EXPECT_THAT(bytes, Not(HasSubstr("zebra")));
    EXPECT_THAT(bytes, Not(HasSubstr("Zebra")));
    EXPECT_THAT(bytes, Not(HasSubstr("ZEBRA")));
    EXPECT_THAT(bytes, Not(HasSubstr("9.9")));
  }
  EXPECT_EQ(Get(test.port, "/metrics").status, 200);
}

TEST(HttpServerTest, RandomBytesAreSurvived) {
  TestServer test({Metrics()});
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    std::string bytes = "GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    for (int change = 0; change < 4; ++change) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    RawConnection connection(test.port);
    connection.Send(bytes);
    connection.FinishSending();
    connection.ReceiveAll();
  }
  EXPECT_EQ(Get(test.port, "/metrics").status, 200);
}

TEST(HttpServerTest, ABodyThatDripsHoldsNoWorker) {
  HttpServerOptions options = Loopback();
  options.threads = 1;
  TestServer test({Metrics()}, options);
  RawConnection dripping(test.port);
  dripping.Send("POST /metrics HTTP/1.1\r\nContent-Length: 1000000\r\n\r\nx");
  EXPECT_EQ(ParseResponse(dripping.ReceiveAll()).status, 413);
  EXPECT_EQ(Get(test.port, "/metrics").status, 200);
}

TEST(HttpServerTest, AnUnfinishedHeadIsAnsweredAndClosed) {
  HttpServerOptions options = Loopback();
  options.request_timeout = std::chrono::milliseconds(100);
  TestServer test({Metrics()}, options);
  RawConnection slow = HalfOpen(test.port);
  EXPECT_EQ(ParseResponse(slow.ReceiveAll()).status, 400);
  RawConnection silent(test.port);
  EXPECT_EQ(silent.ReceiveAll(), "");
  EXPECT_EQ(Get(test.port, "/metrics").status, 200);
}

TEST(HttpServerTest, ALargePageArrivesWhole) {
  const auto page = std::make_shared<const std::string>(24 << 20, 'a');
  TestServer test({{.path = "/metrics", .handler = [&](const HttpRequest&) {
                      return HttpResponse{
                          .content_type = "text/plain", .headers = {}, .body = page};
                    }}});
  EXPECT_TRUE(Get(test.port, "/metrics").body == *page);
  const RawResponse head = Exchange(test.port, "HEAD /metrics HTTP/1.1\r\n\r\n");
  EXPECT_EQ(head.Header("Content-Length"), std::to_string(page->size()));
  EXPECT_EQ(head.body, "");
}

TEST(HttpServerTest, AnswersPastTheirDeadlineAreCut) {
  HttpServerOptions options = Loopback();
  options.write_deadline = std::chrono::milliseconds(0);
  TestServer test({{.path = "/metrics",
                    .handler = [](const HttpRequest&) { return Page(std::string(1 << 20, 'a')); }}},
                  options);
  const RawResponse response = Get(test.port, "/metrics");
  EXPECT_EQ(response.Header("Content-Length"), "1048576");
  EXPECT_EQ(response.body.size(), 256u * 1024);
}

TEST(HttpServerTest, AReaderThatStandsStillIsCut) {
  HttpServerOptions options = Loopback();
  options.request_timeout = std::chrono::milliseconds(100);
  TestServer test(
      {{.path = "/metrics",
        .handler = [](const HttpRequest&) { return Page(std::string(24 << 20, 'a')); }}},
      options);
  RawConnection reader(test.port);
  reader.Send("GET /metrics HTTP/1.1\r\n\r\n");
  EXPECT_THAT(test.recorder.Finished(1), ElementsAre("/metrics 200"));
  EXPECT_LT(ParseResponse(reader.ReceiveAll()).body.size(), 24u << 20);
}

TEST(HttpServerTest, ClientsThatLeaveEarlyDoNoHarm) {
  TestServer test({{.path = "/metrics", .handler = [](const HttpRequest&) {
                      return Page(std::string(4 << 20, 'a'));
                    }}});
  for (int i = 0; i < 20; ++i) {
    RawConnection leaver(test.port);
    leaver.Send("GET /metrics HTTP/1.1\r\n\r\n");
    leaver.ReceiveSome(10);
  }
  EXPECT_EQ(test.recorder.Finished(20).size(), 20u);
  EXPECT_EQ(Get(test.port, "/metrics").body.size(), 4u << 20);
}

TEST(HttpServerTest, ManyClientsAreServedAtOnce) {
  TestServer test({Metrics()});
  std::atomic<int> good{0};
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < 8; ++i) {
      clients.emplace_back([&] {
        for (int request = 0; request < 50; ++request) {
          if (Get(test.port, "/metrics").body == "up 1\n") ++good;
        }
      });
    }
  }
  EXPECT_EQ(good, 400);
  EXPECT_EQ(test.recorder.Finished(400).size(), 400u);
  EXPECT_EQ(test.recorder.started(), 400u);
}

// A limited route whose handlers wait until they are let go.
struct Gate {
  Route route() {
    return {.path = "/metrics",
            .handler =
                [this](const HttpRequest&) {
                  arrived.count_down();
                  open.wait();
                  return Page("up 1\n");
                },
            .limit = Limit::kScrapes};
  }

  std::latch arrived{2};
  std::latch open{1};
};

TEST(HttpServerTest, RequestsAboveTheLimitAreToldToComeBack) {
  HttpServerOptions options = Loopback();
  options.max_requests = 2;
  Gate gate;
  TestServer test({gate.route(),
                   {.path = "/-/healthy",
                    .handler = [](const HttpRequest&) { return TextResponse(200, "healthy"); }}},
                  options);
  std::vector<RawConnection> running;
  for (int i = 0; i < 2; ++i) {
    running.emplace_back(test.port).Send("GET /metrics HTTP/1.1\r\n\r\n");
  }
  gate.arrived.wait();
  const RawResponse refused = Get(test.port, "/metrics");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.Header("Retry-After"), "1");
  EXPECT_EQ(Get(test.port, "/-/healthy").status, 200);
  EXPECT_GE(test.server->in_flight(), 2);
  gate.open.count_down();
  for (RawConnection& connection : running) {
    EXPECT_EQ(ParseResponse(connection.ReceiveAll()).status, 200);
  }
}

TEST(HttpServerTest, AllAddressesAreBoundOrTheStartFails) {
  TestServer test({Metrics()});
  Recorder recorder;
  HttpServerOptions options = Loopback();
  options.listen.push_back({.address = "127.0.0.1", .port = test.port});
  const std::size_t threads = ThreadsBefore();
  const std::size_t descriptors = CountDescriptors();
  const auto second = HttpServer::Start(options, {Metrics()}, recorder);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().message,
            "http: Failed to setup server ports: cannot bind to 127.0.0.1:" +
                std::to_string(test.port) + ": 98 (Address already in use)");
  EXPECT_TRUE(ThreadsFallTo(threads));
  EXPECT_EQ(CountDescriptors(), descriptors);
}

TEST(HttpServerTest, NoAddressIsAnError) {
  Recorder recorder;
  EXPECT_FALSE(HttpServer::Start({}, {Metrics()}, recorder).ok());
}

TEST(HttpServerTest, SeveralAddressesServeTheSameRoutes) {
  HttpServerOptions options = Loopback();
  options.listen.push_back({.address = "127.0.0.1", .port = 0});
  TestServer test({Metrics()}, options);
  ASSERT_EQ(test.server->addresses().size(), 2u);
  EXPECT_NE(test.server->addresses()[0].port, test.server->addresses()[1].port);
  for (const ListenAddress& address : test.server->addresses()) {
    EXPECT_EQ(Get(address.port, "/metrics").status, 200);
  }
}

TEST(HttpServerTest, StoppingLeavesNoThreadNoDescriptorAndNoListener) {
  const std::size_t threads = ThreadsBefore();
  const std::size_t descriptors = CountDescriptors();
  std::uint16_t port = 0;
  {
    TestServer test({Metrics()});
    EXPECT_EQ(Get(test.port, "/metrics").status, 200);
    port = test.port;
  }
  EXPECT_TRUE(ThreadsFallTo(threads));
  EXPECT_EQ(CountDescriptors(), descriptors);
  EXPECT_FALSE(RawConnection(port).connected());
}

// More clients than threads, queue and backlog together hold, with a timeout that the test would
// not survive: only being cut lets the server stop.
TEST(HttpServerTest, StoppingCutsHalfOpenClients) {
  HttpServerOptions options = Loopback();
  options.request_timeout = std::chrono::hours(1);
  const std::size_t threads = ThreadsBefore();
  const std::size_t descriptors = CountDescriptors();
  auto test = std::make_unique<TestServer>(std::vector<Route>{Metrics()}, options);
  const std::uint16_t port = test->port;
  std::vector<RawConnection> clients;
  for (int i = 0; i < 60; ++i) clients.push_back(HalfOpen(port));
  test.reset();
  EXPECT_TRUE(ThreadsFallTo(threads));
  for (RawConnection& client : clients) client.ReceiveAll();
  clients.clear();
  EXPECT_EQ(CountDescriptors(), descriptors);
}

TEST(HttpServerTest, StoppingCutsReadersThatStandStill) {
  HttpServerOptions options = Loopback();
  options.request_timeout = std::chrono::hours(1);
  options.write_deadline = std::chrono::hours(1);
  options.drain_deadline = std::chrono::milliseconds(10);
  std::latch arrived(4);
  auto test = std::make_unique<TestServer>(
      std::vector<Route>{{.path = "/metrics",
                          .handler =
                              [&](const HttpRequest&) {
                                arrived.count_down();
                                return Page(std::string(24 << 20, 'a'));
                              }}},
      options);
  std::vector<RawConnection> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back(test->port).Send("GET /metrics HTTP/1.1\r\n\r\n");
  }
  arrived.wait();
  test.reset();
  for (RawConnection& reader : readers) {
    EXPECT_LT(ParseResponse(reader.ReceiveAll()).body.size(), 24u << 20);
  }
}

TEST(HttpServerTest, StoppingLetsRunningRequestsFinish) {
  HttpServerOptions options = Loopback();
  options.drain_deadline = std::chrono::hours(1);
  Gate gate;
  auto test = std::make_unique<TestServer>(std::vector<Route>{gate.route()}, options);
  std::vector<RawConnection> running;
  for (int i = 0; i < 2; ++i) {
    running.emplace_back(test->port).Send("GET /metrics HTTP/1.1\r\n\r\n");
  }
  gate.arrived.wait();
  const std::uint16_t port = test->port;
  std::jthread stopping([&] { test.reset(); });
  while (RawConnection(port).connected()) std::this_thread::yield();
  gate.open.count_down();
  for (RawConnection& connection : running) {
    EXPECT_EQ(ParseResponse(connection.ReceiveAll()).body, "up 1\n");
  }
}

TEST(HttpServerTest, AServerCanBeStartedAgainOnItsPort) {
  HttpServerOptions options = Loopback();
  {
    TestServer first({Metrics()}, options);
    EXPECT_EQ(Get(first.port, "/metrics").status, 200);
    options.listen[0].port = first.port;
  }
  TestServer second({Metrics()}, options);
  EXPECT_EQ(Get(second.port, "/metrics").status, 200);
}

}  // namespace
}  // namespace lvs
