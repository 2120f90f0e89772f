#include "collectors/connections/pass.h"

#include <algorithm>
#include <ctime>
#include <string_view>
#include <vector>

namespace lvs::connections {
namespace {

// More than the page that a read gives up to now.
constexpr std::size_t kBufferSize = 64 * 1024;

}  // namespace

CpuTime ThreadCpuTime() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

void CostForecast::Add(CpuTime cost) {
  last_[next_] = cost;
  next_ = (next_ + 1) % last_.size();
}

CpuTime CostForecast::Next() const {
  const CpuTime greatest = *std::ranges::max_element(last_);
  return greatest + greatest / 4;
}

Result<PassResult> ReadRows(RowSource& source, const PassLimits& limits,
                            const std::function<CpuTime()>& cpu_time, const std::atomic<bool>& stop,
                            const std::function<void(const Row&)>& on_row) {
  RowParser parser(source.format());
  CostForecast forecast;
  std::vector<char> buffer(kBufferSize);
  PassEnd end = PassEnd::kEndOfTable;
  CpuTime now = cpu_time();
  while (true) {
    const Result<std::size_t> got = source.Read(buffer);
    if (!got.ok()) return got.error();
    if (got.value() == 0) {
      parser.Finish();
      break;
    }
    parser.Feed(std::string_view(buffer.data(), got.value()), on_row);
    const CpuTime before = now;
    now = cpu_time();
    forecast.Add(now - before);
    if (stop.load(std::memory_order_relaxed)) {
      end = PassEnd::kStopped;
      break;
    }
    if (now + forecast.Next() > limits.cpu || Clock::now() > limits.deadline) {
      end = PassEnd::kBudget;
      break;
    }
  }
  return PassResult{end, parser.rows(), parser.skipped_lines()};
}

CpuTime PassBudget(const Settings& settings) {
  const std::chrono::duration<double, std::nano> interval = settings.interval;
  const std::chrono::duration<double, std::nano> share = interval * settings.budget;
  const std::chrono::duration<double, std::nano> longest = settings.longest_pass;
  return std::chrono::duration_cast<CpuTime>(std::min(share, longest));
}

Clock::duration TimeToNextPass(const Settings& settings, CpuTime cost) {
  const std::chrono::duration<double, std::nano> paid = cost / settings.budget;
  return std::max<Clock::duration>(settings.interval,
                                   std::chrono::duration_cast<Clock::duration>(paid));
}

}  // namespace lvs::connections
