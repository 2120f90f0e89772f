#include "exporter/list_metrics.h"

#include <nlohmann/json.hpp>

#include "collectors/all.h"
#include "exporter/own_metrics.h"
#include "exporter/scraper.h"

namespace lvs {
namespace {

std::string JoinedLabels(const MetricInfo& info, std::string_view separator) {
  std::string text;
  for (const std::string_view label : info.Labels()) {
    if (!text.empty()) text += separator;
    text += label;
  }
  return text;
}

std::string AsLines(const std::vector<const MetricInfo*>& metrics) {
  std::string text;
  for (const MetricInfo* info : metrics) {
    text.append(info->name).append("{").append(JoinedLabels(*info, ",")).append("} ");
    text.append(Name(info->type)).append("\n    ").append(info->help).append("\n");
  }
  return text;
}

std::string AsMarkdown(const std::vector<const MetricInfo*>& metrics) {
  std::string text = "| metric | type | labels | meaning |\n|---|---|---|---|\n";
  for (const MetricInfo* info : metrics) {
    text.append("| `").append(info->name).append("` | ").append(Name(info->type)).append(" | ");
    text.append(JoinedLabels(*info, ", ")).append(" | ").append(info->help).append(" |\n");
  }
  return text;
}

std::string AsJson(const std::vector<const MetricInfo*>& metrics) {
  auto list = nlohmann::ordered_json::array();
  for (const MetricInfo* info : metrics) {
    list.push_back({{"name", info->name},
                    {"type", Name(info->type)},
                    {"labels", info->Labels()},
                    {"help", info->help}});
  }
  return list.dump(2) + "\n";
}

}  // namespace

std::vector<const MetricInfo*> AllMetrics() {
  std::vector<const MetricInfo*> all;
  const auto append = [&all](const std::vector<const MetricInfo*>& more) {
    all.insert(all.end(), more.begin(), more.end());
  };
  for (const CollectorEntry& entry : AllCollectors()) append(entry.describe());
  append(Scraper::Describe());
  append(OwnMetrics::Describe());
  return all;
}

std::string ListMetrics(std::string_view format) {
  const std::vector<const MetricInfo*> metrics = AllMetrics();
  if (format == "markdown") return AsMarkdown(metrics);
  if (format == "json") return AsJson(metrics);
  return AsLines(metrics);
}

}  // namespace lvs
