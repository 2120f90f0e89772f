#include "collectors/collectable.h"

#include <exception>
#include <string>
#include <string_view>

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

// Collects the samples of one family. Histograms and summaries have no collector yet.
class FamilySink : public Sink {
 public:
  explicit FamilySink(MetricFamily& family) : family_(family) {}

  void Sample(std::string_view, std::string_view labels, std::string_view more,
              Number value) override {
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
  MetricFamily& family_;
};

}  // namespace

std::vector<MetricFamily> ToPrometheus(const Families& families) {
  std::vector<MetricFamily> result;
  for (const Family& family : families) {
    MetricFamily converted;
    converted.name = family.info->name;
    converted.help = family.info->help;
    converted.type = family.info->type == MetricType::kCounter ? prometheus::MetricType::Counter
                                                               : prometheus::MetricType::Gauge;
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
