// From a request for the page to its bytes: runs the chosen collectors under the request's
// deadline, writes what they gave, and shares one page between requests that arrive together.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/collector.h"
#include "exporter/collector_thread.h"
#include "exporter/http/gzip.h"
#include "exporter/http/negotiation.h"
#include "exporter/http/query.h"
#include "exporter/log.h"
#include "exporter/own_metrics.h"

namespace lvs {

// Which collectors a scrape asks for, by their position in the program's list. Ordered, to be a
// key; at most 64.
using Selection = std::uint64_t;

struct ScrapeRequest {
  Selection selection = 0;
  Format format = Format::kText004;
  Encoding encoding = Encoding::kIdentity;
  Deadline deadline;
};

struct Page {
  std::shared_ptr<const std::string> body;
  Encoding encoding = Encoding::kIdentity;  // what body is, which for a small page is not gzip
};

// Owned by main. All members may be called by any thread. Never throws but std::bad_alloc.
class Scraper {
 public:
  // log and own_metrics must outlive this. collectors: at most 64, in the page's order.
  Scraper(std::vector<std::unique_ptr<Collector>> collectors, OwnMetrics& own_metrics, Log& log);
  ~Scraper();

  Selection all() const;

  // The selection of a query's collect[] and exclude[]; everything without them.
  // Errors (kInvalidInput): both given, or a collector that is unknown or switched off.
  Result<Selection> Select(const std::vector<QueryParameter>& query) const;

  // The page. Collectors that are not done by the deadline are missing and say so.
  Page Scrape(const ScrapeRequest& request);

  // Runs one collector without writing a page; false when it is unknown or not done in time.
  bool Refresh(std::string_view collector, Deadline deadline);

  // The same without waiting for it.
  void StartReading(std::string_view collector);

  // Lets everybody who waits go, with what there is, and starts nothing new; for shutdown.
  void Stop();

  // After Stop(): whether every collector's thread has ended by the deadline.
  bool WaitUntilStopped(Deadline deadline);

  // Scrapes that have begun or joined a collection and have not ended.
  int InFlightForTest() const { return in_flight_; }

  // What the page may hold beside the collectors' own metrics.
  static std::vector<const MetricInfo*> Describe();

 private:
  // By position in collectors_; null where not asked for or not done in time.
  using Outcomes = std::vector<std::shared_ptr<const Outcome>>;

  // Runs of collectors and everybody who shares what they give.
  struct Round {
    std::vector<FutureOutcome> runs;  // by position in collectors_; invalid where not asked for
    // By format and encoding; invalid until somebody writes it. Guarded by the Scraper's mutex.
    std::array<std::shared_future<Page>, 4> pages;
  };

  // Memory for writing one page, worth keeping: fresh memory is what costs most.
  struct Scratch {
    std::string buffer;
    GzipStream gzip;
  };

  std::shared_ptr<Round> OpenOrJoin(const ScrapeRequest& request);
  void Close(Selection selection, const std::shared_ptr<Round>& round);
  // Whether all runs were done by the deadline.
  bool Wait(const Round& round, Deadline deadline, Outcomes& outcomes);
  Page ShareOrWrite(Round& round, const Outcomes& outcomes, const ScrapeRequest& request);
  // Memory of bodies that nobody reads any more. Outlives the Scraper as long as a body does.
  class SpareBodies;

  Page Write(const Outcomes& outcomes, const ScrapeRequest& request);
  Families AllFamilies(const Outcomes& outcomes, Selection selection);
  std::unique_ptr<Scratch> TakeScratch();
  void ReturnScratch(std::unique_ptr<Scratch> scratch);

  OwnMetrics& own_metrics_;
  Log& log_;
  std::vector<std::unique_ptr<CollectorThread>> collectors_;

  const std::shared_ptr<SpareBodies> spare_bodies_;
  std::atomic<int> in_flight_{0};
  std::mutex mutex_;  // guards what follows
  std::map<Selection, std::shared_ptr<Round>> rounds_;
  std::vector<std::unique_ptr<Scratch>> idle_scratch_;
};

}  // namespace lvs
