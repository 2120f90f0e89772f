#include "collectors/connections/summary.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "collectors/ipvs/labels.h"

namespace lvs::connections {
namespace {

__extension__ using Wide = unsigned __int128;

std::uint64_t Sum(std::span<const std::uint64_t> counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

// What netlink counts; templates are absent where it was not netlink that told of the backends.
struct Totals {
  std::uint64_t connections = 0;
  std::optional<std::uint64_t> templates = 0;
};

void Add(const Totals& more, Totals& totals) {
  totals.connections += more.connections;
  if (totals.templates && more.templates) {
    *totals.templates += *more.templates;
  } else {
    totals.templates.reset();
  }
}

Totals TotalsOf(const ipvs::Backend& backend) {
  return {backend.active_connections + backend.inactive_connections, backend.persistence_templates};
}

Totals TotalsOf(const ipvs::Service& service) {
  Totals totals;
  for (const ipvs::Backend& backend : service.backends) Add(TotalsOf(backend), totals);
  return totals;
}

struct TableTotals {
  Totals all;
  std::array<Totals, kTemplateTypes> of_type;
};

TableTotals TotalsOf(const ipvs::Table& table) {
  TableTotals totals;
  for (const ipvs::Service& service : table.services) {
    const Totals of_service = TotalsOf(service);
    Add(of_service, totals.all);
    Add(of_service, totals.of_type[Position(TemplateTypeOf(service.key))]);
  }
  totals.of_type[Position(TemplateType::kOrphan)].templates.reset();
  return totals;
}

// Rows that netlink counts, too.
std::uint64_t CountedRows(const Tally& tally, const Totals& totals) {
  std::uint64_t rows = Sum(tally.connections.all);
  if (!totals.templates) return rows;
  for (const TemplateType type :
       {TemplateType::kPpc, TemplateType::kPfwmc, TemplateType::kPcc, TemplateType::kFtp}) {
    rows += Sum(tally.templates[Position(type)].all);
  }
  return rows;
}

// What was read of the table, and how much there is.
struct Extent {
  std::uint64_t part = 0;
  std::uint64_t whole = 0;
};

// Orphans are in the rows but not in netlink's totals, so rows are compared that are in both.
Extent ExtentOf(const Tally& tally, const Totals& totals, const ReadFacts& facts) {
  if (facts.entries) return {facts.rows, *facts.entries};
  return {CountedRows(tally, totals), totals.connections + totals.templates.value_or(0)};
}

// The file ended, but far below what must be in the table. The totals are a moment older than the
// rows: what comes and goes in that moment is no reason.
bool EndedEarly(const Extent& extent, const ReadFacts& facts) {
  constexpr std::uint64_t kMostChurn = 200;
  if (facts.rows == 0) return extent.whole > 0;
  return extent.part + kMostChurn < extent.whole && extent.part < extent.whole - extent.whole / 4;
}

// One line of a hundred, or more, is no row: of what is in them nothing is known.
bool WasGarbled(const ReadFacts& facts) {
  return facts.skipped_lines * 100 > facts.rows + facts.skipped_lines;
}

// Where only the end of the file tells that all was read, that is all there is to know.
std::optional<double> CoverageOf(const Extent& extent, const ReadFacts& facts, bool truncated) {
  if (!truncated && (!facts.entries || extent.whole == 0)) return 1.0;
  if (extent.whole == 0 || extent.part == 0) return std::nullopt;
  return std::min(1.0, static_cast<double>(extent.part) / static_cast<double>(extent.whole));
}

// Turns the rows of one breakdown into what is told of it.
class Scale {
 public:
  // rows: all that were read. coverage: absent where nothing is known of it.
  Scale(bool truncated, std::uint64_t rows, std::optional<double> coverage)
      : truncated_(truncated), rows_(rows), coverage_(coverage) {}

  // With an exact total where there is one. False when too little was sampled to tell.
  bool Apply(std::optional<std::uint64_t> total, std::span<std::uint64_t> counts) const {
    if (!truncated_) return true;
    const std::uint64_t rows = Sum(counts);
    if (!total) {
      ScaleTo(Estimate(rows), counts);
      return rows_ >= kLeastSample;
    }
    if (rows < std::min(*total, kLeastSample)) return false;
    ScaleTo(*total, counts);
    return true;
  }

  // Of rows that have no total.
  std::uint64_t Estimate(std::uint64_t rows) const {
    if (!truncated_ || rows == 0 || !coverage_) return rows;
    return static_cast<std::uint64_t>(std::llround(static_cast<double>(rows) / *coverage_));
  }

 private:
  const bool truncated_;
  const std::uint64_t rows_;
  const std::optional<double> coverage_;
};

// Of a ServiceTally or a BackendTally. What a mark has may be unsure to the last connection.
std::optional<StateCounts> States(const auto& tally, std::uint64_t total, const Scale& scale) {
  if (tally.has_unsure && total > 0) return std::nullopt;
  StateCounts counts = tally.states;
  if (!scale.Apply(total, counts)) return std::nullopt;
  return counts;
}

std::optional<ServiceTemplates> Templates(const ServiceTally& tally,
                                          const std::optional<std::uint64_t>& total,
                                          const Scale& scale) {
  ServiceTemplates result{tally.templates, tally.remaining};
  std::uint64_t& orphans = result.types[Position(TemplateType::kOrphan)];
  const std::uint64_t orphan_rows = std::exchange(orphans, 0);
  const std::uint64_t rows = Sum(result.remaining.buckets);
  if (!scale.Apply(total, result.types) || !scale.Apply(total, result.remaining.buckets)) {
    return std::nullopt;
  }
  if (rows > 0) {
    const std::uint64_t scaled = Sum(result.remaining.buckets);
    result.remaining.sum *= static_cast<double>(scaled) / static_cast<double>(rows);
  }
  orphans = scale.Estimate(orphan_rows);
  return result;
}

std::optional<StatusCounts> Drained(StatusCounts counts, const ipvs::Service& service,
                                    const Scale& scale) {
  Totals totals;
  for (const ipvs::Backend& backend : service.backends) {
    if (backend.weight == 0) Add(TotalsOf(backend), totals);
  }
  if (!scale.Apply(totals.templates, counts)) return std::nullopt;
  return counts;
}

std::vector<BackendSummary> Backends(const ipvs::Service& service,
                                     std::span<const BackendTally> counts, const Scale& scale) {
  std::vector<BackendSummary> summaries;
  summaries.reserve(service.backends.size());
  for (std::size_t i = 0; i < service.backends.size(); ++i) {
    const ipvs::Backend& backend = service.backends[i];
    summaries.push_back({.key = backend.key,
                         .labels = ipvs::BackendLabelText(service.key, backend.key),
                         .states = States(counts[i], TotalsOf(backend).connections, scale)});
  }
  return summaries;
}

std::vector<ServiceSummary> Services(const Tally& tally, const ipvs::Table& table,
                                     const Scale& scale) {
  std::vector<ServiceSummary> summaries;
  summaries.reserve(tally.services.size());
  std::size_t first_backend = 0;
  for (std::size_t i = 0; i < tally.services.size(); ++i) {
    const ipvs::Service& service = table.services[i];
    const ServiceTally& counted = tally.services[i];
    const Totals totals = TotalsOf(service);
    ServiceSummary summary;
    summary.key = service.key;
    summary.persistent = (service.flags & ipvs::kServicePersistent) != 0;
    summary.labels = ipvs::ServiceLabelText(service.key);
    summary.states = States(counted, totals.connections, scale);
    summary.templates = Templates(counted, totals.templates, scale);
    summary.drained = Drained(counted.drained, service, scale);
    if (!tally.backends.empty()) {
      summary.backends = Backends(
          service, std::span(tally.backends).subspan(first_backend, service.backends.size()),
          scale);
    }
    first_backend += service.backends.size();
    summaries.push_back(std::move(summary));
  }
  return summaries;
}

// For the table as a whole: what was seen is at least there. Entries that were synchronised before
// their service was made look bound, and netlink does not count them.
std::optional<std::uint64_t> AtLeastSeen(std::optional<std::uint64_t> total,
                                         std::span<const std::uint64_t> counts) {
  if (total) *total = std::max(*total, Sum(counts));
  return total;
}

void AddOrphans(ConnectionCounts orphans, const Scale& scale, Summary& summary) {
  if (!scale.Apply(std::nullopt, orphans.all)) {
    summary.connections.reset();
    return;
  }
  summary.orphan_connections.emplace();
  for (std::size_t i = 0; i < orphans.all.size(); ++i) {
    (*summary.orphan_connections)[i % kOrigins] += orphans.all[i];
    if (summary.connections) summary.connections->all[i] += orphans.all[i];
  }
}

}  // namespace

void ScaleTo(std::uint64_t total, std::span<std::uint64_t> counts) {
  const std::uint64_t sum = Sum(counts);
  if (sum == 0) return;
  struct Rest {
    std::uint64_t remainder;
    std::size_t position;
  };
  std::vector<Rest> rests;
  std::uint64_t given = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    const Wide product = Wide{counts[i]} * total;
    rests.push_back({static_cast<std::uint64_t>(product % sum), i});
    counts[i] = static_cast<std::uint64_t>(product / sum);
    given += counts[i];
  }
  std::ranges::stable_sort(rests, std::greater(), &Rest::remainder);
  for (std::size_t i = 0; i < total - given; ++i) ++counts[rests[i].position];
}

Summary Summarize(const Tally& tally, const ipvs::Table& table, Level level,
                  const ReadFacts& facts) {
  const TableTotals totals = TotalsOf(table);
  const Extent extent = ExtentOf(tally, totals.all, facts);
  Summary summary;
  summary.level = level;
  summary.truncated = !facts.reached_end || EndedEarly(extent, facts) || WasGarbled(facts);
  summary.coverage = CoverageOf(extent, facts, summary.truncated);
  const Scale scale(summary.truncated, facts.rows, summary.coverage);

  summary.connections = tally.connections;
  const auto connections = AtLeastSeen(totals.all.connections, tally.connections.all);
  if (!scale.Apply(connections, summary.connections->all)) summary.connections.reset();
  AddOrphans(tally.orphan_connections, scale, summary);
  for (std::size_t i = 0; i < kTemplateTypes; ++i) {
    TemplateCounts counts = tally.templates[i];
    const auto total = AtLeastSeen(totals.of_type[i].templates, counts.all);
    if (scale.Apply(total, counts.all)) summary.templates[i] = counts;
  }
  summary.services = Services(tally, table, scale);
  return summary;
}

}  // namespace lvs::connections
