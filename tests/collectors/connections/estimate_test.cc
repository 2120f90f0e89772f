// How far estimates are off: tables whose truth is known, random samples of them, and the bounds
// that summary.h promises. Seeds are fixed: a run is always the same.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "collectors/connections/summary.h"
#include "tests/support/connections_world.h"

namespace lvs::connections {
namespace {

using fake::On;
using fake::Services;
using ipvs::Protocol;

// A row of the population: what it says, and who the client is.
struct Entry {
  Row row;
  unsigned client = 0;
};

constexpr std::size_t kServices = 4;
constexpr State kSomeStates[] = {State::kEstablished, State::kFinWait, State::kTimeWait,
                                 State::kSynRecv, State::kClose};

std::string Vip(std::size_t service) { return "10.0.0." + std::to_string(service + 1); }

Row ConnectionOf(std::size_t service, State state, bool orphan) {
  Row row;
  row.protocol = kTcpNumber;
  row.origin = Origin::kLocal;
  row.state = state;
  row.client_port = 40000;
  row.virtual_address = fake::Ip(Vip(service));
  row.virtual_port = row.destination_port = 80;
  row.destination = fake::Ip(orphan ? "10.9.0.1" : "10.1.0.1");
  return row;
}

Row TemplateOf(std::size_t service, State state, std::uint32_t expires) {
  Row row = ConnectionOf(service, state, false);
  row.client_port = 0;
  row.expires = expires;
  return row;
}

// Services of very different sizes, each with its own mix of states; some orphans.
std::vector<Entry> Connections(std::mt19937& random, std::size_t size) {
  std::discrete_distribution<std::size_t> service_of{60, 30, 8, 2};
  std::vector<Entry> population;
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t service = service_of(random);
    std::discrete_distribution<std::size_t> state_of{50.0 + static_cast<double>(service) * 10, 30,
                                                     15, 4, 1};
    population.push_back(
        {ConnectionOf(service, kSomeStates[state_of(random)], random() % 20 == 0), 0});
  }
  return population;
}

// The netlink totals of a population.
Services World(const std::vector<Entry>& population) {
  std::vector<std::uint64_t> connections(kServices);
  std::vector<std::uint64_t> templates(kServices);
  Services services;
  const Address server = fake::Ip("10.1.0.1");
  for (std::size_t i = 0; i < kServices; ++i) {
    const Address vip = fake::Ip(Vip(i));
    for (const Entry& entry : population) {
      if (entry.row.virtual_address != vip || entry.row.destination != server) continue;
      ++(entry.row.client_port == 0 ? templates : connections)[i];
    }
    services.Persistent(On(Protocol::kTcp, Vip(i), 80))
        .Backend("10.1.0.1", 80)
        .Holds(connections[i], 0, templates[i]);
  }
  return services;
}

Tally Count(const ServiceIndex& index, const std::vector<Entry>& rows, std::size_t size,
            Level level = Level::kService) {
  Tally tally(index, level);
  for (std::size_t i = 0; i < size; ++i) {
    tally.Add(rows[i].row, Classify(rows[i].row, index, {}));
  }
  return tally;
}

// Estimates beside the truth, in units of the standard error that summary.h states.
class Errors {
 public:
  // truth of whole belong to a class; of whole, sampled were read, by which there are estimated.
  void AddShare(std::uint64_t estimated, std::uint64_t truth, std::uint64_t whole,
                std::uint64_t sampled) {
    const double p = static_cast<double>(truth) / static_cast<double>(whole);
    const auto n = static_cast<double>(sampled);
    const auto of = static_cast<double>(whole);
    Add(estimated, truth, of * std::sqrt(p * (1 - p) / n * (of - n) / std::max(1.0, of - 1)));
  }
  void AddQuotient(std::uint64_t estimated, std::uint64_t truth, double coverage) {
    const double seen = static_cast<double>(truth) * coverage;
    Add(estimated, truth, std::sqrt(seen * (1 - coverage)) / coverage);
  }

  void ExpectBounded(std::uint64_t least = 300) const {
    ASSERT_GT(all_, least);
    EXPECT_EQ(beyond_5_, 0U) << "of " << all_ << ", worst " << worst_;
    // About 1 in 20 is expected beyond 2 of a normal distribution.
    EXPECT_LT(beyond_2_ * 100, all_ * 8);
    EXPECT_GT(beyond_2_ * 100, all_ * 1) << "the bound is far wider than the error";
  }

 private:
  void Add(std::uint64_t estimated, std::uint64_t truth, double standard_error) {
    const double off =
        std::abs(static_cast<double>(estimated) - static_cast<double>(truth)) - 1;  // rounding
    ++all_;
    if (off > 2 * standard_error) ++beyond_2_;
    if (off > 5 * standard_error) ++beyond_5_;
    if (standard_error > 0) worst_ = std::max(worst_, off / standard_error);
  }

  std::uint64_t all_ = 0;
  std::uint64_t beyond_2_ = 0;
  std::uint64_t beyond_5_ = 0;
  double worst_ = 0;
};

std::uint64_t Sum(const auto& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

TEST(Estimate, OfStatesStaysInsideItsBoundForEveryServiceAndSampleSize) {
  std::mt19937 random(2026);
  Errors of_services;
  Errors of_the_table;
  Errors of_orphans;
  for (int table = 0; table < 20; ++table) {
    std::vector<Entry> population = Connections(random, 20'000);
    const Services services = World(population);
    const ServiceIndex index(services.table());
    const Tally truth = Count(index, population, population.size());
    for (const std::size_t sample : {200UL, 1'000UL, 5'000UL, 15'000UL}) {
      std::ranges::shuffle(population, random);
      const Tally seen = Count(index, population, sample);
      const Summary summary = Summarize(seen, services.table(), Level::kService,
                                        {.rows = sample, .reached_end = false, .entries = {}});
      for (std::size_t s = 0; s < kServices; ++s) {
        const StateCounts& true_states = truth.services[s].states;
        const std::uint64_t rows = Sum(seen.services[s].states);
        ASSERT_EQ(summary.services[s].states.has_value(), rows >= kLeastSample);
        if (rows < kLeastSample) continue;
        EXPECT_EQ(Sum(*summary.services[s].states), Sum(true_states)) << "netlink's gauge";
        for (const State state : {State::kEstablished, State::kFinWait, State::kTimeWait}) {
          of_services.AddShare((*summary.services[s].states)[Position(state)],
                               true_states[Position(state)], Sum(true_states), rows);
        }
      }
      const double coverage = static_cast<double>(sample) / static_cast<double>(population.size());
      EXPECT_NEAR(*summary.coverage, coverage, coverage * 0.1);
      for (const State state : kSomeStates) {
        const std::size_t at = ConnectionCounts::At(ProtocolClass::kTcp, state, Origin::kLocal);
        of_the_table.AddShare((*summary.connections).all[at],
                              truth.connections.all[at] + truth.orphan_connections.all[at],
                              population.size(), sample);
      }
      of_orphans.AddQuotient(summary.orphan_connections.value()[0],
                             Sum(truth.orphan_connections.all), coverage);
    }
    // Orphans alone are few figures: more samples of the same table.
    for (int i = 0; i < 25; ++i) {
      std::ranges::shuffle(population, random);
      const Summary summary =
          Summarize(Count(index, population, 2'000), services.table(), Level::kTotals,
                    {.rows = 2'000, .reached_end = false, .entries = 20'000});
      of_orphans.AddQuotient(summary.orphan_connections.value()[0],
                             Sum(truth.orphan_connections.all), 0.1);
    }
  }
  of_services.ExpectBounded();
  of_the_table.ExpectBounded();
  of_orphans.ExpectBounded();
}

// One service with a drained backend: connections and templates of other clients each.
TEST(Estimate, OfBackendsDrainedTemplatesAndRemainingTimeStaysInsideItsBound) {
  std::mt19937 random(11);
  const std::string servers[] = {"10.1.0.1", "10.1.0.2", "10.1.0.3"};
  constexpr std::size_t kDrained = 2;
  Errors of_backends;
  Errors of_drained;
  Errors of_remaining;
  for (int table = 0; table < 40; ++table) {
    std::vector<Entry> population;
    std::array<std::uint64_t, 3> connections{};
    std::array<std::uint64_t, 3> templates{};
    for (std::size_t i = 0; i < 20'000; ++i) {
      const std::size_t server = std::min<std::size_t>(random() % 4, 2);
      Row row;
      if (random() % 2 == 0) {
        row = ConnectionOf(0, kSomeStates[random() % (server + 2)], false);
        ++connections[server];
      } else {
        const State state = random() % 3 == 0 ? State::kNone : State::kAssured;
        row = TemplateOf(0, state, 1 + static_cast<std::uint32_t>(random() % 400));
        ++templates[server];
      }
      row.destination = fake::Ip(servers[server]);
      population.push_back({row, 0});
    }
    Services services;
    services.Persistent(On(Protocol::kTcp, Vip(0), 80));
    for (std::size_t i = 0; i < 3; ++i) {
      services.Backend(servers[i], 80, i == kDrained ? 0 : 1)
          .Holds(connections[i], 0, templates[i]);
    }
    const ServiceIndex index(services.table());
    const Tally truth = Count(index, population, population.size(), Level::kBackend);
    for (const std::size_t sample : {1'000UL, 4'000UL, 12'000UL}) {
      std::ranges::shuffle(population, random);
      const Tally seen = Count(index, population, sample, Level::kBackend);
      const Summary summary = Summarize(seen, services.table(), Level::kBackend,
                                        {.rows = sample, .reached_end = false, .entries = {}});
      for (std::size_t i = 0; i < 3; ++i) {
        const StateCounts& states = summary.services[0].backends[i].states.value();
        for (std::size_t s = 0; s < i + 2; ++s) {
          const std::size_t state = Position(kSomeStates[s]);
          of_backends.AddShare(states[state], truth.backends[i].states[state], connections[i],
                               Sum(seen.backends[i].states));
        }
      }
      const std::size_t assured = Position(TemplateStatus::kAssured);
      of_drained.AddShare(summary.services[0].drained.value()[assured],
                          truth.services[0].drained[assured], templates[kDrained],
                          Sum(seen.services[0].drained));
      const auto& buckets = summary.services[0].templates.value().remaining.buckets;
      for (std::size_t i = 0; i < 7; ++i) {
        of_remaining.AddShare(buckets[i], truth.services[0].remaining.buckets[i], Sum(templates),
                              Sum(seen.services[0].remaining.buckets));
      }
    }
  }
  of_backends.ExpectBounded();
  of_drained.ExpectBounded(100);
  of_remaining.ExpectBounded();
}

// Up to Linux 7.0 all templates of a client share a bucket: a sample takes whole clients.
TEST(Estimate, OfTemplatesIsOneOfClients) {
  std::mt19937 random(7);
  Errors errors;
  for (int table = 0; table < 55; ++table) {
    // Every client has a template on every service, all with the same state.
    constexpr unsigned kClients = 2'000;
    std::vector<State> states;
    for (unsigned i = 0; i < kClients; ++i) {
      states.push_back(random() % 4 == 0 ? State::kNone : State::kAssured);
    }
    const auto assured = static_cast<std::uint64_t>(std::ranges::count(states, State::kAssured));
    const auto in_order = [&] {
      std::ranges::shuffle(states, random);
      std::vector<Entry> population;
      for (unsigned client = 0; client < kClients; ++client) {
        for (std::size_t s = 0; s < kServices; ++s) {
          population.push_back({TemplateOf(s, states[client], 100 + client % 200), client});
        }
      }
      return population;
    };
    const Services services = World(in_order());
    const ServiceIndex index(services.table());
    for (int i = 0; i < 10; ++i) {
      constexpr std::size_t kSampledClients = 200;
      const Tally seen = Count(index, in_order(), kSampledClients * kServices);
      const Summary summary =
          Summarize(seen, services.table(), Level::kService,
                    {.rows = kSampledClients * kServices, .reached_end = false, .entries = {}});
      const TemplateCounts& ppc = summary.templates[Position(TemplateType::kPpc)].value();
      const std::uint64_t found =
          ppc.all[TemplateCounts::At(TemplateStatus::kAssured, Origin::kLocal)];
      EXPECT_EQ(Sum(ppc.all), kClients * kServices);
      errors.AddShare(found / kServices, assured, kClients, kSampledClients);
      EXPECT_EQ(Sum(summary.services[0].templates->remaining.buckets), kClients);
    }
  }
  errors.ExpectBounded();
}

}  // namespace
}  // namespace lvs::connections
