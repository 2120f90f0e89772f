// What is told of a pass: counts where the whole table was read, else estimates.
//
// The first rows of the table are a sample of it: it is ordered by a hash of the client (address,
// port and protocol; from Linux 7.1 on also of the virtual address and port). For exact totals
// there is netlink, which counts what is bound to each configured backend. So a class of rows is
// estimated as its share among the sampled rows of a service (backend, type of template) times
// netlink's total for it, and a breakdown always sums to the gauge beside it.
//
// How far an estimate may be off: with n of N rows read, a class that really has the share p is
// estimated with a standard error of N * sqrt(p * (1 - p) / n * (N - n) / (N - 1)), which is at
// most N / (2 * sqrt(n)): 10,000 rows give every share within one point, 19 times of 20. Orphans,
// for which there is no total, are divided by the coverage f: with n of them read, the standard
// error is sqrt(n * (1 - f)) / f. Rounding to whole numbers adds less than 1.
// A breakdown that was made of fewer than kLeastSample rows is no estimate and is absent, unless
// these are all that there are.
// The templates of one client have port 0 and lie together up to Linux 7.0: for them n and N are
// clients, not rows. The order never changes while the module is loaded, so what is off for
// templates that live long stays off in the same direction from pass to pass.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "collectors/connections/counts.h"
#include "collectors/connections/service_index.h"
#include "collectors/connections/settings.h"
#include "collectors/connections/tally.h"
#include "collectors/ipvs/table.h"

namespace lvs::connections {

// Below it a share has no standard error to speak of.
inline constexpr std::uint64_t kLeastSample = 30;

// How a pass over the table went.
struct ReadFacts {
  std::uint64_t rows = 0;
  std::uint64_t skipped_lines = 0;
  bool reached_end = false;              // of the file
  std::optional<std::uint64_t> entries;  // in the table, from ip_vs_status, where that can be read
};

struct BackendSummary {
  ipvs::BackendKey key;
  std::string labels;                 // text of kBackendLabels
  std::optional<StateCounts> states;  // absent: it has connections, and which of the rows they are
                                      // is not known, or too few of them were sampled
};

struct ServiceTemplates {
  TypeCounts types{};
  RemainingCounts remaining;  // without orphans
};

// Absent in here: there are some, by netlink, and too few were sampled; states also where rows
// do not show whether they are its own or another service's (marks that share real servers).
struct ServiceSummary {
  ipvs::ServiceKey key;
  bool persistent = false;
  std::string labels;  // text of kServiceLabels
  std::optional<StateCounts> states;
  std::optional<ServiceTemplates> templates;
  std::optional<StatusCounts> drained;   // templates of backends with weight 0
  std::vector<BackendSummary> backends;  // at Level::kBackend, in the kernel's order
};

struct Summary {
  Level level = Level::kTotals;
  // Not everything was read: what follows are estimates. Also where the file ended far too early,
  // as it may while the kernel resizes the table (from Linux 7.1 on), or gave many lines that could
  // not be understood.
  bool truncated = false;
  // Share of the table that was read. Absent where it was not read to its end and nothing tells how
  // long it is, or where nothing was read at all; what has no exact total is then what was seen of
  // it, and not less in truth.
  std::optional<double> coverage;
  std::optional<ConnectionCounts> connections;     // orphans included
  std::optional<OriginCounts> orphan_connections;  // absent: too little was read
  std::array<std::optional<TemplateCounts>, kTemplateTypes> templates;  // by TemplateType
  std::vector<ServiceSummary> services;  // from Level::kService on, in the kernel's order
};

// table: what the tally's index was made from, read just before the pass.
Summary Summarize(const Tally& tally, const ipvs::Table& table, Level level,
                  const ReadFacts& facts);

// Changes counts to whole numbers in the same proportion that sum to total (largest remainders).
// Leaves them alone when all are 0.
void ScaleTo(std::uint64_t total, std::span<std::uint64_t> counts);

}  // namespace lvs::connections
