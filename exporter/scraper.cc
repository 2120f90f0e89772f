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

// Calls a function when it goes out of scope.
template <class Function>
class AtExit {
 public:
  explicit AtExit(Function function) : function_(std::move(function)) {}
  ~AtExit() { function_(); }
  AtExit(const AtExit&) = delete;
  AtExit& operator=(const AtExit&) = delete;

 private:
  const Function function_;
};

}  // namespace

class Scraper::SpareBodies : public std::enable_shared_from_this<SpareBodies> {
 public:
  // Empty, with whatever memory it had.
  std::string Take() {
    const std::scoped_lock lock(mutex_);
    if (spare_.empty()) return {};
    std::string body = std::move(spare_.back());
    spare_.pop_back();
    return body;
  }

  // Hands out a body whose memory comes back when its last reader is done.
  std::shared_ptr<const std::string> Share(std::string body) {
    return {new std::string(std::move(body)), [self = shared_from_this()](std::string* done) {
              self->Return(std::move(*done));
              delete done;
            }};
  }

 private:
  // A page without gzip may be so large that keeping its memory is no good to anybody.
  static constexpr std::size_t kKeepAtMost = 8 * 1024 * 1024;

  void Return(std::string body) {
    const std::scoped_lock lock(mutex_);
    if (spare_.size() == kIdleScratch || body.capacity() > kKeepAtMost) return;
    body.clear();
    spare_.push_back(std::move(body));
  }

  std::mutex mutex_;
  std::vector<std::string> spare_;
};

Scraper::~Scraper() = default;

Scraper::Scraper(std::vector<std::unique_ptr<Collector>> collectors, OwnMetrics& own_metrics,
                 Log& log)
    : own_metrics_(own_metrics), log_(log), spare_bodies_(std::make_shared<SpareBodies>()) {
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

void Scraper::StartReading(std::string_view collector) { Refresh(collector, Clock::now()); }

void Scraper::Stop() {
  for (const auto& thread : collectors_) thread->Stop();
}

bool Scraper::WaitUntilStopped(Deadline deadline) {
  return std::ranges::all_of(
      collectors_, [&](const auto& thread) { return thread->WaitUntilStopped(deadline); });
}

Page Scraper::Scrape(const ScrapeRequest& request) {
  const std::shared_ptr<Round> round = OpenOrJoin(request);
  ++in_flight_;
  const AtExit leave([&] { --in_flight_; });
  // However this ends, who comes after it gets a new round.
  const AtExit close([&] { Close(request.selection, round); });
  Outcomes outcomes(collectors_.size());
  const bool complete = Wait(*round, request.deadline, outcomes);
  // Who gives up writes a page of its own: the others may be able to wait.
  return complete ? ShareOrWrite(*round, outcomes, request) : Write(outcomes, request);
}

std::shared_ptr<Scraper::Round> Scraper::OpenOrJoin(const ScrapeRequest& request) {
  const std::scoped_lock lock(mutex_);
  std::shared_ptr<Round>& round = rounds_[request.selection];
  if (round) return round;
  auto opened = std::make_shared<Round>();
  opened->runs.resize(collectors_.size());
  for (std::size_t i = 0; i < collectors_.size(); ++i) {
    if ((request.selection & Bit(i)) == 0) continue;
    opened->runs[i] = collectors_[i]->Collect(request.deadline);
  }
  round = opened;
  return round;
}

void Scraper::Close(Selection selection, const std::shared_ptr<Round>& round) {
  const std::scoped_lock lock(mutex_);
  const auto current = rounds_.find(selection);
  if (current != rounds_.end() && current->second == round) rounds_.erase(current);
}

bool Scraper::Wait(const Round& round, Deadline deadline, Outcomes& outcomes) {
  bool complete = true;
  for (std::size_t i = 0; i < collectors_.size(); ++i) {
    const FutureOutcome& run = round.runs[i];
    if (!run.valid()) continue;
    if (run.wait_until(deadline) == std::future_status::ready) {
      outcomes[i] = run.get();
    } else {
      collectors_[i]->LogLate();
      complete = false;
    }
  }
  return complete;
}

Page Scraper::ShareOrWrite(Round& round, const Outcomes& outcomes, const ScrapeRequest& request) {
  std::promise<Page> promise;
  std::shared_future<Page> page;
  bool writes = false;
  {
    const std::scoped_lock lock(mutex_);
    std::shared_future<Page>& slot = round.pages[PageSlot(request)];
    writes = !slot.valid();
    if (writes) slot = promise.get_future().share();
    page = slot;
  }
  if (writes) {
    try {
      promise.set_value(Write(outcomes, request));
    } catch (...) {
      promise.set_exception(std::current_exception());
    }
  }
  return page.get();
}

Page Scraper::Write(const Outcomes& outcomes, const ScrapeRequest& request) {
  const Families families = AllFamilies(outcomes, request.selection);
  std::unique_ptr<Scratch> scratch = TakeScratch();
  std::string body = spare_bodies_->Take();
  Encoding encoding = request.encoding;
  bool is_first = true;
  WritePage(families, request.format, scratch->buffer, [&](std::string_view piece) {
    // A small piece is the last one; when it is also the first, it is the whole page.
    if (is_first && piece.size() < kSmallBody) encoding = Encoding::kIdentity;
    is_first = false;
    if (encoding == Encoding::kGzip) {
      scratch->gzip.Write(piece);
    } else {
      body.append(piece);
    }
  });
  if (encoding == Encoding::kGzip) body = scratch->gzip.Finish(std::move(body));
  ReturnScratch(std::move(scratch));
  return {spare_bodies_->Share(std::move(body)), encoding};
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
