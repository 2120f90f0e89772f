#include "collectors/metric.h"

#include <algorithm>
#include <cassert>
#include <charconv>

#include "collectors/utf8.h"

namespace lvs {
namespace {

// Printable ASCII but backslash and double quote: written as it is, which is nearly always the
// case.
bool IsPlain(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return c >= ' ' && c <= '~' && c != '\\' && c != '"'; });
}

// Backslash, double quote and line feed, as both formats want them in label values; everything else
// is written as it is.
void AppendEscaped(std::string& text, std::string_view value) {
  for (const char c : value) {
    switch (c) {
      case '\\':
        text += "\\\\";
        break;
      case '"':
        text += "\\\"";
        break;
      case '\n':
        text += "\\n";
        break;
      default:
        text += c;
    }
  }
}

// As OpenMetrics wants le: "0.25", and "1.0" for a whole number.
std::string BoundText(double bound) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, bound, std::chars_format::fixed).ptr;
  std::string result(text, end);
  if (result.find('.') == std::string::npos) result += ".0";
  return result;
}

}  // namespace

std::string_view Name(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
    case MetricType::kSummary:
      return "summary";
  }
  return "unknown";
}

std::vector<std::string_view> MetricInfo::Labels() const {
  std::vector<std::string_view> labels(row_labels.begin(), row_labels.end());
  for (const std::string_view label : own_labels) {
    if (!label.empty()) labels.push_back(label);
  }
  return labels;
}

double Number::AsDouble() const {
  switch (kind_) {
    case Kind::kUnsigned:
      return static_cast<double>(unsigned_);
    case Kind::kSigned:
      return static_cast<double>(signed_);
    case Kind::kDouble:
      break;
  }
  return double_;
}

void AppendLabel(std::string& text, std::string_view name, std::string_view value) {
  if (!text.empty()) text += ',';
  text += name;
  text += "=\"";
  if (IsPlain(value)) {
    text += value;
  } else if (IsValidUtf8(value)) {
    AppendEscaped(text, value);
  } else {
    AppendEscaped(text, ReplaceInvalidUtf8(value));
  }
  text += '"';
}

void Samples::Add(std::initializer_list<std::string_view> own, Number value) {
  own_text_.clear();
  std::size_t index = 0;
  for (const std::string_view own_value : own) {
    assert(index < info_.own_labels.size() && !info_.own_labels[index].empty() &&
           "more values than own labels");
    AppendLabel(own_text_, info_.own_labels[index++], own_value);
  }
  assert((index == info_.own_labels.size() || info_.own_labels[index].empty()) &&
         "fewer values than own labels");
  sink_.Sample("", labels_, own_text_, value);
}

void Samples::AddHistogram(std::span<const double> bounds, std::span<const std::uint64_t> counts,
                           double sum) {
  assert(counts.size() == bounds.size() + 1 && "one bucket above the last bound");
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    total += counts[i];
    own_text_.clear();
    AppendLabel(own_text_, "le", i < bounds.size() ? BoundText(bounds[i]) : "+Inf");
    sink_.Sample("_bucket", labels_, own_text_, total);
  }
  sink_.Sample("_sum", labels_, "", sum);
  sink_.Sample("_count", labels_, "", total);
}

void Samples::AddSumAndCount(double sum, std::uint64_t count) {
  sink_.Sample("_sum", labels_, "", sum);
  sink_.Sample("_count", labels_, "", count);
}

}  // namespace lvs
