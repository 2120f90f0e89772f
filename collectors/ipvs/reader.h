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
// missing that was there in the previous reading and still is. Who is missing is asked for again. A
// service is looked up by its key, which is certain. Backends can only be listed: one is gone when
// two lists in a row agree without it, or when it is in none of four different ones, which a rule
// set that changes all the time gives.
// A list that cannot be had is not shown shorter: the reading fails.
//
// Owned by its collector. Read() by one thread at a time; the rest by any thread. Tables are
// finished and constant; their memory is used again when the last holder lets go, also after the
// reader is gone.
class Reader {
 public:
  // transport: to the family "IPVS". procfs_root: usually "/proc".
  Reader(std::unique_ptr<netlink::Transport> transport, std::string procfs_root);
  ~Reader();

  // Reads once. Waits for answers no longer than deadline. What can be read is in the table even
  // when there is an error:
  //  - services known and Table::up: services and backends came over netlink; something else could
  //    not be read and is absent.
  //  - services known, not up: kNoPermission; the services are from /proc/net/ip_vs, without what
  //    that file does not tell.
  //  - services not known: they could not be read. With kModuleAbsent, IPVS is not there and
  //    nothing at all is known; the module is not loaded by asking.
  Reading Read(Deadline deadline);

  // For the end of the program: ends a Read() that waits, and every later one, with kStopped. Any
  // thread.
  void Stop() { transport_->Stop(); }

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
