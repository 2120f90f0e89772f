#include "collectors/connections/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/connections_world.h"

namespace lvs::connections {
namespace {

using fake::On;
using fake::OnMark;
using fake::RowOf;
using fake::Services;
using testing::ElementsAre;
using enum ipvs::Protocol;

constexpr ReadFacts kWhole = {.rows = 0, .reached_end = true, .entries = std::nullopt};
constexpr ReadFacts kCut = {.rows = 0, .reached_end = false, .entries = std::nullopt};

// A pass that reads these rows; facts.rows is filled in.
Summary Read(const Services& services, const std::vector<std::string>& rows, ReadFacts facts,
             Level level = Level::kBackend) {
  const ServiceIndex index(services.table());
  Tally tally(index, level);
  for (const std::string& line : rows) {
    const Row row = RowOf(line);
    tally.Add(row, Classify(row, index, {}));
  }
  facts.rows = rows.size();
  return Summarize(tally, services.table(), level, facts);
}

std::vector<std::string> Times(int n, const std::string& row) {
  return std::vector<std::string>(static_cast<std::size_t>(n), row);
}

std::vector<std::string> operator+(std::vector<std::string> rows,
                                   const std::vector<std::string>& more) {
  rows.insert(rows.end(), more.begin(), more.end());
  return rows;
}

std::uint64_t Count(const Summary& summary, ProtocolClass protocol, State state, Origin origin) {
  return summary.connections.value().all[ConnectionCounts::At(protocol, state, origin)];
}

std::uint64_t Count(const Summary& summary, TemplateType type, TemplateStatus status,
                    Origin origin) {
  return summary.templates[Position(type)].value().all[TemplateCounts::At(status, origin)];
}

std::uint64_t CountOf(const StateCounts& states, State state) { return states[Position(state)]; }

template <class Counts>
std::uint64_t Sum(const Counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

const std::string kEstablished =
    "TCP C0000201 8001 0A000001 0050 0A010001 0050 ESTABLISHED LOCAL 9";
const std::string kFinWait = "TCP C0000201 8001 0A000001 0050 0A010001 0050 FIN_WAIT LOCAL 9";
const std::string kOther = "TCP C0000201 8001 0A000001 0050 0A010002 0050 FIN_WAIT SYNC 9";
const std::string kGone = "TCP C0000201 8001 0A000001 0050 0A010009 0050 FIN_WAIT LOCAL 9";
const std::string kAssured = "TCP C0000201 0000 0A000001 0050 0A010001 0050 ASSURED LOCAL 200";
const std::string kDrained = "TCP C0000201 0000 0A000001 0050 0A010002 0050 NONE SYNC 20";
const std::string kOrphaned = "TCP C0000201 0000 0A000001 0050 0A010009 0050 NONE LOCAL 20";

// One persistent service; its second backend is drained.
Services Web(std::uint64_t connections, std::uint64_t templates, std::uint64_t drained = 0) {
  return Services()
      .Persistent(On(kTcp, "10.0.0.1", 80))
      .Backend("10.1.0.1", 80)
      .Holds(connections, 0, templates)
      .Backend("10.1.0.2", 80, 0)
      .Holds(0, 0, drained);
}

TEST(Summary, OfATableThatWasReadToItsEndIsWhatWasCounted) {
  const Summary summary = Read(
      Web(50, 50, 50),
      {kEstablished, kFinWait, kFinWait, kOther, kGone, kAssured, kDrained, kOrphaned, kOrphaned},
      kWhole);
  EXPECT_FALSE(summary.truncated);
  EXPECT_EQ(summary.coverage, 1.0);
  EXPECT_EQ(Count(summary, ProtocolClass::kTcp, State::kEstablished, Origin::kLocal), 1U);
  EXPECT_EQ(Count(summary, ProtocolClass::kTcp, State::kFinWait, Origin::kLocal), 3U);
  EXPECT_EQ(Count(summary, ProtocolClass::kTcp, State::kFinWait, Origin::kSync), 1U);
  EXPECT_EQ(Sum(summary.connections->all), 5U);
  EXPECT_THAT(summary.orphan_connections.value(), ElementsAre(1U, 0U, 0U));
  EXPECT_EQ(Count(summary, TemplateType::kPpc, TemplateStatus::kAssured, Origin::kLocal), 1U);
  EXPECT_EQ(Count(summary, TemplateType::kPpc, TemplateStatus::kUnassured, Origin::kSync), 1U);
  EXPECT_EQ(Count(summary, TemplateType::kOrphan, TemplateStatus::kUnassured, Origin::kLocal), 2U);
  EXPECT_EQ(Sum(summary.templates[Position(TemplateType::kPcc)]->all), 0U);
  ASSERT_EQ(summary.services.size(), 1U);
  const ServiceSummary& web = summary.services[0];
  EXPECT_TRUE(web.persistent);
  EXPECT_EQ(CountOf(*web.states, State::kFinWait), 3U) << "without the orphan";
  EXPECT_EQ(Sum(*web.states), 4U);
  EXPECT_THAT(web.templates->types, ElementsAre(2U, 0U, 0U, 0U, 2U));
  EXPECT_THAT(*web.drained, ElementsAre(0U, 1U, 0U));
  EXPECT_EQ(web.templates->remaining.sum, 220.0);
  EXPECT_EQ(Sum(web.templates->remaining.buckets), 2U);
  ASSERT_EQ(web.backends.size(), 2U);
  EXPECT_EQ(CountOf(*web.backends[0].states, State::kFinWait), 2U);
  EXPECT_EQ(CountOf(*web.backends[1].states, State::kFinWait), 1U);
}

TEST(Summary, OfAnEmptyTableIsAllZeros) {
  const Summary summary = Read(Web(0, 0), {}, kWhole);
  EXPECT_FALSE(summary.truncated);
  EXPECT_EQ(summary.coverage, 1.0);
  EXPECT_EQ(Sum(summary.connections->all), 0U);
  EXPECT_EQ(Sum(*summary.services[0].states), 0U);
  EXPECT_EQ(Sum(summary.services[0].templates->types), 0U);
}

// The text of a table, as the parser takes it, down to what is told of it.
Summary ReadText(const Services& services, const std::string& text) {
  const ServiceIndex index(services.table());
  Tally tally(index, Level::kBackend);
  RowParser parser(Format::kSync);
  for (std::size_t at = 0; at < text.size(); at += 50) {
    parser.Feed(std::string_view(text).substr(at, 50),
                [&](const Row& row) { tally.Add(row, Classify(row, index, {})); });
  }
  parser.Finish();
  return Summarize(tally, services.table(), Level::kBackend,
                   {.rows = parser.rows(),
                    .skipped_lines = parser.skipped_lines(),
                    .reached_end = true,
                    .entries = std::nullopt});
}

std::string Text(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

TEST(Summary, OfRowsInAnotherOrderIsTheSame) {
  std::vector<std::string> rows = Times(20, kEstablished) + Times(7, kFinWait) + Times(3, kOther) +
                                  Times(9, kAssured) + Times(4, kDrained) + Times(2, kOrphaned);
  const Summary before = ReadText(Web(27, 9, 4), Text(rows));
  std::mt19937 random(5);
  std::ranges::shuffle(rows, random);
  const Summary after = ReadText(Web(27, 9, 4), Text(rows));
  EXPECT_EQ(after.connections->all, before.connections->all);
  EXPECT_EQ(after.services[0].states, before.services[0].states);
  EXPECT_EQ(after.services[0].templates->types, before.services[0].templates->types);
  EXPECT_EQ(after.services[0].templates->remaining.buckets,
            before.services[0].templates->remaining.buckets);
  EXPECT_EQ(after.services[0].drained, before.services[0].drained);
  EXPECT_EQ(after.services[0].backends[0].states, before.services[0].backends[0].states);
}

TEST(Summary, DoubledRowsOfACompleteReadCountTwiceAndNoMore) {
  const Summary summary = ReadText(
      Web(100, 0), Text(Times(100, kEstablished) + Times(2, kEstablished) + Times(1, kAssured)));
  EXPECT_FALSE(summary.truncated);
  EXPECT_EQ(CountOf(*summary.services[0].states, State::kEstablished), 102U);
  EXPECT_EQ(summary.coverage, 1.0);
}

TEST(Summary, TornRowsAreNotCountedAndManyMakeAnEstimate) {
  const std::string torn = kEstablished.substr(0, 30);
  const Summary one = ReadText(Web(100, 0), Text(Times(100, kEstablished) + Times(1, torn)));
  EXPECT_FALSE(one.truncated);
  EXPECT_EQ(Sum(*one.services[0].states), 100U);
  const Summary many =
      ReadText(Web(100, 0), Text(Times(60, kEstablished) + Times(20, torn) + Times(20, kFinWait)));
  EXPECT_TRUE(many.truncated);
  EXPECT_EQ(CountOf(*many.services[0].states, State::kEstablished), 75U);
  EXPECT_EQ(CountOf(*many.services[0].states, State::kFinWait), 25U);
}

TEST(Summary, RemainingSecondsFallIntoTheBucketTheyDoNotExceed) {
  const std::string row = "TCP C0000201 0000 0A000001 0050 0A010001 0050 ASSURED LOCAL ";
  const Summary summary =
      Read(Web(0, 5), {row + "0", row + "15", row + "16", row + "86400", row + "86401"}, kWhole);
  const auto& buckets = summary.services[0].templates->remaining.buckets;
  EXPECT_EQ(buckets.front(), 2U);
  EXPECT_EQ(buckets[1], 1U);
  EXPECT_EQ(buckets[12], 1U);
  EXPECT_EQ(buckets.back(), 1U);
}

TEST(Summary, EachLevelAddsToTheOneBefore) {
  const Services services = Web(1, 0);
  EXPECT_TRUE(Read(services, {kEstablished}, kWhole, Level::kTotals).services.empty());
  const Summary of_services = Read(services, {kEstablished}, kWhole, Level::kService);
  ASSERT_EQ(of_services.services.size(), 1U);
  EXPECT_TRUE(of_services.services[0].backends.empty());
  EXPECT_EQ(Read(services, {kEstablished}, kWhole, Level::kBackend).services[0].backends.size(),
            2U);
}

TEST(Summary, ASampleIsScaledToWhatNetlinkCounts) {
  const Summary summary = Read(
      Web(1000, 400, 100),
      Times(450, kEstablished) + Times(150, kFinWait) + Times(120, kAssured) + Times(30, kDrained),
      kCut);
  EXPECT_TRUE(summary.truncated);
  EXPECT_DOUBLE_EQ(*summary.coverage, 0.5);
  EXPECT_EQ(Count(summary, ProtocolClass::kTcp, State::kEstablished, Origin::kLocal), 750U);
  EXPECT_EQ(CountOf(*summary.services[0].states, State::kFinWait), 250U);
  EXPECT_EQ(CountOf(*summary.services[0].backends[0].states, State::kFinWait), 250U);
  EXPECT_EQ(Sum(*summary.services[0].backends[1].states), 0U);
  EXPECT_EQ(Count(summary, TemplateType::kPpc, TemplateStatus::kAssured, Origin::kLocal), 400U);
  EXPECT_EQ(summary.services[0].templates->types[0], 500U);
  EXPECT_THAT(*summary.services[0].drained, ElementsAre(0U, 100U, 0U));
  EXPECT_EQ(Sum(summary.services[0].templates->remaining.buckets), 500U);
  EXPECT_DOUBLE_EQ(summary.services[0].templates->remaining.sum,
                   (120 * 200 + 30 * 20) * 500.0 / 150);
}

TEST(Summary, OrphansOfASampleAreDividedByTheCoverage) {
  // 50 of 100 rows that netlink counts were read: the coverage, whatever the number of orphans.
  const Summary summary =
      Read(Web(100, 0), Times(50, kEstablished) + Times(150, kGone) + Times(35, kOrphaned), kCut);
  EXPECT_DOUBLE_EQ(*summary.coverage, 0.5);
  EXPECT_THAT(summary.orphan_connections.value(), ElementsAre(300U, 0U, 0U));
  EXPECT_EQ(Sum(summary.connections->all), 400U);
  EXPECT_EQ(Count(summary, TemplateType::kOrphan, TemplateStatus::kUnassured, Origin::kLocal), 70U);
  EXPECT_EQ(summary.services[0].templates->types[Position(TemplateType::kOrphan)], 70U);
}

TEST(Summary, WhereTheKernelTellsTheSizeOfTheTableTheCoverageIsTakenFromThere) {
  ReadFacts facts = kCut;
  facts.entries = 400;
  const Summary summary = Read(Services(), Times(100, kGone), facts);
  EXPECT_EQ(summary.coverage, 0.25);
  EXPECT_THAT(summary.orphan_connections.value(), ElementsAre(400U, 0U, 0U));
}

TEST(Summary, WithoutAnyTotalTheCoverageIsUnknownAndOrphansAreThoseSeen) {
  const Summary summary = Read(Services(), Times(100, kGone), kCut);
  EXPECT_TRUE(summary.truncated);
  EXPECT_EQ(summary.coverage, std::nullopt);
  EXPECT_THAT(summary.orphan_connections.value(), ElementsAre(100U, 0U, 0U));
}

TEST(Summary, CoverageIsNeverAboveOne) {
  EXPECT_EQ(Read(Web(10, 0), Times(30, kEstablished), kCut).coverage, 1.0);
}

TEST(Summary, OfTheTableIsNeverLessThanWasSeen) {
  // Synchronised before the service was made: netlink counts none of them.
  const Summary summary = Read(Web(0, 0), Times(40, kEstablished) + Times(5, kAssured), kCut);
  EXPECT_EQ(Sum(summary.connections->all), 40U);
  EXPECT_EQ(Sum(summary.templates[Position(TemplateType::kPpc)]->all), 5U);
  EXPECT_EQ(Sum(*summary.services[0].states), 0U) << "as the gauge beside it";
}

TEST(Summary, WhatHasATotalButNoSampledRowIsAbsent) {
  const Services services = Web(100, 50, 50)
                                .Persistent(On(kTcp, "10.0.0.2", 0))
                                .Backend("10.1.0.1", 0)
                                .Holds(1, 0, 1)
                                .Persistent(OnMark(5))
                                .Backend("10.1.0.1", 0);
  const Summary summary =
      Read(services, Times(40, kEstablished) + Times(40, kAssured), kCut, Level::kBackend);
  EXPECT_EQ(Sum(*summary.services[0].states), 100U);
  EXPECT_EQ(summary.services[0].drained, std::nullopt);
  EXPECT_EQ(summary.services[1].states, std::nullopt);
  EXPECT_FALSE(summary.services[1].templates);
  EXPECT_THAT(*summary.services[1].drained, ElementsAre(0U, 0U, 0U)) << "nothing is drained there";
  EXPECT_EQ(summary.services[1].backends[0].states, std::nullopt);
  EXPECT_EQ(Sum(*summary.services[2].states), 0U) << "netlink says that there are none";
  EXPECT_EQ(Sum(summary.services[2].templates->types), 0U);
  EXPECT_FALSE(summary.templates[Position(TemplateType::kPcc)]);
  EXPECT_TRUE(summary.templates[Position(TemplateType::kFtp)]);
  const Summary nothing = Read(Web(100, 50), {kOrphaned}, kCut);
  EXPECT_FALSE(nothing.connections);
}

TEST(Summary, TheTotalsOfTemplatesAreThoseOfTheirTypes) {
  const Services services =
      Web(0, 900).Persistent(OnMark(5)).Backend("10.1.0.1", 0).Holds(0, 0, 100);
  const Summary summary = Read(
      services,
      Times(30, kAssured) + Times(30, "IP C0000201 0000 00000005 0000 0A010001 0000 NONE LOCAL 9"),
      kCut);
  EXPECT_EQ(Sum(summary.templates[Position(TemplateType::kPpc)]->all), 900U);
  EXPECT_EQ(Sum(summary.templates[Position(TemplateType::kPfwmc)]->all), 100U);
}

TEST(Summary, WithoutNetlinkTemplatesAreDividedByTheCoverageOfConnections) {
  Services services = Web(100, 0);
  for (ipvs::Backend& backend : services.table().services[0].backends) {
    backend.persistence_templates.reset();
  }
  services.Plain(On(kTcp, "10.0.0.9", 80));  // without backends
  const Summary summary = Read(services, Times(50, kEstablished) + Times(20, kAssured), kCut);
  EXPECT_DOUBLE_EQ(*summary.coverage, 0.5);
  EXPECT_EQ(Sum(summary.templates[Position(TemplateType::kPpc)]->all), 40U);
  EXPECT_EQ(summary.services[0].templates->types[0], 40U);
  EXPECT_EQ(Sum(summary.services[1].templates->types), 0U);
}

TEST(Summary, ABreakdownOfTooFewRowsIsAbsent) {
  const Services services =
      Web(1000, 1000, 20).Plain(On(kTcp, "10.0.0.2", 80)).Backend("10.1.0.1", 80).Holds(2, 0);
  const std::string small = "TCP C0000201 8001 0A000002 0050 0A010001 0050 CLOSE LOCAL 9";
  const auto drained = Times(20, kDrained);
  const Summary few = Read(
      services, Times(29, kEstablished) + Times(9, kAssured) + drained + Times(2, small), kCut);
  EXPECT_FALSE(few.services[0].states);
  EXPECT_FALSE(few.services[0].templates) << "29 as well";
  EXPECT_THAT(*few.services[0].drained, ElementsAre(0U, 20U, 0U)) << "these are all";
  EXPECT_EQ(CountOf(*few.services[1].states, State::kClose), 2U) << "these are all";
  EXPECT_FALSE(few.templates[Position(TemplateType::kPpc)]);
  const Summary enough =
      Read(services, Times(30, kEstablished) + Times(10, kAssured) + drained, kCut);
  EXPECT_TRUE(enough.services[0].states);
  EXPECT_TRUE(enough.services[0].templates);
}

TEST(Summary, OfAReadThatSawNothingIsAbsentAndNoHugeNumber) {
  ReadFacts with_entries = kCut;
  with_entries.entries = 1000;
  for (const ReadFacts& facts : {kCut, with_entries, kWhole}) {
    const Summary summary = Read(Web(100, 50), {}, facts);
    EXPECT_TRUE(summary.truncated);
    EXPECT_FALSE(summary.coverage);
    EXPECT_FALSE(summary.connections);
    EXPECT_FALSE(summary.orphan_connections);
    EXPECT_FALSE(summary.templates[Position(TemplateType::kOrphan)]);
    EXPECT_FALSE(summary.services[0].states);
    EXPECT_FALSE(summary.services[0].templates);
  }
}

TEST(Summary, TheCoverageOfACompleteReadIsTrueWhereTheSizeOfTheTableIsKnown) {
  ReadFacts facts = kWhole;
  facts.entries = 100;
  const Summary summary = Read(Web(100, 0), Times(90, kEstablished), facts);
  EXPECT_FALSE(summary.truncated);
  EXPECT_EQ(summary.coverage, 0.9);
  facts.entries = 0;
  EXPECT_EQ(Read(Web(0, 0), {}, facts).coverage, 1.0);
}

TEST(Summary, OfATableWithManyLinesThatAreNoRowsIsAnEstimate) {
  ReadFacts facts = kWhole;
  facts.skipped_lines = 1;
  EXPECT_FALSE(Read(Web(100, 0), Times(99, kEstablished), facts).truncated);
  facts.skipped_lines = 2;
  const Summary summary = Read(Web(100, 0), Times(98, kEstablished), facts);
  EXPECT_TRUE(summary.truncated);
  EXPECT_EQ(summary.coverage, 0.98);
  EXPECT_EQ(Sum(*summary.services[0].states), 100U);
}

TEST(Summary, OrphansDoNotHideThatTheFileEndedEarly) {
  EXPECT_TRUE(Read(Web(1000, 0), Times(400, kEstablished) + Times(500, kGone), kWhole).truncated);
}

TEST(Summary, AnEndOfFileFarBelowTheTotalsIsTruncated) {
  EXPECT_TRUE(Read(Web(1000, 0), Times(749, kEstablished), kWhole).truncated);
  EXPECT_FALSE(Read(Web(1000, 0), Times(751, kEstablished), kWhole).truncated);
  EXPECT_FALSE(Read(Web(201, 0), {kEstablished}, kWhole).truncated) << "churn of a small table";
  ReadFacts facts = kWhole;
  facts.entries = 1000;
  EXPECT_TRUE(Read(Services(), Times(700, kGone), facts).truncated);
  const Summary cut = Read(Web(1000, 0), Times(500, kEstablished), kWhole);
  EXPECT_DOUBLE_EQ(*cut.coverage, 0.5);
  EXPECT_EQ(Sum(cut.connections->all), 1000U);
}

// Two marks that share a real server, each with another one of its own; a third that shares the
// server, but has no connections; a fourth that shares nothing.
Services Marks(std::uint64_t on_shared, std::uint64_t on_own) {
  return Services()
      .Plain(OnMark(1))
      .Backend("10.1.0.1", 0)
      .Holds(on_shared, 0)
      .Backend("10.1.0.2", 0)
      .Holds(on_own, 0)
      .Plain(OnMark(2))
      .Backend("10.1.0.1", 0)
      .Holds(on_shared, 0)
      .Plain(OnMark(3))
      .Backend("10.1.0.1", 0)
      .Plain(OnMark(4))
      .Backend("10.1.0.4", 0)
      .Holds(10, 0);
}

const std::string kOfMark4 = "TCP C0000201 8001 0A000001 0050 0A010004 0050 ESTABLISHED LOCAL 9";

TEST(Summary, OfMarksThatShareARealServerHasNoBreakdownRatherThanZeros) {
  const Summary summary =
      Read(Marks(5, 3), Times(10, kEstablished) + Times(3, kOther) + Times(10, kOfMark4), kWhole);
  EXPECT_EQ(Sum(summary.connections->all), 23U);
  EXPECT_THAT(summary.orphan_connections.value(), ElementsAre(0U, 0U, 0U));
  EXPECT_FALSE(summary.services[0].states);
  EXPECT_FALSE(summary.services[0].backends[0].states);
  EXPECT_EQ(Sum(*summary.services[0].backends[1].states), 3U) << "nobody else has that server";
  EXPECT_FALSE(summary.services[1].states);
  EXPECT_EQ(Sum(*summary.services[2].states), 0U) << "netlink says that there are none";
  EXPECT_EQ(Sum(*summary.services[3].states), 10U);
}

TEST(Summary, OfAMarkInASampleIsNotMadeOfTheServersThatItSharesWithNobody) {
  const Summary summary =
      Read(Marks(5000, 3000), Times(50, kEstablished) + Times(30, kOther), kCut, Level::kService);
  EXPECT_FALSE(summary.services[0].states);
  EXPECT_EQ(Sum(summary.connections->all), 13'010U);
}

TEST(Summary, OfBackendsThatShareAnAddressTellsTheirServiceOnly) {
  const Services services = Services()
                                .Persistent(On(kTcp, "10.0.0.1", 0))
                                .Backend("10.1.0.1", 80, 1, ipvs::ForwardMethod::kMasquerade)
                                .Holds(2, 0)
                                .Backend("10.1.0.1", 81, 1, ipvs::ForwardMethod::kMasquerade)
                                .Holds(1, 0)
                                .Backend("10.1.0.1", 82, 1, ipvs::ForwardMethod::kMasquerade)
                                .Backend("10.1.0.2", 80)
                                .Holds(1, 0);
  const Summary summary = Read(services, Times(3, kEstablished) + Times(1, kOther), kWhole);
  const ServiceSummary& service = summary.services[0];
  EXPECT_EQ(Sum(*service.states), 4U);
  EXPECT_FALSE(service.backends[0].states);
  EXPECT_FALSE(service.backends[1].states);
  EXPECT_EQ(Sum(*service.backends[2].states), 0U) << "netlink says that there are none";
  EXPECT_EQ(Sum(*service.backends[3].states), 1U);
}

TEST(ScaleTo, GivesWholeNumbersThatSumToTheTotal) {
  std::vector<std::uint64_t> counts = {1, 1, 1};
  ScaleTo(100, counts);
  EXPECT_THAT(counts, ElementsAre(34, 33, 33));
  counts = {0, 5, 0, 3, 3};
  ScaleTo(7, counts);
  EXPECT_THAT(counts, ElementsAre(0, 3, 0, 2, 2));
  counts = {3, 1};
  ScaleTo(0, counts);
  EXPECT_THAT(counts, ElementsAre(0, 0));
  counts = {0, 0};
  ScaleTo(5, counts);
  EXPECT_THAT(counts, ElementsAre(0, 0));
  counts = {1ULL << 40, 1ULL << 40};
  ScaleTo(1ULL << 50, counts);
  EXPECT_THAT(counts, ElementsAre(1ULL << 49, 1ULL << 49));
}

}  // namespace
}  // namespace lvs::connections
