#include "exporter/pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "collectors/ipvs/collector.h"
#include "tests/support/captured_log.h"
#include "tests/support/fake_kernel.h"
#include "tests/support/gunzip.h"
#include "tests/support/sample_table.h"

namespace lvs {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Pair;

class PagesTest : public testing::Test {
 protected:
  std::vector<std::unique_ptr<Collector>> Collectors() {
    std::vector<std::unique_ptr<Collector>> collectors;
    collectors.push_back(std::make_unique<ipvs::IpvsCollector>(
        std::make_unique<ipvs::Reader>(kernel_.Connect(), kernel_.procfs_root()),
        ipvs::CollectorOptions{}, exchange_.table));
    return collectors;
  }

  HttpResponse Get(const std::string& path, HttpRequest request = {}) {
    for (const Route& route : routes_) {
      if (route.path == path) return route.handler(request);
    }
    ADD_FAILURE() << "no route " << path;
    return {};
  }

  std::string Body(const std::string& path) { return *Get(path).body; }

  fake::Kernel kernel_;
  CapturedLog log_;
  OwnMetrics own_metrics_{{"1", "2", "3", "4", "5", "6"}};
  Exchange exchange_;
  Scraper scraper_{Collectors(), own_metrics_, log_.log()};
  Reloader reloader_{"", exchange_.configuration, own_metrics_, log_.log()};
  std::vector<Route> routes_ = MakeRoutes({scraper_, exchange_, reloader_, "/metrics"});
};

TEST_F(PagesTest, MetricsAreTextForPeople) {
  const HttpResponse response = Get("/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(response.headers, Contains(Pair("Vary", "Accept, Accept-Encoding")));
  EXPECT_THAT(*response.body, HasSubstr("\nipvs_up 1\n"));
}

TEST_F(PagesTest, MetricsAreCompressedOpenMetricsForPrometheus) {
  HttpRequest request;
  request.accept = "application/openmetrics-text;version=1.0.0";
  request.accept_encoding = "gzip";
  const HttpResponse response = Get("/metrics", request);
  EXPECT_EQ(response.content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_THAT(response.headers, Contains(Pair("Content-Encoding", "gzip")));
  EXPECT_THAT(Gunzip(*response.body), testing::EndsWith("# EOF\n"));
}

TEST_F(PagesTest, BadParametersOfMetricsAre400InOneSentence) {
  for (const char* query : {"collect[]=nope", "collect[]=ipvs&exclude[]=ipvs", "collect[]=%zz"}) {
    HttpRequest request;
    request.query = query;
    const HttpResponse response = Get("/metrics", request);
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_EQ(response.body->find('\n'), response.body->size() - 1);
  }
}

TEST_F(PagesTest, TroubleIsOnThePageAndNotAnHttpError) {
  kernel_.UnloadsModule();
  const HttpResponse response = Get("/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(*response.body, HasSubstr("ipvs_up 0\n"));
  EXPECT_THAT(*response.body, HasSubstr("ipvs_scrape_collector_success{collector=\"ipvs\"} 0\n"));
}

TEST_F(PagesTest, ReadyForEverAfterTheFirstGoodRead) {
  kernel_.UnloadsModule();
  EXPECT_EQ(Get("/-/ready").status, 503);
  EXPECT_EQ(Body("/-/ready"), "ipvs: the kernel module ip_vs is not loaded\n");
  kernel_.LoadsModule();
  EXPECT_EQ(Get("/-/ready").status, 200);
  kernel_.UnloadsModule();
  EXPECT_THAT(*Get("/metrics").body, HasSubstr("ipvs_up 0\n"));
  EXPECT_EQ(Get("/-/ready").status, 200);
}

TEST_F(PagesTest, HealthyWithoutAKernel) {
  kernel_.UnloadsModule();
  EXPECT_EQ(Get("/-/healthy").status, 200);
}

TEST_F(PagesTest, ServicesAreJsonOnceTheTableWasRead) {
  kernel_.UnloadsModule();
  EXPECT_EQ(Get("/api/v1/services").status, 503);
  kernel_.LoadsModule();
  kernel_.Has(fake::Service("10.0.0.1:80/TCP").With(fake::Backend("10.1.0.1:80").Weight(3)));
  const HttpResponse response = Get("/api/v1/services");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/json");
  const auto json = nlohmann::json::parse(*response.body);
  EXPECT_EQ(json["up"], true);
  EXPECT_EQ(json["services"][0]["name"], "10.0.0.1:80/TCP");
  EXPECT_EQ(json["services"][0]["backends"][0]["weight"], 3);
}

TEST_F(PagesTest, ServicesKeepTheLastTableAndSayWhatIsWrong) {
  kernel_.Has(fake::Service("10.0.0.1:80/TCP"));
  Get("/api/v1/services");
  kernel_.UnloadsModule();
  const auto json = nlohmann::json::parse(Body("/api/v1/services"));
  EXPECT_EQ(json["up"], false);
  EXPECT_EQ(json["error"], "ipvs: the kernel module ip_vs is not loaded");
  EXPECT_EQ(json["services"].size(), 1U);
}

TEST_F(PagesTest, TheStatusPageAllowsItsOwnStyleAndScriptOnly) {
  const HttpResponse response = Get("/");
  EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
  const std::string page = *response.body;
  const std::size_t begin = page.find("<style nonce=") + std::string("<style nonce=").size();
  const std::string nonce = "'nonce-" + page.substr(begin, page.find('>', begin) - begin) + "'";
  EXPECT_THAT(response.headers,
              Contains(Pair("Content-Security-Policy",
                            testing::StartsWith("default-src 'none'; style-src " + nonce +
                                                "; script-src " + nonce + "; connect-src "))));
  EXPECT_NE(*Get("/").body, page) << "each answer has a nonce of its own";
}

TEST_F(PagesTest, TheStatusPageIsCompressedForThoseWhoTakeIt) {
  HttpRequest request;
  request.accept_encoding = "gzip, deflate, br";
  const HttpResponse response = Get("/", request);
  EXPECT_THAT(response.headers, Contains(Pair("Content-Encoding", "gzip")));
  EXPECT_THAT(Gunzip(*response.body), testing::EndsWith("</main>\n</body></html>\n"));
}

TEST_F(PagesTest, TheStatusPageTakesAFilter) {
  kernel_.Has(fake::Service("10.0.0.1:80/TCP"));
  kernel_.Has(fake::Service("10.0.0.2:80/TCP"));
  HttpRequest request;
  request.query = "filter=10.0.0.2";
  const std::string page = *Get("/", request).body;
  EXPECT_THAT(page, HasSubstr("id=\"service-10.0.0.2-80-TCP\""));
  EXPECT_THAT(page, testing::Not(HasSubstr("id=\"service-10.0.0.1-80-TCP\"")));
  request.query = "filter=%zz";
  EXPECT_EQ(Get("/", request).status, 400);
}

// However many people look: what was read a moment ago is good enough for them. A machine that
// stands still for longer than that moment gets a second try.
TEST_F(PagesTest, TheStatusPageDoesNotReadTheTableForEveryReader) {
  kernel_.Has(fake::Service("10.0.0.1:80/TCP"));
  bool has_shared = false;
  for (int i = 0; i < 5 && !has_shared; ++i) {
    Get("/");
    const std::size_t requests = kernel_.requests().size();
    Get("/");
    has_shared = kernel_.requests().size() == requests;
  }
  EXPECT_TRUE(has_shared);
}

TEST_F(PagesTest, TheStatusPageAsksAgainWhileTheTableCannotBeRead) {
  kernel_.UnloadsModule();
  EXPECT_THAT(Body("/"), HasSubstr("ip_vs is not loaded"));
  kernel_.LoadsModule();
  EXPECT_THAT(Body("/"), testing::Not(HasSubstr("ip_vs is not loaded")));
}

// People's pages must not use up the scrapes' limit, and probes of liveness have none.
TEST_F(PagesTest, EveryLongPageHasALimit) {
  const std::map<std::string, Limit> limits = {{"/", Limit::kPages},
                                               {"/metrics", Limit::kScrapes},
                                               {"/-/healthy", Limit::kNone},
                                               {"/-/ready", Limit::kNone},
                                               {"/-/reload", Limit::kPages},
                                               {"/api/v1/services", Limit::kPages},
                                               {"/api/v1/events", Limit::kPages},
                                               {"/sd/backends", Limit::kPages}};
  for (const Route& route : routes_) EXPECT_EQ(route.limit, limits.at(route.path)) << route.path;
}

}  // namespace
}  // namespace lvs
