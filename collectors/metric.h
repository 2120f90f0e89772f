// What a metric is: one row of a table with its name, type, help, labels, and how its samples are
// read from a snapshot. The page, --list-metrics, the dashboards' and the alerts' tests all start
// from these rows.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lvs {

enum class MetricType { kCounter, kGauge, kHistogram, kSummary };

// "counter", "gauge", "histogram", "summary".
std::string_view Name(MetricType type);

// Static text only: views point to literals and live as long as the program.
struct MetricInfo {
  std::string_view name;  // in full, counters with their _total
  MetricType type = MetricType::kGauge;
  std::string_view help;  // one line
  // The labels that every metric of the table has, then those of this metric alone, in the order
  // they are written. The unused rest of own_labels is empty.
  std::span<const std::string_view> row_labels;
  std::array<std::string_view, 6> own_labels{};

  // Both, without the unused rest.
  std::vector<std::string_view> Labels() const;
};

// A sample's value: a 64-bit integer in full, or a double.
class Number {
 public:
  enum class Kind : std::uint8_t { kUnsigned, kSigned, kDouble };

  Number(std::uint64_t value) : kind_(Kind::kUnsigned), unsigned_(value) {}  // NOLINT
  Number(std::uint32_t value) : Number(std::uint64_t{value}) {}              // NOLINT
  Number(std::int64_t value) : kind_(Kind::kSigned), signed_(value) {}       // NOLINT
  Number(bool value) : Number(std::uint64_t{value}) {}                       // NOLINT
  Number(double value) : kind_(Kind::kDouble), double_(value) {}             // NOLINT

  Kind kind() const { return kind_; }
  std::uint64_t as_unsigned() const { return unsigned_; }
  std::int64_t as_signed() const { return signed_; }
  // The value of any kind as a double, rounded where 53 bits do not suffice.
  double AsDouble() const;

 private:
  Kind kind_;
  union {
    std::uint64_t unsigned_;
    std::int64_t signed_;
    double double_;
  };
};

// Where the samples of one family go. Label text is in the form of the exposition format, escaped
// and without braces: a="b",c="d".
class Sink {
 public:
  virtual ~Sink() = default;

  // suffix: "" or, for histograms and summaries, "_bucket", "_count", "_sum".
  // labels and more are written one after the other; either may be empty.
  virtual void Sample(std::string_view suffix, std::string_view labels, std::string_view more,
                      Number value) = 0;
};

// A family ready to be written: what it is, and a function that sends its samples to a sink.
// The function holds the snapshot it reads, so a Family may outlive the collection; it may be
// called by several threads at once and gives the same samples every time.
struct Family {
  const MetricInfo* info = nullptr;
  std::function<void(Sink&)> write;
};

using Families = std::vector<Family>;

// Appends name="value" to text, escaped as both formats want it; invalid UTF-8 becomes U+FFFD.
// A comma is put in front when text is not empty.
void AppendLabel(std::string& text, std::string_view name, std::string_view value);

// What a table's row sends its samples through. Made by Render, for one family.
class Samples {
 public:
  Samples(const MetricInfo& info, Sink& sink) : info_(info), sink_(sink) {}

  // The label text of the row that is read next: the values of the family's row_labels. It must
  // stay valid until the next StartRow.
  void StartRow(std::string_view labels) { labels_ = labels; }

  void Add(Number value) { sink_.Sample("", labels_, "", value); }

  // own: the values of the family's own_labels, in their order.
  void Add(std::initializer_list<std::string_view> own, Number value);

  // A histogram of the row: counts (not cumulative) up to each bound, and one more above the last.
  void AddHistogram(std::span<const double> bounds, std::span<const std::uint64_t> counts,
                    double sum);

  // The two samples of a summary without quantiles: how many, and their sum.
  void AddSumAndCount(double sum, std::uint64_t count);

 private:
  const MetricInfo& info_;
  Sink& sink_;
  std::string_view labels_;
  std::string own_text_;
};

// One metric of a table whose rows are Row: the one place where its name is written.
template <class Row>
struct Column {
  MetricInfo info;
  void (*read)(const Row& row, Samples& samples);
};

// The row labels of a family that has one series, or own labels only.
inline constexpr std::span<const std::string_view> kNoLabels;

// The metrics of tables, in their order; the pointers live as long as the tables.
template <class... Tables>
std::vector<const MetricInfo*> Describe(const Tables&... tables) {
  std::vector<const MetricInfo*> infos;
  const auto add = [&infos](const auto& columns) {
    for (const auto& column : columns) infos.push_back(&column.info);
  };
  (add(tables), ...);
  return infos;
}

// The families of columns over rows. for_each(visit) must call visit(row, label_text) for every
// row, the same ones each time, and own (share) what it visits. columns must outlive the families.
template <class Columns, class ForEachRow>
void Render(const Columns& columns, const ForEachRow& for_each, Families& families) {
  for (const auto& column : columns) {
    families.push_back({&column.info, [&column, for_each](Sink& sink) {
                          Samples samples(column.info, sink);
                          for_each([&](const auto& row, std::string_view labels) {
                            samples.StartRow(labels);
                            column.read(row, samples);
                          });
                        }});
  }
}

}  // namespace lvs
