// Writing a page of about 200,000 series: ours (kept label text, our writer, ISA-L) beside
// prometheus-cpp's (family objects, TextSerializer, zlib as its HTTP handler uses it), from the
// same snapshot in the same run. Prints the ratios; the absolute times belong to the machine.

#include <prometheus/text_serializer.h>
#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "collectors/collectable.h"
#include "collectors/ipvs/labels.h"
#include "collectors/ipvs/metrics.h"
#include "exporter/exposition.h"
#include "exporter/gzip.h"

namespace lvs {
namespace {

constexpr std::uint32_t kServices = 1000;
constexpr std::uint32_t kBackends = 20;
constexpr int kRounds = 9;

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

double MedianMilliseconds(std::vector<double> times) {
  std::ranges::sort(times);
  return times[times.size() / 2];
}

double Time(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

void Run() {
  const auto table = MakeTable();
  const auto labels = std::make_shared<const ipvs::TableLabels>(*table);
  const auto families = [&] { return ipvs::RenderTable(table, labels, nullptr); };

  std::string buffer;
  GzipStream gzip;
  std::string our_compressed;
  std::vector<prometheus::MetricFamily> their_families;
  std::string their_page;
  std::string their_compressed;
  std::vector<double> render;
  std::vector<double> both;
  std::vector<double> their_build;
  std::vector<double> their_render;
  std::vector<double> their_gzip;
  std::vector<double> label_text;
  for (int round = 0; round <= kRounds; ++round) {
    std::size_t written = 0;
    const double times[] = {
        Time([&] {
          WritePage(families(), Format::kText004, buffer,
                    [&](std::string_view piece) { written += piece.size(); });
        }),
        Time([&] {
          WritePage(families(), Format::kText004, buffer,
                    [&](std::string_view piece) { gzip.Write(piece); });
          our_compressed = gzip.Finish();
        }),
        Time([&] { their_families = ToPrometheus(families()); }),
        Time([&] { their_page = prometheus::TextSerializer().Serialize(their_families); }),
        Time([&] { their_compressed = ZlibGzip(their_page); }),
        Time([&] { const ipvs::TableLabels made_anew(*table); })};
    if (round == 0) continue;  // warms everything up
    render.push_back(times[0]);
    both.push_back(times[1]);
    their_build.push_back(times[2]);
    their_render.push_back(times[3]);
    their_gzip.push_back(times[4]);
    label_text.push_back(times[5]);
  }
  const auto lines = std::ranges::count(their_page, '\n');
  const auto series = static_cast<unsigned long>(lines - std::ranges::count(their_page, '#'));
  const double ours = MedianMilliseconds(both);
  const double theirs = MedianMilliseconds(their_render) + MedianMilliseconds(their_gzip);
  std::printf("%lu series, %.1f MB; medians of %d rounds\n\n", series,
              static_cast<double>(their_page.size()) / 1e6, kRounds);
  std::printf("| | text | text and gzip | compressed |\n|---|---|---|---|\n");
  std::printf("| ours | %.1f ms | %.1f ms | %.2f MB |\n", MedianMilliseconds(render), ours,
              static_cast<double>(our_compressed.size()) / 1e6);
  std::printf("| prometheus-cpp with zlib | %.1f ms | %.1f ms | %.2f MB |\n",
              MedianMilliseconds(their_render), theirs,
              static_cast<double>(their_compressed.size()) / 1e6);
  std::printf("| ratio | %.1f | %.1f | |\n\n",
              MedianMilliseconds(their_render) / MedianMilliseconds(render), theirs / ours);
  std::printf("Not counted above: prometheus-cpp's family objects, %.1f ms for every page.\n",
              MedianMilliseconds(their_build));
  std::printf("Label text of all services and backends, made only when they change: %.1f ms.\n",
              MedianMilliseconds(label_text));
}

}  // namespace
}  // namespace lvs

int main() {
  lvs::Run();
  return 0;
}
