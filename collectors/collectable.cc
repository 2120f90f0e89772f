#include "collectors/collectable.h"

#include <exception>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace lvs {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;

// Takes label text apart again: a="b",c="d" with the escapes of AppendLabel. Only our own text ever
// comes here, so it is well-formed.
std::vector<ClientMetric::Label> ParseLabels(std::string_view text) {
  std::vector<ClientMetric::Label> labels;
  while (!text.empty()) {
    ClientMetric::Label label;
    const std::size_t equals = text.find('=');
    label.name = text.substr(0, equals);
    std::size_t at = equals + 2;
    for (; text[at] != '"'; ++at) {
      if (text[at] != '\\') {
        label.value += text[at];
      } else {
        ++at;
        label.value += text[at] == 'n' ? '\n' : text[at];
      }
    }
    labels.push_back(std::move(label));
    text.remove_prefix(std::min(text.size(), at + 2));
  }
  return labels;
}

prometheus::MetricType ToPrometheus(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return prometheus::MetricType::Counter;
    case MetricType::kGauge:
      return prometheus::MetricType::Gauge;
    case MetricType::kHistogram:
      return prometheus::MetricType::Histogram;
    case MetricType::kSummary:
      break;
  }
  return prometheus::MetricType::Summary;
}

// Collects the samples of one family. The samples of one histogram or summary come one after the
// other and end with _count.
class FamilySink : public Sink {
 public:
  explicit FamilySink(MetricFamily& family) : family_(family) {}

  void Sample(std::string_view suffix, std::string_view labels, std::string_view more,
              Number value) override {
    switch (family_.type) {
      case prometheus::MetricType::Histogram:
        return AddToHistogram(suffix, labels, more, value);
      case prometheus::MetricType::Summary:
        return AddToSummary(suffix, labels, value);
      default:
        break;
    }
    ClientMetric metric;
    metric.label = ParseLabels(labels);
    for (ClientMetric::Label& label : ParseLabels(more)) metric.label.push_back(std::move(label));
    if (family_.type == prometheus::MetricType::Counter) {
      metric.counter.value = value.AsDouble();
    } else {
      metric.gauge.value = value.AsDouble();
    }
    family_.metric.push_back(std::move(metric));
  }

 private:
  void AddToHistogram(std::string_view suffix, std::string_view labels, std::string_view more,
                      Number value) {
    ClientMetric::Histogram& histogram = pending_.histogram;
    if (suffix == "_bucket") {
      const std::string bound = ParseLabels(more).at(0).value;
      histogram.bucket.push_back({value.as_unsigned(), bound == "+Inf"
                                                           ? std::numeric_limits<double>::infinity()
                                                           : std::stod(bound)});
    } else if (suffix == "_sum") {
      histogram.sample_sum = value.AsDouble();
    } else {
      histogram.sample_count = value.as_unsigned();
      FinishPending(labels);
    }
  }

  void AddToSummary(std::string_view suffix, std::string_view labels, Number value) {
    if (suffix == "_sum") {
      pending_.summary.sample_sum = value.AsDouble();
    } else {
      pending_.summary.sample_count = value.as_unsigned();
      FinishPending(labels);
    }
  }

  void FinishPending(std::string_view labels) {
    pending_.label = ParseLabels(labels);
    family_.metric.push_back(std::exchange(pending_, {}));
  }

  MetricFamily& family_;
  ClientMetric pending_;
};

}  // namespace

std::vector<MetricFamily> ToPrometheus(const Families& families) {
  std::vector<MetricFamily> result;
  for (const Family& family : families) {
    MetricFamily converted;
    converted.name = family.info->name;
    converted.help = family.info->help;
    converted.type = ToPrometheus(family.info->type);
    FamilySink sink(converted);
    family.write(sink);
    if (!converted.metric.empty()) result.push_back(std::move(converted));
  }
  return result;
}

std::vector<MetricFamily> CollectorAsCollectable::Collect() const {
  try {
    const std::scoped_lock lock(mutex_);
    return ToPrometheus(collector_->Collect(Clock::now() + timeout_).families);
  } catch (const std::exception&) {
    return {};  // prometheus-cpp ends the process on an exception from here
  }
}

}  // namespace lvs
