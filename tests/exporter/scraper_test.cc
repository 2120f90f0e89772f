#include "exporter/scraper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <thread>

#include "tests/support/captured_log.h"
#include "tests/support/fake_collector.h"
#include "tests/support/gunzip.h"

namespace lvs {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ScraperTest : public testing::Test {
 protected:
  std::vector<std::unique_ptr<Collector>> TwoCollectors() {
    std::vector<std::unique_ptr<Collector>> collectors;
    collectors.push_back(std::make_unique<fake::TestCollector>("one", one_));
    collectors.push_back(std::make_unique<fake::TestCollector>("two", two_));
    return collectors;
  }

  ScrapeRequest Request() const {
    return {scraper_.all(), Format::kText004, Encoding::kIdentity,
            Clock::now() + std::chrono::hours(1)};
  }

  std::string Scrape(const ScrapeRequest& request) { return *scraper_.Scrape(request).body; }

  Result<Selection> Select(const std::string& query) {
    return scraper_.Select(ParseQuery(query).value());
  }

  CapturedLog log_;
  OwnMetrics own_metrics_{{"1", "2", "3", "4", "5", "6"}};
  std::shared_ptr<fake::CollectorHandle> one_ = std::make_shared<fake::CollectorHandle>();
  std::shared_ptr<fake::CollectorHandle> two_ = std::make_shared<fake::CollectorHandle>();
  Scraper scraper_{TwoCollectors(), own_metrics_, log_.log()};
};

TEST_F(ScraperTest, ThePageHoldsCollectorsHowTheyDidAndTheExporterItself) {
  two_->Gives([] { return Collection{{}, Error{ErrorCode::kSystem, "two: broken"}}; });
  const std::string page = Scrape(Request());
  EXPECT_THAT(page, HasSubstr("test_value 1\n"));
  EXPECT_THAT(page, HasSubstr("ipvs_scrape_collector_success{collector=\"one\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("ipvs_scrape_collector_success{collector=\"two\"} 0\n"));
  EXPECT_THAT(page, HasSubstr("ipvs_scrape_collector_duration_seconds{collector=\"two\"} "));
  EXPECT_THAT(page, HasSubstr("ipvs_exporter_build_info{version=\"1\",revision=\"2\","
                              "branch=\"3\",date=\"4\",compiler=\"5\",platform=\"6\"} 1\n"));
}

TEST_F(ScraperTest, SelectsWithCollectAndExclude) {
  EXPECT_EQ(Select("").value(), 3U);
  EXPECT_EQ(Select("collect[]=two").value(), 2U);
  EXPECT_EQ(Select("collect[]=two&collect[]=one&other=x").value(), 3U);
  EXPECT_EQ(Select("exclude%5B%5D=two").value(), 1U);
}

TEST_F(ScraperTest, RefusesUnknownCollectorsAndBothParametersTogether) {
  const Result<Selection> unknown = Select("collect[]=<script>" + std::string(100, 'x'));
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(unknown.error().message, StartsWith("collect[]: unknown or disabled collector \""));
  EXPECT_THAT(unknown.error().message, Not(HasSubstr("<")));
  EXPECT_LT(unknown.error().message.size(), 150U);
  EXPECT_FALSE(Select("collect[]=one&exclude[]=two").ok());
  EXPECT_FALSE(Select("exclude[]=").ok());
}

TEST_F(ScraperTest, ACollectorThatIsNotSelectedDoesNotRun) {
  ScrapeRequest request = Request();
  request.selection = Select("collect[]=two").value();
  EXPECT_THAT(Scrape(request), Not(HasSubstr("collector=\"one\"")));
  EXPECT_EQ(one_->runs(), 0);
  EXPECT_EQ(two_->runs(), 1);
}

TEST_F(ScraperTest, GzipIsTheSamePageCompressed) {
  two_->Gives([] { return Collection{}; });
  const std::string big(2000, 'x');
  one_->Gives([&big] {
    return Collection{
        {{&fake::kTestValue,
          [big](Sink& sink) { sink.Sample("", "a=\"" + big + "\"", "", std::uint64_t{1}); }}},
        {}};
  });
  ScrapeRequest request = Request();
  request.encoding = Encoding::kGzip;
  const Page page = scraper_.Scrape(request);
  EXPECT_EQ(page.encoding, Encoding::kGzip);
  const auto without_times = [](const std::string& text) {
    return std::regex_replace(text, std::regex("duration_seconds[^\n]*"), "");
  };
  EXPECT_EQ(without_times(Gunzip(*page.body)), without_times(Scrape(Request())));
}

TEST_F(ScraperTest, OneFormatAfterTheOtherEndsWithItsOwnEnd) {
  ScrapeRequest request = Request();
  EXPECT_THAT(Scrape(request), Not(HasSubstr("# EOF")));
  request.format = Format::kOpenMetrics100;
  EXPECT_THAT(Scrape(request), testing::EndsWith("\n# EOF\n"));
}

TEST_F(ScraperTest, ScrapesThatArriveTogetherShareOneCollectionAndOneBody) {
  one_->Hold();
  std::vector<Page> pages(8);
  std::vector<std::thread> scrapes;
  scrapes.emplace_back([&] { pages[0] = scraper_.Scrape(Request()); });
  one_->WaitUntilRunning();
  for (std::size_t i = 1; i < pages.size(); ++i) {
    scrapes.emplace_back([&, i] { pages[i] = scraper_.Scrape(Request()); });
  }
  while (scraper_.InFlightForTest() < static_cast<int>(pages.size())) std::this_thread::yield();
  one_->Release();
  for (std::thread& scrape : scrapes) scrape.join();
  EXPECT_EQ(one_->runs(), 1);
  for (const Page& page : pages) EXPECT_EQ(page.body, pages[0].body);
}

TEST_F(ScraperTest, ALateCollectorCostsItsOwnFamiliesOnly) {
  one_->Hold();
  ScrapeRequest request = Request();
  request.selection = 2;
  Scrape(request);  // so that two is known to be quick
  request = Request();
  request.deadline = Clock::now() + std::chrono::milliseconds(200);
  const std::string page = Scrape(request);
  EXPECT_THAT(page, HasSubstr("ipvs_scrape_collector_success{collector=\"one\"} 0\n"));
  EXPECT_THAT(page, Not(HasSubstr("ipvs_scrape_collector_duration_seconds{collector=\"one\"}")));
  EXPECT_THAT(page, HasSubstr("ipvs_scrape_collector_success{collector=\"two\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("test_value 2\n"));
  one_->Release();
  EXPECT_THAT(Scrape(Request()), HasSubstr("success{collector=\"one\"} 1\n"));
}

// One client's short deadline is its own affair.
TEST_F(ScraperTest, WhoGivesUpLeavesTheOthersWhole) {
  one_->Hold();
  ScrapeRequest hasty = Request();
  hasty.deadline = Clock::now();
  EXPECT_THAT(Scrape(hasty), HasSubstr("ipvs_scrape_collector_success{collector=\"one\"} 0\n"));
  std::string patient_page;
  std::thread patient([&] { patient_page = Scrape(Request()); });
  while (scraper_.InFlightForTest() < 1) std::this_thread::yield();
  EXPECT_THAT(Scrape(hasty), HasSubstr("ipvs_scrape_collector_success{collector=\"one\"} 0\n"));
  one_->Release();
  patient.join();
  EXPECT_THAT(patient_page, HasSubstr("ipvs_scrape_collector_success{collector=\"one\"} 1\n"));
  EXPECT_EQ(one_->runs(), 1);
}

TEST_F(ScraperTest, WhoComesAfterwardsGetsNewNumbers) {
  EXPECT_THAT(Scrape(Request()), HasSubstr("test_value 1\n"));
  EXPECT_THAT(Scrape(Request()), HasSubstr("test_value 2\n"));
}

TEST_F(ScraperTest, StopLetsEverybodyGo) {
  one_->Hold();
  std::thread scrape([&] { Scrape(Request()); });
  one_->WaitUntilRunning();
  scraper_.Stop();
  scrape.join();
  EXPECT_THAT(Scrape(Request()), HasSubstr("ipvs_scrape_collector_success{collector=\"two\"} 0\n"));
}

TEST_F(ScraperTest, WaitsForTheThreadsThatACollectorHasOfItsOwn) {
  scraper_.Stop();
  EXPECT_TRUE(scraper_.WaitUntilStopped(Clock::now() + std::chrono::hours(1)));
  two_->NeverStops();
  EXPECT_FALSE(scraper_.WaitUntilStopped(Clock::now() + std::chrono::hours(1)));
}

TEST_F(ScraperTest, RefreshRunsOneCollector) {
  EXPECT_TRUE(scraper_.Refresh("one", Clock::now() + std::chrono::hours(1)));
  EXPECT_EQ(one_->runs(), 1);
  EXPECT_EQ(two_->runs(), 0);
  EXPECT_FALSE(scraper_.Refresh("three", Clock::now() + std::chrono::hours(1)));
}

}  // namespace
}  // namespace lvs
