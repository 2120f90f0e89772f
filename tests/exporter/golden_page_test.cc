// The whole page, from a kernel's bytes to text, as it stands in the repository.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <regex>
#include <set>
#include <sstream>

#include "collectors/ipvs/collector.h"
#include "collectors/process/process.h"
#include "exporter/list_metrics.h"
#include "exporter/scraper.h"
#include "exporter/services_json.h"
#include "exporter/status_page/status_page.h"
#include "tests/support/captured_log.h"
#include "tests/support/fake_kernel.h"
#include "tests/support/golden.h"
#include "tests/support/sample_connections.h"
#include "tests/support/sample_health.h"
#include "tests/support/sample_set_up.h"
#include "tests/support/sample_table.h"

namespace lvs {
namespace {

// Times and the like become a word, so that the rest can be compared.
std::string MaskWhatChanges(const std::string& page) {
  return std::regex_replace(
      page, std::regex("(duration_seconds\\{[^}]*\\}|\nprocess_[a-z_]+) [^\n]+"), "$1 CHANGES");
}

class GoldenPage : public testing::Test {
 protected:
  GoldenPage() {
    for (const fake::Service& service : SampleServices()) kernel_.Has(service);
    const std::shared_ptr<const ipvs::Table> table = SampleTable();
    for (const ipvs::SyncDaemon& daemon : *table->sync_daemons) kernel_.Runs(daemon);
    // The last column counts lost datagrams; 510000E0:2290 is 224.0.0.81:8848 on little endian.
    kernel_.procfs().Write(
        "net/udp",
        "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
        "timeout inode ref pointer drops             \n"
        "   11: 510000E0:2290 00000000:0000 07 00000000:00000000 00:00000000 00000000     0"
        "        0 4711 2 0000000000000000 132        \n");
    kernel_.procfs().Write("net/udp6", "  sl  local_address\n");
    kernel_.procfs().Write("sys/net/ipv4/vs/conn_reuse_mode", "1\n");
  }

  std::string Page(const ipvs::CollectorOptions& options, Format format = Format::kText004) {
    std::vector<std::unique_ptr<Collector>> collectors;
    collectors.push_back(std::make_unique<ipvs::IpvsCollector>(
        std::make_unique<ipvs::Reader>(kernel_.Connect(), kernel_.procfs_root()), options,
        latest_));
    if (with_connections_) collectors.push_back(SampleConnectionsCollector());
    if (with_health_) collectors.push_back(SampleHealthCollector());
    if (with_set_up_) {
      for (auto& collector : SampleSetUpCollectors()) collectors.push_back(std::move(collector));
    }
    collectors.push_back(std::make_unique<process::ProcessCollector>("/proc"));
    OwnMetrics own_metrics(
        {"1.2.3", "0123abc", "main", "2026-11-22", "some compiler", "Linux/x86_64"});
    own_metrics.RequestStarted();
    own_metrics.RequestFinished("/metrics", 200);
    Scraper scraper(std::move(collectors), own_metrics, log_.log());
    return MaskWhatChanges(*scraper
                                .Scrape({scraper.all(), format, Encoding::kIdentity,
                                         Clock::now() + std::chrono::hours(1)})
                                .body);
  }

  fake::Kernel kernel_;
  CapturedLog log_;
  Published<ipvs::LatestReading> latest_;
  bool with_health_ = false;
  bool with_connections_ = false;
  bool with_set_up_ = false;  // of the director and of a real server
};

TEST_F(GoldenPage, Text) { ExpectGolden("metrics.txt", Page({})); }

TEST_F(GoldenPage, OpenMetrics) {
  ExpectGolden("metrics.openmetrics.txt", Page({}, Format::kOpenMetrics100));
}

TEST_F(GoldenPage, WithHealth) {
  with_health_ = true;
  ExpectGolden("metrics_with_health.txt", Page({}));
}

TEST_F(GoldenPage, WithConnections) {
  with_connections_ = true;
  ExpectGolden("metrics_with_connections.txt", Page({}));
}

TEST_F(GoldenPage, WithSetUp) {
  with_set_up_ = true;
  ExpectGolden("metrics_with_set_up.txt", Page({}));
}

TEST_F(GoldenPage, WithNodeExporterNames) {
  ExpectGolden("metrics_node_exporter_names.txt",
               Page({.backend_labels = {}, .node_exporter_names = true}));
}

TEST_F(GoldenPage, WithFewerBackendLabels) {
  ExpectGolden("metrics_backend_labels.txt",
               Page({.backend_labels = ipvs::BackendLabelSet{"local_address", "local_port"}}));
}

TEST_F(GoldenPage, WithoutTheCapability) {
  kernel_.OnEveryRequest().FailsWith(EPERM);
  ExpectGolden("metrics_without_cap_net_admin.txt", Page({}));
}

TEST_F(GoldenPage, WithoutTheModule) {
  kernel_.UnloadsModule();
  ExpectGolden("metrics_without_module.txt", Page({}));
}

TEST_F(GoldenPage, HasNoSeriesTwice) {
  with_health_ = with_connections_ = with_set_up_ = true;
  for (const Format format : {Format::kText004, Format::kOpenMetrics100}) {
    std::set<std::string> series;
    std::istringstream page(Page({.backend_labels = {}, .node_exporter_names = true}, format));
    for (std::string line; std::getline(page, line);) {
      if (line.starts_with('#')) continue;
      EXPECT_TRUE(series.insert(line.substr(0, line.rfind(' '))).second) << line;
    }
    EXPECT_THAT(series, testing::SizeIs(testing::Gt(200U)));
  }
}

TEST_F(GoldenPage, ShowsEveryMetricOfTheCatalogue) {
  with_health_ = with_connections_ = with_set_up_ = true;
  const std::string page = Page({.backend_labels = {}, .node_exporter_names = true});
  for (const MetricInfo* info : AllMetrics()) {
    EXPECT_THAT(page, testing::HasSubstr("# TYPE " + std::string(info->name) + " "));
  }
}

// Both formats carry the same samples.
TEST_F(GoldenPage, FormatsDifferInMetadataOnly) {
  with_health_ = with_connections_ = with_set_up_ = true;
  const auto samples = [](const std::string& page) {
    std::vector<std::string> lines;
    std::istringstream in(page);
    for (std::string line; std::getline(in, line);) {
      if (!line.starts_with('#')) lines.push_back(line);
    }
    return lines;
  };
  EXPECT_EQ(samples(Page({})), samples(Page({}, Format::kOpenMetrics100)));
}

TEST_F(GoldenPage, ServicesAsJson) {
  ipvs::LatestReading latest;
  latest.table = SampleTable();
  latest.up = true;
  ExpectGolden("services.json", ServicesAsJson(latest, nullptr, nullptr));
  ExpectGolden("services_with_health.json", ServicesAsJson(latest, SampleHealth().get(), nullptr));
  ExpectGolden("services_with_connections.json",
               ServicesAsJson(latest, nullptr, SampleConnections().get()));
}

TEST_F(GoldenPage, EventsAsJson) {
  EXPECT_EQ(EventsAsJson(nullptr), "{\"events\":[]}\n");
  ExpectGolden("events.json", EventsAsJson(SampleHealth().get()));
}

TEST_F(GoldenPage, BackendsForDiscovery) {
  ipvs::LatestReading latest;
  latest.table = SampleTable();
  ExpectGolden("sd_backends.json", BackendsForDiscovery(latest, SampleHealth().get()));
}

TEST_F(GoldenPage, StatusPage) {
  ipvs::LatestReading latest;
  latest.table = SampleTable();
  latest.up = true;
  const std::string page = StatusPage({&latest, SampleHealth().get(), SampleConnections().get(),
                                       SampleDirector().get(), SampleAudit().get()},
                                      "/metrics");
  const std::size_t body = page.find("<nav>");
  ASSERT_NE(body, std::string::npos);
  ExpectGolden("status_page.html", page.substr(body));
}

}  // namespace
}  // namespace lvs
