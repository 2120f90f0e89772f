// Writing a page of about 200,000 series: ours (kept label text, our writer, ISA-L) beside
// prometheus-cpp's (family objects, TextSerializer, zlib as its HTTP handler uses it), from the
// same snapshot in the same run. Prints the ratios; the absolute times belong to the machine.

#include <benchmark/benchmark.h>
#include <prometheus/text_serializer.h>
#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "collectors/collectable.h"
#include "collectors/ipvs/labels.h"
#include "collectors/ipvs/metrics.h"
#include "exporter/exposition.h"
#include "exporter/http/gzip.h"

namespace lvs {
namespace {

constexpr std::uint32_t kServices = 1000;
constexpr std::uint32_t kBackends = 20;

Address MakeAddress(std::uint8_t first, std::uint32_t number) {
  Address address;
  address.bytes = {first, static_cast<std::uint8_t>(number >> 16),
                   static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
  return address;
}

// Counters of many lengths, as on a director that has been up for a while.
ipvs::Counters MakeCounters(std::uint64_t seed) {
  seed = seed * 2654435761U % 4294967291U;
  return {seed, seed * 9, seed * 7, seed * 5003, seed * 90001};
}

std::shared_ptr<const ipvs::Table> MakeTable() {
  auto table = std::make_shared<ipvs::Table>();
  table->up = table->services_known = true;
  for (std::uint32_t s = 0; s < kServices; ++s) {
    ipvs::Service service;
    service.key.address = MakeAddress(10, s);
    service.key.port = 80;
    service.scheduler = "wlc";
    service.netmask = 0xffffffff;
    service.counters = MakeCounters(s);
    for (std::uint32_t b = 0; b < kBackends; ++b) {
      ipvs::Backend backend;
      backend.key = {MakeAddress(11, s * kBackends + b), 8080};
      backend.forward = ipvs::ForwardMethod::kRoute;
      backend.weight = 100;
      backend.active_connections = b * 31;
      backend.inactive_connections = b * 517;
      backend.persistence_templates = 0;
      backend.counters = MakeCounters(s * kBackends + b);
      service.backends.push_back(backend);
    }
    table->services.push_back(service);
  }
  return table;
}

// What prometheus-cpp's handler does with a page: zlib's default level, gzip wrapper.
std::string ZlibGzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY);
  std::string compressed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_out = static_cast<uInt>(compressed.size());
  deflate(&stream, Z_FINISH);
  compressed.resize(stream.total_out);
  deflateEnd(&stream);
  return compressed;
}

// Keeps the median of each benchmark, to print what is wanted of them: ratios.
class MedianReporter : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.aggregate_name == "median")
        medians_[run.run_name.function_name] = run.GetAdjustedRealTime();
    }
    ConsoleReporter::ReportRuns(runs);
  }

  // Milliseconds.
  double operator[](const std::string& name) const { return medians_.at(name); }

 private:
  std::map<std::string, double> medians_;
};

std::shared_ptr<const std::vector<std::string>> NamesOf(const ipvs::Table& table) {
  auto names = std::make_shared<std::vector<std::string>>();
  for (const ipvs::Service& service : table.services) names->push_back(ToString(service.key));
  return names;
}

// What the benchmarks work on and what they make.
struct Pages {
  std::shared_ptr<const ipvs::Table> table = MakeTable();
  std::shared_ptr<const ipvs::TableLabels> labels =
      std::make_shared<const ipvs::TableLabels>(*table);
  std::shared_ptr<const std::vector<std::string>> names = NamesOf(*table);
  std::string buffer;
  GzipStream gzip;
  std::string our_compressed;
  std::vector<prometheus::MetricFamily> their_families = ToPrometheus(Families());
  std::string their_page = prometheus::TextSerializer().Serialize(their_families);
  std::string their_compressed;

  lvs::Families Families() const { return ipvs::RenderTable(table, labels, names, nullptr); }
};

void Register(const std::string& name, const std::function<void()>& work) {
  benchmark::RegisterBenchmark(name.c_str(), [work](benchmark::State& state) {
    for ([[maybe_unused]] auto _ : state) work();
  })->Unit(benchmark::kMillisecond);
}

void RegisterAll(Pages& pages) {
  Register("our text", [&pages] {
    std::size_t written = 0;
    WritePage(pages.Families(), Format::kText004, pages.buffer,
              [&](std::string_view piece) { written += piece.size(); });
    benchmark::DoNotOptimize(written);
  });
  Register("our text and gzip", [&pages] {
    WritePage(pages.Families(), Format::kText004, pages.buffer,
              [&pages](std::string_view piece) { pages.gzip.Write(piece); });
    pages.our_compressed = pages.gzip.Finish();
  });
  Register("our label text, made when services or backends change", [&pages] {
    benchmark::DoNotOptimize(ipvs::TableLabels(*pages.table).backend(0, 0).size());
  });
  Register("prometheus-cpp family objects",
           [&pages] { pages.their_families = ToPrometheus(pages.Families()); });
  Register("prometheus-cpp text", [&pages] {
    pages.their_page = prometheus::TextSerializer().Serialize(pages.their_families);
  });
  Register("prometheus-cpp zlib",
           [&pages] { pages.their_compressed = ZlibGzip(pages.their_page); });
}

double Megabytes(const std::string& text) { return static_cast<double>(text.size()) / 1e6; }

void PrintRatios(const Pages& pages, const MedianReporter& medians) {
  const auto lines = std::ranges::count(pages.their_page, '\n');
  const auto series = lines - std::ranges::count(pages.their_page, '#');
  const double ours = medians["our text and gzip"];
  const double their_text = medians["prometheus-cpp text"];
  const double theirs = their_text + medians["prometheus-cpp zlib"];
  std::printf("\n%ld series, %.1f MB of text\n\n", static_cast<long>(series),
              Megabytes(pages.their_page));
  std::printf("| | text | text and gzip | compressed |\n|---|---|---|---|\n");
  std::printf("| ours | %.1f ms | %.1f ms | %.2f MB |\n", medians["our text"], ours,
              Megabytes(pages.our_compressed));
  std::printf(
      "| prometheus-cpp and zlib, without making its family objects | %.1f ms | %.1f ms | "
      "%.2f MB |\n",
      their_text, theirs, Megabytes(pages.their_compressed));
  std::printf("| ratio | %.1f | %.1f | |\n", their_text / medians["our text"], theirs / ours);
  std::printf("| ratio with its family objects | | %.1f | |\n",
              (theirs + medians["prometheus-cpp family objects"]) / ours);
}

}  // namespace
}  // namespace lvs

int main(int argc, char** argv) {
  // In turns, so that the machine's moods meet all alike; flags given on the command line win.
  std::vector<std::string> arguments = {
      argv[0], "--benchmark_repetitions=7", "--benchmark_enable_random_interleaving=true",
      "--benchmark_report_aggregates_only=true", "--benchmark_min_time=0.1"};
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  if (benchmark::ReportUnrecognizedArguments(count, pointers.data())) return 2;

  lvs::Pages pages;
  lvs::RegisterAll(pages);
  lvs::MedianReporter medians;
  benchmark::RunSpecifiedBenchmarks(&medians);
  lvs::PrintRatios(pages, medians);
  return 0;
}
