#include "exporter/own_metrics.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <memory>
#include <utility>

namespace lvs {
namespace {

constexpr MetricInfo kBuild = {"ipvs_exporter_build_info",
                               MetricType::kGauge,
                               "Where this program was built from; always 1.",
                               {},
                               {"version", "revision", "branch", "date", "compiler", "platform"}};
constexpr MetricInfo kRequests = {
    "ipvs_exporter_http_requests_total",
    MetricType::kCounter,
    "Answered HTTP requests by route of this program; other is any other path.",
    {},
    {"route", "code"}};
constexpr MetricInfo kInFlight = {"ipvs_exporter_http_requests_in_flight",
                                  MetricType::kGauge,
                                  "HTTP requests that are being answered now.",
                                  {}};
constexpr MetricInfo kLogDropped = {
    "ipvs_exporter_log_lines_dropped_total",
    MetricType::kCounter,
    "Log lines dropped because they came faster than they could be written.",
    {}};

constexpr MetricInfo kReloadSuccessful = {
    "ipvs_exporter_config_last_reload_successful",
    MetricType::kGauge,
    "Whether the last attempt to read the configuration was accepted; the one before goes on "
    "otherwise.",
    {}};
constexpr MetricInfo kReloadTime = {"ipvs_exporter_config_last_reload_success_timestamp_seconds",
                                    MetricType::kGauge,
                                    "When a configuration was last accepted.",
                                    {}};

constexpr const MetricInfo* kAll[] = {&kBuild,      &kRequests,         &kInFlight,
                                      &kLogDropped, &kReloadSuccessful, &kReloadTime};

prometheus::Family<prometheus::Gauge>& BuildGauge(prometheus::Registry& registry,
                                                  const MetricInfo& info) {
  return prometheus::BuildGauge()
      .Name(std::string(info.name))
      .Help(std::string(info.help))
      .Register(registry);
}

prometheus::Family<prometheus::Counter>& BuildCounter(prometheus::Registry& registry,
                                                      const MetricInfo& info) {
  return prometheus::BuildCounter()
      .Name(std::string(info.name))
      .Help(std::string(info.help))
      .Register(registry);
}

// Whole numbers are written as such.
Number ToNumber(double value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (std::trunc(value) == value && std::abs(value) <= kExact) {
    return static_cast<std::int64_t>(value);
  }
  return value;
}

// Labels in the order of the row; prometheus-cpp keeps none.
std::string LabelText(const MetricInfo& info,
                      const std::vector<prometheus::ClientMetric::Label>& labels) {
  std::string text;
  for (const std::string_view name : info.Labels()) {
    for (const auto& label : labels) {
      if (label.name == name) AppendLabel(text, name, label.value);
    }
  }
  return text;
}

}  // namespace

OwnMetrics::OwnMetrics(const BuildInfo& build)
    : requests_(BuildCounter(registry_, kRequests)),
      requests_in_flight_(BuildGauge(registry_, kInFlight).Add({})),
      log_lines_dropped_(BuildCounter(registry_, kLogDropped).Add({})),
      reload_successful_(BuildGauge(registry_, kReloadSuccessful).Add({})),
      reload_success_time_(BuildGauge(registry_, kReloadTime).Add({})) {
  BuildGauge(registry_, kBuild)
      .Add({{"version", build.version},
            {"revision", build.revision},
            {"branch", build.branch},
            {"date", build.date},
            {"compiler", build.compiler},
            {"platform", build.platform}})
      .Set(1);
}

void OwnMetrics::ConfigurationRead(bool accepted) {
  reload_successful_.Set(accepted ? 1 : 0);
  if (accepted) reload_success_time_.SetToCurrentTime();
}

void OwnMetrics::RequestStarted() { requests_in_flight_.Increment(); }

void OwnMetrics::RequestFinished(std::string_view route, int status) {
  requests_in_flight_.Decrement();
  requests_.Add({{"route", std::string(route)}, {"code", std::to_string(status)}}).Increment();
}

std::vector<const MetricInfo*> OwnMetrics::Describe() { return {std::begin(kAll), std::end(kAll)}; }

Families OwnMetrics::Read(std::uint64_t log_lines_dropped) {
  {
    const std::scoped_lock lock(read_mutex_);
    const double more = static_cast<double>(log_lines_dropped) - log_lines_dropped_.Value();
    if (more > 0) log_lines_dropped_.Increment(more);
  }
  return FromRegistry(registry_.Collect(), Describe());
}

Families FromRegistry(const std::vector<prometheus::MetricFamily>& families,
                      const std::vector<const MetricInfo*>& infos) {
  Families result;
  for (const prometheus::MetricFamily& family : families) {
    const auto row = std::ranges::find(infos, family.name, &MetricInfo::name);
    assert(row != infos.end() && "a registry family without a row in the table");
    if (row == infos.end()) continue;
    const MetricInfo& info = **row;
    auto samples = std::make_shared<std::vector<std::pair<std::string, Number>>>();
    for (const prometheus::ClientMetric& metric : family.metric) {
      const double value = family.type == prometheus::MetricType::Counter ? metric.counter.value
                                                                          : metric.gauge.value;
      samples->emplace_back(LabelText(info, metric.label), ToNumber(value));
    }
    std::ranges::sort(*samples, {}, &std::pair<std::string, Number>::first);
    result.push_back({&info, [samples](Sink& sink) {
                        for (const auto& [labels, value] : *samples) {
                          sink.Sample("", labels, "", value);
                        }
                      }});
  }
  // prometheus-cpp keeps no order either.
  std::ranges::sort(result, {}, [&infos](const Family& family) {
    return std::ranges::find(infos, family.info) - infos.begin();
  });
  return result;
}

}  // namespace lvs
