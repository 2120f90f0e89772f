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
  bool instances_are_all = true;        // none of those that the configuration expects is missing
  std::optional<Error> error;           // the first thing that could not be read, by its path
};

// The number in a pid file: decimal, a line feed may follow. Absent for anything else.
std::optional<int> ParsePid(std::string_view text);

// Whether a process can take a signal without being ended by it: SigCgt or SigBlk of its
// /proc/PID/status (keepalived blocks its signals and reads them from a signalfd).
bool TakesSignal(std::string_view status, int signal);

// A state that a FIFO line told holds until the next line, as long as keepalived is the same
// process and has the pipe open. One from the JSON file holds for kJsonHolds, and as long as a
// line's where keepalived had the pipe open already. Owned by one thread.
class Keepalived {
 public:
  static constexpr std::chrono::seconds kJsonHolds{60};
  static constexpr std::chrono::seconds kSignalEvery{10};
  // A keepalived that runs has opened its pipe by then, also after a reload.
  static constexpr std::chrono::seconds kOpensWithin{10};

  // procfs: usually "/proc".
  explicit Keepalived(std::string procfs) : procfs_(std::move(procfs)) {}

  // Never waits. settings may differ from those of the last call.
  KeepalivedReading Read(const KeepalivedSettings& settings, Clock::time_point now,
                         WallTime wall_now);

 private:
  void ReadPid(const KeepalivedSettings& settings, KeepalivedReading& reading);
  void ReadJson(const KeepalivedSettings& settings, WallTime now, KeepalivedReading& reading);
  void ReadFifo(const KeepalivedSettings& settings, Clock::time_point now,
                KeepalivedReading& reading);
  void NoteDeafness(const KeepalivedSettings& settings, Clock::time_point now,
                    KeepalivedReading& reading);
  // When it is time to.
  void SendSignal(const KeepalivedSettings& settings, Clock::time_point now);
  std::optional<Error> Signal() const;

  const std::string procfs_;
  Vrrp vrrp_;
  NotifyFifo fifo_;
  bool was_seen_ = false;
  std::optional<int> pid_;           // of the keepalived that runs
  std::optional<WallTime> json_at_;  // when the file that was taken over last was written
  // Until when the states hold; absent: as long as lines come in the pipe.
  std::optional<WallTime> holds_until_;
  bool has_writer_ = false;                                // the pipe, at the last look
  std::optional<Clock::time_point> without_writer_since_;  // while keepalived runs
  std::optional<Clock::time_point> signalled_at_;
  std::optional<Error> signal_error_;  // of the last signal
};

}  // namespace lvs::director
