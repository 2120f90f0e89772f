// Asks keepalived on this machine: whether it runs, and in which states its VRRP instances are.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/clock.h"
#include "collectors/director/configuration.h"
#include "collectors/director/notify_fifo.h"
#include "collectors/director/vrrp.h"
#include "collectors/result.h"

namespace lvs::director {

using WallTime = std::chrono::system_clock::time_point;

// What one look at keepalived gave.
struct KeepalivedReading {
  std::optional<bool> up;               // absent: not expected, or we could not look
  std::vector<VrrpInstance> instances;  // empty: nothing told their states, or what did is too old
  std::optional<Error> error;           // the first thing that could not be read, by its path
};

// The number in a pid file: decimal, a line feed may follow. Absent for anything else.
std::optional<int> ParsePid(std::string_view text);

// Whether a process can take a signal without being ended by it: SigCgt or SigBlk of its
// /proc/PID/status (keepalived blocks its signals and reads them from a signalfd).
bool TakesSignal(std::string_view status, int signal);

// A state that a FIFO line told holds until the next line, as long as the pipe stays open and
// keepalived the same process. One from the JSON file holds for kJsonHolds, and as long as a line's
// if the pipe was open already. Owned by one thread.
class Keepalived {
 public:
  static constexpr std::chrono::seconds kJsonHolds{60};
  static constexpr std::chrono::seconds kSignalEvery{10};

  // procfs: usually "/proc".
  explicit Keepalived(std::string procfs) : procfs_(std::move(procfs)) {}

  // Never waits. settings may differ from those of the last call.
  KeepalivedReading Read(const KeepalivedSettings& settings, Clock::time_point now,
                         WallTime wall_now);

 private:
  void ReadPid(const KeepalivedSettings& settings, KeepalivedReading& reading);
  void ReadJson(const KeepalivedSettings& settings, WallTime now, KeepalivedReading& reading);
  void ReadFifo(const KeepalivedSettings& settings, KeepalivedReading& reading);
  void SendSignal(const KeepalivedSettings& settings, Clock::time_point now,
                  KeepalivedReading& reading);

  const std::string procfs_;
  Vrrp vrrp_;
  NotifyFifo fifo_;
  bool was_seen_ = false;
  std::optional<int> pid_;           // of the keepalived that runs
  std::optional<WallTime> json_at_;  // when the file that was taken over last was written
  // Until when the states hold; absent: as long as lines come in the pipe.
  std::optional<WallTime> holds_until_;
  std::optional<Clock::time_point> signalled_at_;
};

}  // namespace lvs::director
