#include "exporter/scraper.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <utility>

#include "exporter/exposition.h"

namespace lvs {
namespace {

// A body of at most this size is not worth compressing.
constexpr std::size_t kSmallBody = 1024;
// Pages of different selections written at once keep their scratch memory up to this number.
constexpr std::size_t kIdleScratch = 2;

struct CollectorRow {
  std::string_view name;
  bool success = false;
  std::optional<double> seconds;  // absent when it was not done in time
};

constexpr std::string_view kCollectorLabels[] = {"collector"};

constexpr Column<CollectorRow> kScrapeColumns[] = {
    {{"ipvs_scrape_collector_success", MetricType::kGauge,
      "Whether a collector read everything it was asked for.", kCollectorLabels},
     [](const CollectorRow& row, Samples& out) { out.Add(row.success); }},
    {{"ipvs_scrape_collector_duration_seconds", MetricType::kGauge,
      "How long a collector took to read its source; absent when it was not done in time.",
      kCollectorLabels},
     [](const CollectorRow& row, Samples& out) {
       if (row.seconds) out.Add(*row.seconds);
     }},
};

Selection Bit(std::size_t index) { return Selection{1} << index; }

std::size_t PageSlot(const ScrapeRequest& request) {
  return 2 * static_cast<std::size_t>(request.format) + static_cast<std::size_t>(request.encoding);
}

class CountInFlight {
 public:
  explicit CountInFlight(std::atomic<int>& count) : count_(count) { ++count_; }
  ~CountInFlight() { --count_; }
  CountInFlight(const CountInFlight&) = delete;
  CountInFlight& operator=(const CountInFlight&) = delete;

 private:
  std::atomic<int>& count_;
};

}  // namespace

Scraper::Scraper(std::vector<std::unique_ptr<Collector>> collectors, OwnMetrics& own_metrics,
                 Log& log)
    : own_metrics_(own_metrics), log_(log) {
  assert(collectors.size() <= 64 && "a Selection has 64 bits");
  for (auto& collector : collectors) {
    collectors_.push_back(std::make_unique<CollectorThread>(std::move(collector), log));
  }
}

Selection Scraper::all() const {
  Selection all = 0;
  for (std::size_t i = 0; i < collectors_.size(); ++i) all |= Bit(i);
  return all;
}

Result<Selection> Scraper::Select(const std::vector<QueryParameter>& query) const {
  Selection collect = 0;
  Selection exclude = 0;
  for (const QueryParameter& parameter : query) {
    if (parameter.name != "collect[]" && parameter.name != "exclude[]") continue;
    const auto found = std::ranges::find(collectors_, parameter.value, [](const auto& thread) {
      return thread->collector().name();
    });
    if (found == collectors_.end()) {
      return Error{ErrorCode::kInvalidInput, parameter.name + ": unknown or disabled collector \"" +
                                                 EscapeForEcho(parameter.value) + "\""};
    }
    const Selection bit = Bit(static_cast<std::size_t>(found - collectors_.begin()));
    (parameter.name == "collect[]" ? collect : exclude) |= bit;
  }
  if (collect != 0 && exclude != 0) {
    return Error{ErrorCode::kInvalidInput, "collect[] and exclude[] cannot be used together"};
  }
  return collect != 0 ? collect : all() & ~exclude;
}

std::vector<const MetricInfo*> Scraper::Describe() {
  std::vector<const MetricInfo*> infos;
  for (const auto& column : kScrapeColumns) infos.push_back(&column.info);
  return infos;
}

bool Scraper::Refresh(std::string_view collector, Deadline deadline) {
  for (const auto& thread : collectors_) {
    if (thread->collector().name() != collector) continue;
    return thread->Collect(deadline).wait_until(deadline) == std::future_status::ready;
  }
  return false;
}

void Scraper::Stop() {
  for (const auto& thread : collectors_) thread->Abandon();
}

Page Scraper::Scrape(const ScrapeRequest& request) {
  std::shared_ptr<Round> round;
  bool leads = false;
  {
    const std::scoped_lock lock(mutex_);
    std::shared_ptr<Round>& current = rounds_[request.selection];
    leads = current == nullptr;
    if (leads) current = std::make_shared<Round>();
    round = current;
  }
  const CountInFlight count(in_flight_);
  return leads ? Lead(round, request) : Join(round, request);
}

// Collects for everybody in the round, writes the page, and closes the round: who comes later gets
// a new one.
Page Scraper::Lead(const std::shared_ptr<Round>& round, const ScrapeRequest& request) {
  const auto close_round = [&] {
    const std::scoped_lock lock(mutex_);
    rounds_.erase(request.selection);
  };
  try {
    round->promise.set_value(CollectAll(request.selection, request.deadline));
  } catch (...) {
    close_round();
    round->promise.set_exception(std::current_exception());
  }
  try {
    Page page = Join(round, request);
    close_round();
    return page;
  } catch (...) {
    close_round();
    throw;
  }
}

// Waits for the round's outcomes and shares its page, or writes it if nobody has begun to.
Page Scraper::Join(const std::shared_ptr<Round>& round, const ScrapeRequest& request) {
  if (round->outcomes.wait_until(request.deadline) != std::future_status::ready) {
    return Write(Outcomes(collectors_.size()), request);
  }
  std::promise<Page> promise;
  std::shared_future<Page> page;
  bool writes = false;
  {
    const std::scoped_lock lock(mutex_);
    std::shared_future<Page>& slot = round->pages[PageSlot(request)];
    writes = !slot.valid();
    if (writes) slot = promise.get_future().share();
    page = slot;
  }
  if (writes) {
    try {
      promise.set_value(Write(*round->outcomes.get(), request));
    } catch (...) {
      promise.set_exception(std::current_exception());
    }
  }
  return page.get();
}

std::shared_ptr<const Scraper::Outcomes> Scraper::CollectAll(Selection selection,
                                                             Deadline deadline) {
  std::vector<std::shared_future<std::shared_ptr<const Outcome>>> runs(collectors_.size());
  for (std::size_t i = 0; i < collectors_.size(); ++i) {
    if ((selection & Bit(i)) != 0) runs[i] = collectors_[i]->Collect(deadline);
  }
  auto outcomes = std::make_shared<Outcomes>(collectors_.size());
  for (std::size_t i = 0; i < collectors_.size(); ++i) {
    if (!runs[i].valid()) continue;
    if (runs[i].wait_until(deadline) == std::future_status::ready) {
      (*outcomes)[i] = runs[i].get();
    } else {
      collectors_[i]->LogLate();
    }
  }
  return outcomes;
}

Page Scraper::Write(const Outcomes& outcomes, const ScrapeRequest& request) {
  const Families families = AllFamilies(outcomes, request.selection);
  std::unique_ptr<Scratch> scratch = TakeScratch();
  std::string plain;
  if (request.encoding == Encoding::kIdentity) plain.reserve(scratch->plain_size);
  Encoding encoding = request.encoding;
  bool is_first = true;
  WritePage(families, request.format, scratch->buffer, [&](std::string_view piece) {
    // A small piece is the last one; when it is also the first, it is the whole page.
    if (is_first && piece.size() < kSmallBody) encoding = Encoding::kIdentity;
    is_first = false;
    if (encoding == Encoding::kGzip) {
      scratch->gzip.Write(piece);
    } else {
      plain.append(piece);
    }
  });
  scratch->plain_size = std::max(scratch->plain_size, plain.size());
  std::string body = encoding == Encoding::kGzip ? scratch->gzip.Finish() : std::move(plain);
  ReturnScratch(std::move(scratch));
  return {std::make_shared<const std::string>(std::move(body)), encoding};
}

Families Scraper::AllFamilies(const Outcomes& outcomes, Selection selection) {
  Families families;
  auto rows = std::make_shared<std::vector<CollectorRow>>();
  for (std::size_t i = 0; i < collectors_.size(); ++i) {
    if ((selection & Bit(i)) == 0) continue;
    CollectorRow row{collectors_[i]->collector().name(), false, std::nullopt};
    if (const auto& outcome = outcomes[i]) {
      const Families& of_collector = outcome->collection.families;
      families.insert(families.end(), of_collector.begin(), of_collector.end());
      row.success = !outcome->collection.error.has_value();
      row.seconds = outcome->seconds;
    }
    rows->push_back(row);
  }
  Render(
      kScrapeColumns,
      [rows](const auto& visit) {
        for (const CollectorRow& row : *rows) {
          std::string labels;
          AppendLabel(labels, "collector", row.name);
          visit(row, labels);
        }
      },
      families);
  const Families own = own_metrics_.Read(log_.dropped());
  families.insert(families.end(), own.begin(), own.end());
  return families;
}

std::unique_ptr<Scraper::Scratch> Scraper::TakeScratch() {
  {
    const std::scoped_lock lock(mutex_);
    if (!idle_scratch_.empty()) {
      auto scratch = std::move(idle_scratch_.back());
      idle_scratch_.pop_back();
      return scratch;
    }
  }
  return std::make_unique<Scratch>();
}

void Scraper::ReturnScratch(std::unique_ptr<Scratch> scratch) {
  const std::scoped_lock lock(mutex_);
  if (idle_scratch_.size() < kIdleScratch) idle_scratch_.push_back(std::move(scratch));
}

}  // namespace lvs
