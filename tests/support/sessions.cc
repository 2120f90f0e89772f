#include "tests/support/sessions.h"

#include <string>
#include <vector>

#include "collectors/connections/classifier.h"
#include "collectors/connections/tally.h"
#include "tests/support/connections_world.h"

namespace lvs {
namespace {

using namespace connections;

fake::Services ServicesWithSessions() {
  fake::Services services;
  services.Persistent(fake::On(ipvs::Protocol::kTcp, "192.168.1.116", 80))
      .Backend("192.168.1.102", 80)
      .Holds(2, 0, 2)
      .Backend("192.168.1.103", 80, 0)
      .Holds(0, 1, 2)
      .Plain(fake::On(ipvs::Protocol::kTcp, "192.168.1.111", 80))
      .Backend("192.168.1.102", 80)
      .Holds(1, 0);
  return services;
}

// Clients 10.4.0.1 to 10.4.0.6; 192.168.1.104 is no server any more.
const std::vector<std::string> kRows = {
    "TCP 0A040001 0000 C0A80174 0050 C0A80166 0050 ASSURED LOCAL 299",
    "TCP 0A040002 0000 C0A80174 0050 C0A80166 0050 NONE    SYNC  100",
    "TCP 0A040003 0000 C0A80174 0050 C0A80167 0050 ASSURED LOCAL 50",
    "TCP 0A040004 0000 C0A80174 0050 C0A80167 0050 ASSURED LOCAL 10",
    "TCP 0A040005 0000 C0A80174 0050 C0A80168 0050 ASSURED LOCAL 200",
    "TCP 0A040001 C001 C0A80174 0050 C0A80166 0050 ESTABLISHED LOCAL 800",
    "TCP 0A040002 C001 C0A80174 0050 C0A80166 0050 ESTABLISHED LOCAL 800",
    "TCP 0A040003 C001 C0A80174 0050 C0A80167 0050 FIN_WAIT    LOCAL 100",
    "TCP 0A040006 C001 C0A8016F 0050 C0A80166 0050 ESTABLISHED LOCAL 800",
};

connections::Snapshot Scan(std::size_t rows, bool reached_end) {
  const auto table = TableWithSessions();
  const ServiceIndex index(*table);
  Tally tally(index, Level::kBackend);
  for (std::size_t i = 0; i < rows; ++i) {
    const Row row = fake::RowOf(kRows[i]);
    tally.Add(row, Classify(row, index, {}));
  }
  Snapshot snapshot;
  snapshot.at = std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000));
  snapshot.took = std::chrono::milliseconds(20);
  snapshot.rows = rows;
  snapshot.summary = Summarize(tally, *table, Level::kBackend,
                               {.rows = rows, .reached_end = reached_end, .entries = std::nullopt});
  return snapshot;
}

}  // namespace

std::shared_ptr<const ipvs::Table> TableWithSessions() { return ServicesWithSessions().Share(); }

connections::Snapshot SessionsOfAll() { return Scan(kRows.size(), true); }

connections::Snapshot SessionsOfAHalf() { return Scan(4, false); }

}  // namespace lvs
