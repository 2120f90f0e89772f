#include "collectors/collectable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <map>
#include <set>
#include <sstream>

#include "collectors/ipvs/collector.h"
#include "exporter/exposition.h"
#include "tests/support/fake_kernel.h"
#include "tests/support/sample_table.h"

namespace lvs {
namespace {

std::set<std::string> Lines(const std::string& page) {
  std::set<std::string> lines;
  std::istringstream in(page);
  for (std::string line; std::getline(in, line);) {
    EXPECT_TRUE(lines.insert(line).second) << "twice on the page: " << line;
  }
  return lines;
}

// The two serializers write the same page but for one thing: prometheus-cpp's values are doubles
// with 16 digits. Nothing in this kernel is that large.
TEST(Collectable, WritesTheSamePageAsOurOwnWriter) {
  fake::Kernel kernel;
  for (const fake::Service& service : SampleServices()) kernel.Has(service);
  Published<ipvs::LatestReading> latest;
  const auto make = [&] {
    return std::make_unique<ipvs::IpvsCollector>(
        std::make_unique<ipvs::Reader>(kernel.Connect(), kernel.procfs_root()),
        ipvs::CollectorOptions{}, latest);
  };
  const CollectorAsCollectable collectable(make(), std::chrono::seconds(10));
  const std::string theirs = prometheus::TextSerializer().Serialize(collectable.Collect());

  std::string ours;
  std::string buffer;
  WritePage(make()->Collect(Clock::now() + std::chrono::seconds(10)).families, Format::kText004,
            buffer, [&ours](std::string_view piece) { ours += piece; });
  EXPECT_THAT(Lines(ours), testing::SizeIs(testing::Gt(200U)));
  EXPECT_EQ(Lines(ours), Lines(theirs));
}

class ThrowingCollector : public Collector {
 public:
  std::string_view name() const override { return "throwing"; }
  Collection Collect(Deadline) override { throw std::bad_alloc(); }
};

TEST(Collectable, NeverThrows) {
  const CollectorAsCollectable collectable(std::make_unique<ThrowingCollector>(),
                                           std::chrono::seconds(1));
  EXPECT_THAT(collectable.Collect(), testing::IsEmpty());
}

TEST(ToPrometheus, TakesEscapedLabelsApart) {
  static constexpr MetricInfo kInfo = {"test_value", MetricType::kGauge, "Help.", {}};
  std::string labels;
  AppendLabel(labels, "a", "x\\y\"z\n,=");
  AppendLabel(labels, "b", "");
  const Families families = {
      {&kInfo, [&](Sink& sink) { sink.Sample("", labels, "c=\"3\"", std::uint64_t{1}); }}};
  const auto converted = ToPrometheus(families);
  ASSERT_EQ(converted.size(), 1U);
  ASSERT_EQ(converted[0].metric.size(), 1U);
  std::map<std::string, std::string> read;
  for (const auto& label : converted[0].metric[0].label) read[label.name] = label.value;
  const std::map<std::string, std::string> expected = {{"a", "x\\y\"z\n,="}, {"b", ""}, {"c", "3"}};
  EXPECT_EQ(read, expected);
}

TEST(ToPrometheus, PutsHistogramsAndSummariesTogether) {
  static constexpr MetricInfo kHistogram = {"test_spread", MetricType::kHistogram, "Help.", {}};
  static constexpr MetricInfo kSummary = {"test_total", MetricType::kSummary, "Help.", {}};
  const std::array bounds = {0.25, 1.0};
  const std::array<std::uint64_t, 3> counts = {2, 0, 1};
  const Families families = {{&kHistogram,
                              [&](Sink& sink) {
                                Samples samples(kHistogram, sink);
                                for (const char* row : {"a=\"1\"", "a=\"2\""}) {
                                  samples.StartRow(row);
                                  samples.AddHistogram(bounds, counts, 4.5);
                                }
                              }},
                             {&kSummary, [](Sink& sink) {
                                Samples samples(kSummary, sink);
                                samples.AddSumAndCount(7.5, 3);
                              }}};
  const auto converted = ToPrometheus(families);
  ASSERT_EQ(converted.size(), 2U);
  ASSERT_EQ(converted[0].metric.size(), 2U);
  const auto& metric = converted[0].metric[1];
  EXPECT_EQ(metric.label[0].value, "2");
  ASSERT_EQ(metric.histogram.bucket.size(), 3U);
  EXPECT_EQ(metric.histogram.bucket[0].upper_bound, 0.25);
  EXPECT_EQ(metric.histogram.bucket[1].cumulative_count, 2U);
  EXPECT_EQ(metric.histogram.bucket[2].cumulative_count, 3U);
  EXPECT_EQ(metric.histogram.sample_count, 3U);
  EXPECT_EQ(metric.histogram.sample_sum, 4.5);
  EXPECT_EQ(converted[1].metric[0].summary.sample_count, 3U);
  EXPECT_EQ(converted[1].metric[0].summary.sample_sum, 7.5);
}

}  // namespace
}  // namespace lvs
