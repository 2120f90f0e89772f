#include "collectors/ipvs/aggregate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_kernel.h"

namespace lvs::ipvs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(ParseBackendLabels, PutsNamesIntoTheOrderOfThePage) {
  const Result<BackendLabelSet> labels = ParseBackendLabels("remote_port,local_address");
  ASSERT_TRUE(labels.ok());
  EXPECT_THAT(labels.value(), ElementsAre("local_address", "remote_port"));
}

TEST(ParseBackendLabels, EmptyMeansNoLabels) {
  const Result<BackendLabelSet> labels = ParseBackendLabels("");
  ASSERT_TRUE(labels.ok());
  EXPECT_THAT(labels.value(), IsEmpty());
}

TEST(ParseBackendLabels, RefusesUnknownRepeatedAndEmptyNames) {
  for (const auto& [list, reason] : std::vector<std::pair<const char*, const char*>>{
           {"port", "unknown backend label \"port\""},
           {"proto,proto", "given twice"},
           {"proto,", "ends with a comma"},
           {"proto,,proto", "unknown backend label"}}) {
    const Result<BackendLabelSet> labels = ParseBackendLabels(list);
    ASSERT_FALSE(labels.ok()) << list;
    EXPECT_THAT(labels.error().message, HasSubstr(reason));
  }
}

Table TwoServices() {
  Table table;
  table.services = {fake::Service("10.0.0.1:80/TCP")
                        .With(fake::Backend("10.1.0.1:80").Weight(1).Connections(1, 2).Templates(3))
                        .With(fake::Backend("10.1.0.2:80").Weight(4294967295).Connections(4, 5))
                        .value(),
                    fake::Service("10.0.0.1:443/TCP")
                        .With(fake::Backend("10.1.0.1:443").Weight(7).Counters({1, 2, 3, 4, 5}))
                        .value()};
  return table;
}

TEST(Aggregate, SumsBackendsThatLookTheSame) {
  const AggregatedBackends rows = Aggregate(TwoServices(), {"local_address", "local_port"});
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows[0].labels, "local_address=\"10.0.0.1\",local_port=\"80\"");
  EXPECT_EQ(rows[0].sum.weight, 4294967296U) << "a sum of 32-bit weights may need more bits";
  EXPECT_EQ(rows[0].sum.active_connections, 5U);
  EXPECT_EQ(rows[0].sum.inactive_connections, 7U);
  EXPECT_EQ(rows[0].sum.persistence_templates, 3U);
  EXPECT_EQ(rows[1].sum.counters, (Counters{1, 2, 3, 4, 5}));
}

TEST(Aggregate, WithoutLabelsThereIsOneRow) {
  const AggregatedBackends rows = Aggregate(TwoServices(), {});
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_EQ(rows[0].labels, "");
}

TEST(Aggregate, WhatOneBackendDoesNotTellIsUnknownInTheSum) {
  Table table = TwoServices();
  table.services[0].backends[0].counters.reset();
  const AggregatedBackends rows = Aggregate(table, {});
  EXPECT_EQ(rows[0].sum.counters, std::nullopt);
}

}  // namespace
}  // namespace lvs::ipvs
