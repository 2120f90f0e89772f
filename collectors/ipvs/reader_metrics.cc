#include "collectors/ipvs/reader_metrics.h"

namespace lvs::ipvs {
namespace {

constexpr auto kCounter = MetricType::kCounter;

// One sample for every value of the enum that indexes counts.
template <class Enum, class Array>
void AddEach(const Array& counts, Samples& out) {
  for (std::size_t i = 0; i < counts.size(); ++i) out.Add({Name(static_cast<Enum>(i))}, counts[i]);
}

constexpr Column<ReaderCounts> kColumns[] = {
    {{"ipvs_exporter_dump_retries_total",
      kCounter,
      "Netlink requests that were sent again, by what had gone wrong.",
      {},
      {"reason"}},
     [](const ReaderCounts& c, Samples& out) { AddEach<RetryReason>(c.retries, out); }},
    {{"ipvs_exporter_dump_inconsistencies_total",
      kCounter,
      "Faults of kernel dumps, which are not consistent while the table changes, that were put "
      "right: "
      "duplicate entries, vanished ones that were still there, stale services.",
      {},
      {"kind"}},
     [](const ReaderCounts& c, Samples& out) { AddEach<Inconsistency>(c.inconsistencies, out); }},
};

}  // namespace

std::vector<const MetricInfo*> DescribeReader() {
  std::vector<const MetricInfo*> infos;
  for (const auto& column : kColumns) infos.push_back(&column.info);
  return infos;
}

void RenderReader(const ReaderCounts& counts, Families& families) {
  Render(
      kColumns, [counts](const auto& visit) { visit(counts, ""); }, families);
}

}  // namespace lvs::ipvs
