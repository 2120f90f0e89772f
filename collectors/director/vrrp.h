// What keepalived says of its VRRP instances, put together from the two ways in which it tells:
// lines of a notify FIFO, and a JSON file. Pure: time comes as an argument.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/clock.h"
#include "collectors/result.h"

namespace lvs::director {

// In the numbers of ipvs_vrrp_state, which are keepalived's own (VRRP_STATE_* of vrrp.h, 2.2.7).
enum class VrrpState : std::uint8_t { kInit = 0, kBackup = 1, kMaster = 2, kFault = 3 };
inline constexpr VrrpState kVrrpStates[] = {VrrpState::kInit, VrrpState::kBackup,
                                            VrrpState::kMaster, VrrpState::kFault};
// "init", "backup", "master", "fault".
std::string_view Name(VrrpState state);

// One instance as it was told of.
struct VrrpReport {
  std::string name;
  std::optional<unsigned> vrid;    // a FIFO line has none
  std::optional<VrrpState> state;  // absent: the instance does not exist any more

  bool operator==(const VrrpReport&) const = default;
};

// One line of the FIFO without its line feed: `INSTANCE "VI_1" MASTER 100`. Absent for lines about
// other things (GROUP, and those of virtual servers). Errors (kMalformed): anything else.
Result<std::optional<VrrpReport>> ParseNotifyLine(std::string_view line);

// The JSON file: an array of instances, or an object with one under "vrrp". Errors (kMalformed): it
// is not JSON, or an instance has no name or a state that is unknown.
Result<std::vector<VrrpReport>> ParseVrrpJson(std::string_view text);

struct VrrpInstance {
  std::string name;
  std::optional<unsigned> vrid;
  VrrpState state = VrrpState::kInit;
  std::array<std::uint64_t, std::size(kVrrpStates)> transitions{};  // into each state

  bool operator==(const VrrpInstance&) const = default;
};

// The instances as they are now. One owner, one thread.
class Vrrp {
 public:
  // Those that must exist, and their ids. Another one in fault is taken for deleted: the pipe tells
  // an instance that a reload has removed as FAULT.
  void Expect(const std::map<std::string, unsigned>& instances);

  // A line of the FIFO.
  void Tell(const VrrpReport& report);

  // The whole of a JSON file: instances that it lacks are gone.
  void TellAll(const std::vector<VrrpReport>& reports);

  // keepalived does not run: what was known of its instances is over, they are in state init.
  void Stop();

  // Nothing that was told is known to be true any more.
  void Forget();

  // In the order of their names; empty while nothing is known.
  std::vector<VrrpInstance> instances() const;

  // Whether the state of every expected instance is known.
  bool KnowsAllExpected() const;

 private:
  struct Entry {
    std::optional<unsigned> vrid;
    std::optional<VrrpState> state;  // absent: not known
    std::array<std::uint64_t, std::size(kVrrpStates)> transitions{};
  };

  void Set(Entry& entry, VrrpState state);
  void DropDeleted();

  std::map<std::string, Entry> entries_;
  std::map<std::string, unsigned> expected_;
};

}  // namespace lvs::director
