#include "collectors/connections/scanner.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "collectors/connections/classifier.h"
#include "collectors/connections/service_index.h"
#include "collectors/connections/summary.h"
#include "collectors/connections/tally.h"

namespace lvs::connections {
namespace {

using namespace std::chrono_literals;

// How often it is looked whether what is missing has come: a table of services that is current.
constexpr Clock::duration kRetry = 1s;
constexpr Clock::duration kTableRetry = 100ms;
// A table of this age is new enough: the collector ipvs usually reads every second, more seldom
// where that is dear.
constexpr std::chrono::system_clock::duration kNewEnough = 2s;
// A pass on a processor that others keep busy ends after its interval, but not before this.
constexpr Clock::duration kLeastDeadline = 10s;

// Behind everything that is not idle, so that keepalived's adverts and the checker's timers come
// first. Not SCHED_IDLE, nor the lowest priority: a read holds RCU, and a reader that others keep
// from the processor for long holds up every grace period of a busy director, where the kernel can
// be preempted. Packets are not at stake: they are worked on in softirqs, before any thread.
void StepBack() {
  constexpr int kNice = 10;
  // Linux takes a thread's id here. When it fails, the budget still holds.
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);
}

double Seconds(CpuTime time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

ScannerSources ScannerSources::Real(const Published<ipvs::LatestReading>& table,
                                    const std::string& procfs) {
  return {.table = table,
          .open = [procfs] { return TableFile::Open(procfs); },
          .entry_count = [procfs] { return ReadEntryCount(procfs); },
          .rules = [procfs] { return ReadRules(procfs); }};
}

Scanner::Scanner(ScannerSources sources, Settings settings, Published<Snapshot>& published)
    : sources_(std::move(sources)),
      settings_(settings),
      published_(published),
      thread_([this] { Loop(); }) {}

Scanner::~Scanner() {
  Stop();
  thread_.join();
}

void Scanner::Stop() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
}

bool Scanner::WaitUntilStopped(Deadline deadline) {
  std::unique_lock lock(mutex_);
  return wake_.wait_until(lock, deadline, [this] { return stopped_; });
}

void Scanner::WaitUntil(Deadline deadline) {
  std::unique_lock lock(mutex_);
  wake_.wait_until(lock, deadline, [this] { return stop_.load(); });
}

// Thread entry: nothing is thrown from here.
void Scanner::Loop() {
  StepBack();
  while (!stop_) {
    const Clock::time_point start = Clock::now();
    Clock::duration pause = kRetry;
    try {
      pause = Step(start);
    } catch (const std::exception&) {
      try {
        pause = std::max<Clock::duration>(kRetry, settings_.interval);
        Fail({ErrorCode::kSystem, "connections: out of memory"});
      } catch (const std::exception&) {  // not even for that: again later
      }
    }
    WaitUntil(start + pause);
  }
  const std::scoped_lock lock(mutex_);
  stopped_ = true;
  wake_.notify_all();
}

Clock::duration Scanner::Step(Clock::time_point start) {
  const std::shared_ptr<const ipvs::LatestReading> latest = sources_.table.Get();
  if (!latest) return kTableRetry;
  if (!latest->current) return kRetry;
  if (WaitsForNewer(*latest, start)) return kTableRetry;
  return Scan(*latest->table, start);
}

// The next reading comes by itself: nobody reads more often for this.
bool Scanner::WaitsForNewer(const ipvs::LatestReading& latest, Clock::time_point now) {
  const auto age = std::chrono::system_clock::now() - latest.read_at;
  if (std::chrono::abs(age) <= kNewEnough) {
    waits_since_.reset();
    return false;
  }
  if (!waits_since_) waits_since_ = now;
  if (now - *waits_since_ < sources_.patience) return true;
  waits_since_.reset();
  return false;
}

void Scanner::Fail(Error error) {
  ++counters_.failed;
  Snapshot snapshot;
  snapshot.error = std::move(error);
  Publish(std::move(snapshot));
}

Clock::duration Scanner::Scan(const ipvs::Table& table, Clock::time_point start) {
  const CpuTime cpu_start = sources_.cpu_time();
  Result<std::unique_ptr<RowSource>> source = sources_.open();
  if (!source.ok()) {
    Fail(source.error());
    return kRetry;
  }
  ReadFacts facts;
  facts.entries = sources_.entry_count();
  const ClassifierRules rules = sources_.rules();
  const ServiceIndex index(table);
  Tally tally(index, settings_.level);
  const PassLimits limits{
      .cpu = cpu_start + PassBudget(settings_),
      .deadline = start + std::max<Clock::duration>(settings_.interval, kLeastDeadline)};
  const Result<PassResult> read =
      ReadRows(*source.value(), limits, sources_.cpu_time, stop_,
               [&](const Row& row) { tally.Add(row, Classify(row, index, rules)); });
  if (!read.ok()) {
    Fail(read.error());
    return TimeToNextPass(settings_, sources_.cpu_time() - cpu_start);
  }
  if (read.value().end == PassEnd::kStopped) return kRetry;

  counters_.skipped_lines += read.value().skipped_lines;
  if (read.value().rows == 0 && read.value().skipped_lines > 0) {
    Fail({ErrorCode::kMalformed,
          "connections: no line of the connection table has the format that is known"});
    return TimeToNextPass(settings_, sources_.cpu_time() - cpu_start);
  }
  facts.rows = read.value().rows;
  facts.skipped_lines = read.value().skipped_lines;
  facts.reached_end = read.value().end == PassEnd::kEndOfTable;
  Snapshot snapshot;
  snapshot.rows = facts.rows;
  snapshot.origins_known = source.value()->format() == Format::kSync;
  snapshot.summary = Summarize(tally, table, settings_.level, facts);
  ++(snapshot.summary.truncated ? counters_.truncated : counters_.complete);
  snapshot.at = std::chrono::system_clock::now();
  snapshot.steady = Clock::now();
  snapshot.took = snapshot.steady - start;
  snapshot.interval = TimeToNextPass(settings_, sources_.cpu_time() - cpu_start);
  const Clock::duration pause = snapshot.interval;
  Publish(std::move(snapshot));
  return pause;
}

void Scanner::Publish(Snapshot snapshot) {
  counters_.cpu_seconds = Seconds(sources_.cpu_time());
  snapshot.counters = counters_;
  published_.Set(std::make_shared<const Snapshot>(std::move(snapshot)));
}

}  // namespace lvs::connections
