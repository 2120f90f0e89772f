// Rules that every metric of the program keeps: those of promtool's linter and of OpenMetrics, and
// that the documentation says what the program writes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <regex>
#include <set>
#include <string>

#include "collectors/audit/checks.h"
#include "collectors/realserver/checks.h"
#include "exporter/list_metrics.h"
#include "exporter/options.h"
#include "tests/support/golden.h"

namespace lvs {
namespace {

bool HasPart(std::string_view name, const std::set<std::string_view>& parts) {
  while (true) {
    const std::string_view part = name.substr(0, name.find('_'));
    if (parts.contains(part)) return true;
    if (part.size() == name.size()) return false;
    name.remove_prefix(part.size() + 1);
  }
}

// Runs a rule on every metric; a failure names the metric.
void ForEveryMetric(const std::function<void(const MetricInfo&)>& rule) {
  for (const MetricInfo* info : AllMetrics()) {
    SCOPED_TRACE(info->name);
    rule(*info);
  }
}

TEST(EveryMetric, HasASnakeCaseNameWithAKnownPrefix) {
  ForEveryMetric([](const MetricInfo& info) {
    EXPECT_TRUE(std::regex_match(std::string(info.name),
                                 std::regex("(ipvs|process|node_ipvs)(_[a-z0-9]+)+")));
  });
}

TEST(EveryMetric, EndsInTotalExactlyIfItIsACounter) {
  ForEveryMetric([](const MetricInfo& info) {
    EXPECT_EQ(info.name.ends_with("_total"), info.type == MetricType::kCounter);
  });
}

TEST(EveryMetric, LeavesTheSuffixesOfHistogramsAlone) {
  ForEveryMetric([](const MetricInfo& info) {
    for (const char* suffix : {"_bucket", "_count", "_sum", "_created"}) {
      EXPECT_FALSE(info.name.ends_with(suffix));
    }
  });
}

TEST(EveryMetric, UsesBaseUnitsAndNoAbbreviations) {
  ForEveryMetric([](const MetricInfo& info) {
    EXPECT_FALSE(
        HasPart(info.name, {"milliseconds", "microseconds", "minutes", "hours", "days", "bits",
                            "kilobytes",    "megabytes",    "percent", "s",     "ms",   "us",
                            "ns",           "sec",          "b",       "kb",    "mb",   "gb",
                            "tb",           "pb",           "m",       "h",     "d",    "gauge",
                            "counter",      "histogram",    "summary"}));
  });
}

TEST(EveryMetric, ExplainsItselfInOneSentenceOrTwo) {
  ForEveryMetric([](const MetricInfo& info) {
    const std::string_view help = info.help;
    EXPECT_GE(help.size(), 20U);
    EXPECT_TRUE(help.ends_with('.'));
    EXPECT_EQ(help.find('\n'), std::string_view::npos);
    EXPECT_EQ(help.find('|'), std::string_view::npos) << "would break the table of the README";
  });
}

TEST(EveryMetric, HasDistinctSnakeCaseLabelsThatPrometheusDoesNotUse) {
  ForEveryMetric([](const MetricInfo& info) {
    std::set<std::string_view> seen;
    for (const std::string_view label : info.Labels()) {
      EXPECT_TRUE(seen.insert(label).second) << label;
      EXPECT_TRUE(std::regex_match(std::string(label), std::regex("[a-z][a-z0-9]*(_[a-z0-9]+)*")));
      for (const char* used : {"le", "quantile", "job", "instance", "cluster", "env", "zone"}) {
        EXPECT_NE(label, used);
      }
    }
  });
}

TEST(Catalogue, NamesAreUniqueAndDoNotClashInOpenMetrics) {
  std::set<std::string> families;
  for (const MetricInfo* info : AllMetrics()) {
    std::string family(info->name);
    if (info->type == MetricType::kCounter) family.resize(family.size() - 6);  // without _total
    EXPECT_TRUE(families.insert(family).second) << family;
  }
}

TEST(Catalogue, TheReadmeListsEveryMetric) {
  ExpectGoldenBlock("README.md", "metrics", ListMetrics("markdown"));
}

TEST(Catalogue, TheReadmeListsEveryCheck) {
  std::string table = "| check | looks at | wrong means |\n|---|---|---|\n";
  const auto add = [&table](const auto& checks) {
    for (const auto& check : checks) {
      table.append("| `").append(check.name).append("` | ").append(check.reads);
      table.append(" | ").append(check.wrong).append(" |\n");
    }
  };
  add(audit::DirectorChecks());
  add(realserver::RealServerChecks());
  ExpectGoldenBlock("README.md", "checks", table);
}

TEST(Catalogue, TheReadmeListsEveryFlag) {
  ExpectGoldenBlock("README.md", "flags", "```\n" + HelpText() + "```\n");
}

TEST(Catalogue, TheJsonListHasEveryMetricOnce) {
  const std::string json = ListMetrics("json");
  for (const MetricInfo* info : AllMetrics()) {
    const std::string name = "\"name\": \"" + std::string(info->name) + "\"";
    EXPECT_NE(json.find(name), std::string::npos) << name;
    EXPECT_EQ(json.find(name), json.rfind(name)) << name;
  }
}

}  // namespace
}  // namespace lvs
