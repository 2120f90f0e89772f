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

// The file ended, but far below what must be in the table. The totals are a moment older than the
// rows: what comes and goes in that moment is no reason.
bool EndedEarly(std::uint64_t rows, std::uint64_t expected) {
  constexpr std::uint64_t kMostChurn = 200;
  return rows + kMostChurn < expected && rows < expected - expected / 4;
}

// Orphans are in the rows but not in netlink's totals, so rows are compared that are in both.
std::optional<double> CoverageOf(const Tally& tally, const Totals& totals, const ReadFacts& facts) {
  const auto ratio = [](std::uint64_t part, std::uint64_t whole) {
    return std::min(1.0, static_cast<double>(part) / static_cast<double>(whole));
  };
  if (facts.entries && *facts.entries > 0) return ratio(facts.rows, *facts.entries);
  const std::uint64_t whole = totals.connections + totals.templates.value_or(0);
  const std::uint64_t part = CountedRows(tally, totals);
  if (whole == 0 || part == 0) return std::nullopt;
  return ratio(part, whole);
}

// Turns the rows of one breakdown into what is told of it.
class Scale {
 public:
  // coverage: absent where all was read, or where nothing is known of it.
  Scale(bool truncated, std::optional<double> coverage)
      : truncated_(truncated), coverage_(coverage) {}

  // With an exact total where there is one. False when that is above 0 and nothing was sampled.
  bool Apply(std::optional<std::uint64_t> total, std::span<std::uint64_t> counts) const {
    if (!truncated_) return true;
    const std::uint64_t rows = Sum(counts);
    if (rows == 0) return total.value_or(0) == 0;
    ScaleTo(total ? *total : Estimate(rows), counts);
    return true;
  }

  // Of rows that have no total.
  std::uint64_t Estimate(std::uint64_t rows) const {
    if (!truncated_ || !coverage_) return rows;
    return static_cast<std::uint64_t>(std::llround(static_cast<double>(rows) / *coverage_));
  }

 private:
  const bool truncated_;
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
  scale.Apply(std::nullopt, orphans.all);
  for (std::size_t i = 0; i < orphans.all.size(); ++i) {
    summary.orphan_connections[i % kOrigins] += orphans.all[i];
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
  const std::uint64_t expected =
      facts.entries.value_or(totals.all.connections + totals.all.templates.value_or(0));
  Summary summary;
  summary.level = level;
  summary.truncated = !facts.reached_end || EndedEarly(facts.rows, expected);
  summary.coverage = summary.truncated ? CoverageOf(tally, totals.all, facts) : 1.0;
  const Scale scale(summary.truncated, summary.coverage);

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
