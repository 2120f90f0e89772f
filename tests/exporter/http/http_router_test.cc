#include "exporter/http/http_router.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace lvs {
namespace {

// Repeats what a handler was given.
HttpResponse Describe(const HttpRequest& request) {
  return TextResponse(200, request.path + "|" + request.query + "|" + request.accept + "|" +
                               request.accept_encoding + "|" + request.scrape_timeout);
}

class HttpRouterTest : public testing::Test {
 protected:
  HttpResponse Answer(const RequestHead& head) { return router_.Answer(head, route_); }
  int Status(const RequestHead& head) { return Answer(head).status; }

  HttpRouter router_{
      {{.path = "/metrics", .handler = Describe},
       {.path = "/-/reload", .methods = {HttpMethod::kPost, HttpMethod::kPut}, .handler = Describe},
       {.path = "/throws",
        .handler = [](const HttpRequest&) -> HttpResponse { throw std::runtime_error("secret"); }}},
      0};
  std::string_view route_;
};

using Headers = std::vector<std::pair<std::string_view, std::string_view>>;

RequestHead Request(std::string_view method, std::string_view path, Headers headers = {}) {
  return {.method = method, .path = path, .query = "", .headers = std::move(headers)};
}

TEST_F(HttpRouterTest, HandlersSeeACleanRequest) {
  RequestHead head = Request("GET", "/%6detrics",
                             {{"ACCEPT", "a"},
                              {"accept", "b;q=1"},
                              {"Accept-Encoding", "gzip"},
                              {"x-prometheus-scrape-timeout-seconds", "10"}});
  head.query = "a=%41";
  EXPECT_EQ(*Answer(head).body, "/metrics|a=%41|a, b;q=1|gzip|10\n");
  EXPECT_EQ(route_, "/metrics");
}

TEST_F(HttpRouterTest, PathsAreComparedExactly) {
  for (const char* path : {"/Metrics", "/metrics/", "//metrics", "/./metrics", "/metric", "/",
                           "/metrics/a", "/%256detrics", "/metrics;a", "/metrics#a", "/metrics+"}) {
    EXPECT_EQ(Status(Request("GET", path)), 404) << path;
    EXPECT_EQ(route_, kOtherRoute);
  }
}

TEST_F(HttpRouterTest, PathsThatDoNotDecodeAreRefused) {
  for (const char* path : {"/metrics%00", "/%", "/%zz", "/%0a", "/%ff", "/\x7f", "", "metrics",
                           "http://localhost/metrics", "*", "%2fmetrics"}) {
    EXPECT_EQ(Status(Request("GET", path)), 400) << path;
  }
}

TEST_F(HttpRouterTest, OtherMethodsGetTheAllowedOnes) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "get", "", "BREW"}) {
    const HttpResponse response = Answer(Request(method, "/metrics"));
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(response.headers,
              (std::vector<std::pair<std::string, std::string>>{{"Allow", "GET, HEAD"}}));
    EXPECT_EQ(route_, "/metrics");
  }
  EXPECT_EQ(Answer(Request("GET", "/-/reload")).headers.at(0).second, "POST, PUT");
  EXPECT_EQ(Status(Request("PUT", "/-/reload")), 200);
  EXPECT_EQ(Status(Request("DELETE", "/nothing")), 404);
}

TEST_F(HttpRouterTest, SixtyFourHeadersAreTooMany) {
  EXPECT_EQ(Status(Request("GET", "/metrics", Headers(63, {"A", "b"}))), 200);
  EXPECT_EQ(Status(Request("GET", "/metrics", Headers(64, {"A", "b"}))), 431);
}

TEST_F(HttpRouterTest, DoubtfulFramingIsRefused) {
  const std::vector<Headers> doubtful = {
      {{"Transfer-Encoding", "chunked"}},
      {{"transfer-encoding", "identity"}},
      {{"Transfer-Encoding", ""}},
      {{"Transfer-Encoding", "chunked"}, {"Content-Length", "0"}},
      {{"Content-Length", "0"}, {"content-length", "0"}},
      {{"Content-Length", "0, 0"}},
      {{"Content-Length", ""}},
      {{"Content-Length", "-1"}},
      {{"Content-Length", "+0"}},
      {{"Content-Length", "0x0"}},
      {{"Content-Length", "5x"}},
      {{"Host", "a"}, {"host", "a"}},
  };
  for (const Headers& headers : doubtful) {
    EXPECT_EQ(Status(Request("POST", "/-/reload", headers)), 400) << headers[0].second;
  }
}

TEST_F(HttpRouterTest, ADeclaredBodyIsRefused) {
  EXPECT_EQ(Status(Request("POST", "/-/reload", {{"Content-Length", "1"}})), 413);
  EXPECT_EQ(Status(Request("POST", "/-/reload", {{"Content-Length", "99999999999999999999"}})),
            413);
  EXPECT_EQ(Status(Request("POST", "/-/reload", {{"Content-Length", "0"}})), 200);
  EXPECT_EQ(Status(Request("POST", "/-/reload", {{"Content-Length", "00 "}})), 200);
}

TEST_F(HttpRouterTest, TheRouteIsKnownWhenTheHandlerThrows) {
  EXPECT_THROW(Answer(Request("GET", "/throws")), std::runtime_error);
  EXPECT_EQ(route_, "/throws");
}

// Asks the router again from inside its own handler, so that several run at the same time.
TEST(HttpRouterLimitTest, OnlyLimitedHandlersAreCounted) {
  std::vector<int> statuses;
  int depth = 0;
  HttpRouter* self = nullptr;
  const auto again = [&](std::string_view path) {
    std::string_view route;
    statuses.push_back(self->Answer(Request("GET", path), route).status);
  };
  HttpRouter router(
      {{.path = "/metrics",
        .handler =
            [&](const HttpRequest&) {
              if (++depth < 5) again("/metrics");
              again("/free");
              return TextResponse(200, "");
            },
        .limit = Limit::kScrapes},
       {.path = "/free", .handler = [](const HttpRequest&) { return TextResponse(200, ""); }}},
      2);
  self = &router;
  again("/metrics");
  EXPECT_EQ(statuses, (std::vector<int>{503, 200, 200, 200, 200}));
  again("/metrics");
  EXPECT_EQ(statuses.back(), 200);
}

TEST(HttpRouterLimitTest, TheRefusalSaysWhenToComeBack) {
  HttpRouter* self = nullptr;
  HttpResponse inner;
  HttpRouter router({{.path = "/metrics",
                      .handler =
                          [&](const HttpRequest&) {
                            std::string_view route;
                            inner = self->Answer(Request("GET", "/metrics"), route);
                            return TextResponse(200, "");
                          },
                      .limit = Limit::kScrapes}},
                    1);
  self = &router;
  std::string_view route;
  EXPECT_EQ(router.Answer(Request("GET", "/metrics"), route).status, 200);
  EXPECT_EQ(inner.status, 503);
  EXPECT_EQ(inner.headers,
            (std::vector<std::pair<std::string, std::string>>{{"Retry-After", "1"}}));
}

TEST(HttpRouterLimitTest, ZeroIsNoLimit) {
  int depth = 0;
  HttpRouter* self = nullptr;
  HttpRouter router({{.path = "/metrics",
                      .handler =
                          [&](const HttpRequest&) {
                            std::string_view route;
                            if (++depth < 100) self->Answer(Request("GET", "/metrics"), route);
                            return TextResponse(200, "");
                          },
                      .limit = Limit::kScrapes}},
                    0);
  self = &router;
  std::string_view route;
  EXPECT_EQ(router.Answer(Request("GET", "/metrics"), route).status, 200);
  EXPECT_EQ(depth, 100);
}

}  // namespace
}  // namespace lvs
