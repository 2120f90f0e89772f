#include "tests/support/sample_connections.h"

#include <chrono>

#include "collectors/connections/classifier.h"
#include "collectors/connections/metrics.h"
#include "collectors/connections/row_parser.h"
#include "collectors/connections/tally.h"
#include "tests/support/sample_table.h"

namespace lvs {
namespace {

using namespace std::chrono_literals;

// C0A801xx is 192.168.1.xx in hexadecimal: 6F to 75 are the virtual .111 to .117, 66 to 68 the real
// .102 to .104, of which .104 is in no service.
constexpr std::string_view kRows =
    "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Origin Expires\n"
    "TCP C0A8010A 8001 C0A8016F 0050 C0A80166 0050 ESTABLISHED LOCAL      899\n"
    "TCP C0A8010A 8002 C0A8016F 0050 C0A80166 0050 ESTABLISHED LOCAL      812\n"
    "TCP C0A8010A 8003 C0A8016F 0050 C0A80166 0050 ESTABLISHED SYNC       170\n"
    "TCP C0A8010A 8004 C0A8016F 0050 C0A80166 0050 FIN_WAIT    LOCAL      119\n"
    "TCP C0A8010A 8005 C0A8016F 0050 C0A80167 0050 CLOSE       LOCAL        9\n"
    "TCP C0A8010A 8006 C0A8016F 0050 C0A80168 0050 FIN_WAIT    LOCAL      100\n"
    "TCP C0A8010A 8007 C0A80109 0050 C0A80166 0050 SYN_RECV    LOCAL       59\n"
    "TCP 2001:0db8:0000:0000:0000:0000:0000:0010 8008 2001:0db8:0000:0000:0000:0000:0000:0111 01BB "
    "2001:0db8:0000:0000:0000:0000:0000:0102 01BB ESTABLISHED LOCAL      500\n"
    "SCTP C0A8010A 8009 C0A80175 2328 C0A80166 2328 S-SENT      LOCAL       30\n"
    "UDP C0A8010A 0000 C0A80171 0035 C0A80166 0035 UDP         LOCAL      299\n"
    "IP_50 C0A8010A 01F4 C0A80109 01F4 C0A80166 01F4 ERR!        LOCAL       59\n"
    "IP  C0A8010A 0000 0000000A 0000 C0A80166 0000 ASSURED     LOCAL      299\n"
    "IP  C0A8010B 0000 0000000A 0000 C0A80166 0000 NONE        LOCAL       60\n"
    "IP  C0A8010B 0000 0000000A FFFF C0A80166 FFFF NONE        LOCAL       40\n"
    "IP  C0A8010C 0000 0000000A 0000 C0A80168 0000 ASSURED     LOCAL      200\n"
    "TCP C0A80100 0000 C0A80172 0000 C0A80166 0000 ASSURED     SYNC        50\n"
    "TCP C0A8010A 0000 C0A80173 0000 C0A80166 0000 ASSURED     LOCAL       50\n"
    "TCP C0A8010B 0000 C0A80173 0000 C0A80166 0000 ASSURED     SYNC        45\n"
    "UDP C0A8010A 0000 C0A80174 13C4 C0A80166 13C4 NONE        LOCAL       89\n";

}  // namespace

std::shared_ptr<const connections::Snapshot> SampleConnections() {
  using namespace connections;
  const std::shared_ptr<const ipvs::Table> table = SampleTable();
  const ServiceIndex index(*table);
  Tally tally(index, Level::kBackend);
  RowParser parser(Format::kSync);
  parser.Feed(kRows, [&](const Row& row) { tally.Add(row, Classify(row, index, {})); });
  parser.Finish();

  auto snapshot = std::make_shared<Snapshot>();
  snapshot->at = std::chrono::system_clock::time_point(1'795'392'000s);
  snapshot->steady = Clock::time_point(1000s);
  snapshot->took = 250ms;
  snapshot->interval = 60s;
  snapshot->rows = parser.rows();
  snapshot->summary =
      Summarize(tally, *table, Level::kBackend,
                {.rows = parser.rows(), .reached_end = true, .entries = std::nullopt});
  snapshot->counters = {
      .complete = 7, .truncated = 2, .failed = 1, .skipped_lines = 3, .cpu_seconds = 0.125};
  return snapshot;
}

std::unique_ptr<Collector> SampleConnectionsCollector() {
  class SampleCollector : public Collector {
   public:
    std::string_view name() const override { return "connections"; }
    Collection Collect(Deadline) override {
      const auto snapshot = SampleConnections();
      Collection collection{connections::RenderSnapshot(snapshot, snapshot->steady + 42s), {}};
      for (const Family& family : connections::RenderCounters(snapshot)) {
        collection.families.push_back(family);
      }
      return collection;
    }
  };
  return std::make_unique<SampleCollector>();
}

}  // namespace lvs
