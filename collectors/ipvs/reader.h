// Reads the kernel's IPVS state: one call, one table.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/clock.h"
#include "collectors/ipvs/proc_files.h"
#include "collectors/ipvs/table.h"
#include "collectors/ipvs/table_pool.h"
#include "collectors/netlink/attributes.h"
#include "collectors/netlink/transport.h"
#include "collectors/result.h"

namespace lvs::ipvs {

struct Reading {
  std::shared_ptr<const Table> table;  // never null
  std::optional<Error> error;          // why the table is not all that was asked for
};

// Why a request was sent again.
enum class RetryReason : std::uint8_t { kTimeout, kConnection, kInterrupted };
inline constexpr std::size_t kRetryReasons = 3;
std::string_view Name(RetryReason reason);  // "timeout", "connection", "interrupted"

// What was wrong with a list that the kernel gave while it changed, and was put right.
enum class Inconsistency : std::uint8_t {
  kDuplicate,  // an entry was listed twice; the later one was kept
  kVanished,   // an entry that was still there was not listed; asking again found it
  kStale,      // a listed service did not exist any more when its backends were asked for
};
inline constexpr std::size_t kInconsistencies = 3;
std::string_view Name(Inconsistency kind);  // "duplicate", "vanished", "stale"

// Since the reader was made; they only grow. Indexed by the enums.
struct ReaderCounts {
  std::array<std::uint64_t, kRetryReasons> retries{};
  std::array<std::uint64_t, kInconsistencies> inconsistencies{};
};

// Reads everything that IPVS tells over netlink and in files, and makes of the kernel's lists,
// which are not consistent while rules change, a table that is: no entry twice, and no entry
// missing that was there in the previous reading and still is. A list that cannot be had completely
// is not shown shorter: the reading fails.
//
// Owned by its collector. Read() by one thread at a time; counts() by any thread. Tables are
// finished and constant; their memory is used again when the last holder lets go, also after the
// reader is gone.
class Reader {
 public:
  // transport: to the family "IPVS". procfs_root: usually "/proc".
  Reader(std::unique_ptr<netlink::Transport> transport, std::string procfs_root);
  ~Reader();

  // Reads once. Never takes much longer than deadline. What can be read is in the table even when
  // there is an error:
  //  - kModuleAbsent: IPVS is not there. No request was sent, so the module is not loaded by
  //  asking,
  //    and nothing is known.
  //  - kNoPermission: the services are from /proc/net/ip_vs, without what that file does not tell.
  //  - other errors while services or backends were read: services are not known.
  //  - other errors with services known: Table::up tells whether netlink (false) or a file (true)
  //    failed; what could not be read is absent.
  Reading Read(Deadline deadline);

  ReaderCounts counts() const;

 private:
  class Pass;

  void Count(RetryReason reason);
  void Count(Inconsistency kind, std::size_t times = 1);

  const std::unique_ptr<netlink::Transport> transport_;
  ProcFiles proc_;
  TablePool pool_;
  std::shared_ptr<const Table> previous_;  // the last one whose services came over netlink; or null
  netlink::AttributeWriter key_;
  std::array<std::atomic<std::uint64_t>, kRetryReasons> retries_{};
  std::array<std::atomic<std::uint64_t>, kInconsistencies> inconsistencies_{};
};

}  // namespace lvs::ipvs
