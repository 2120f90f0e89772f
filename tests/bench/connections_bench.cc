// The connection table's text, in chunks of a page as the kernel gives it: what parsing costs, and
// the whole way of a row to the counts. Prints bytes and rows (items) a second; the times belong to
// the machine.

#include <benchmark/benchmark.h>

#include <cstdio>
#include <random>
#include <string>
#include <string_view>

#include "collectors/connections/classifier.h"
#include "collectors/connections/row_parser.h"
#include "collectors/connections/service_index.h"
#include "collectors/connections/tally.h"

namespace lvs::connections {
namespace {

constexpr std::size_t kRows = 200'000;
constexpr std::size_t kPage = 4092;
constexpr std::uint8_t kServices = 100;
constexpr std::uint8_t kBackends = 20;

// Connections and templates of many clients, in a table of services with some backends each.
std::string MakeText(bool ipv6) {
  auto random = [engine = std::mt19937(1)]() mutable { return static_cast<unsigned>(engine()); };
  std::string text;
  char line[256];
  for (std::size_t i = 0; i < kRows; ++i) {
    const unsigned service = random() % kServices;
    const unsigned backend = random() % kBackends;
    const bool is_template = random() % 10 == 0;
    const char* state = random() % 2 == 0 ? "ESTABLISHED" : "FIN_WAIT";
    if (is_template) state = "ASSURED";
    const unsigned client = random();
    const unsigned port = is_template ? 0 : 1024 + random() % 60000;
    const int size =
        ipv6 ? std::snprintf(line, sizeof line,
                             "TCP 2001:0db8:0000:0000:0000:0000:%04x:%04x %04X "
                             "2001:0db8:0000:0000:0000:0000:0000:%04x 0050 "
                             "fd00:0000:0000:0000:0000:0000:%04x:%04x 0050 %-11s LOCAL  %7u\n",
                             client >> 16, client & 0xffff, port, service, service, backend, state,
                             random() % 900)
             : std::snprintf(line, sizeof line,
                             "TCP %08X %04X 0A0000%02X 0050 0A01%02X%02X 0050 %-11s LOCAL  %7u\n",
                             client, port, service, service, backend, state, random() % 900);
    text.append(line, static_cast<std::size_t>(size));
  }
  return text;
}

template <class OnRow>
void FeedPages(std::string_view text, RowParser& parser, const OnRow& on_row) {
  for (; !text.empty(); text.remove_prefix(std::min(kPage, text.size()))) {
    parser.Feed(text.substr(0, kPage), on_row);
  }
  parser.Finish();
}

void SetRates(benchmark::State& state, const std::string& text) {
  const auto passes = static_cast<std::int64_t>(state.iterations());
  state.SetBytesProcessed(passes * static_cast<std::int64_t>(text.size()));
  state.SetItemsProcessed(passes * static_cast<std::int64_t>(kRows));
}

void ParseOnly(benchmark::State& state, bool ipv6) {
  const std::string text = MakeText(ipv6);
  for (auto _ : state) {
    RowParser parser(Format::kSync);
    std::uint64_t sum = 0;
    FeedPages(text, parser, [&sum](const Row& row) { sum += row.expires; });
    benchmark::DoNotOptimize(sum);
    if (parser.rows() != kRows) state.SkipWithError("rows are missing");
  }
  SetRates(state, text);
}
BENCHMARK_CAPTURE(ParseOnly, ipv4, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(ParseOnly, ipv6, true)->Unit(benchmark::kMillisecond);

// The services of MakeText(false).
ipvs::Table MakeTable() {
  ipvs::Table table;
  for (std::uint8_t s = 0; s < kServices; ++s) {
    ipvs::Service service;
    service.key.address.bytes = {10, 0, 0, s};
    service.key.port = 80;
    service.flags = ipvs::kServicePersistent;
    for (std::uint8_t b = 0; b < kBackends; ++b) {
      ipvs::Backend backend;
      backend.key.address.bytes = {10, 1, s, b};
      backend.key.port = 80;
      service.backends.push_back(backend);
    }
    table.services.push_back(service);
  }
  return table;
}

void ParseClassifyAndCount(benchmark::State& state) {
  const std::string text = MakeText(false);
  const ServiceIndex index(MakeTable());
  for (auto _ : state) {
    RowParser parser(Format::kSync);
    Tally tally(index, Level::kBackend);
    FeedPages(text, parser,
              [&](const Row& row) { tally.Add(row, Classify(row, index, ClassifierRules())); });
    benchmark::DoNotOptimize(tally.connections);
  }
  SetRates(state, text);
}
BENCHMARK(ParseClassifyAndCount)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace lvs::connections

BENCHMARK_MAIN();
