// Tables whose memory is used again: fresh memory costs page faults, every scrape anew.
#pragma once

#include <memory>

#include "collectors/ipvs/table.h"

namespace lvs::ipvs {

// Lends tables. A table comes back by itself when its last holder lets go, in whatever thread, and
// also after the pool is gone (then it is freed). Take() by one thread at a time.
class TablePool {
 public:
  // How many unused tables are kept: one is the previous reading, one is on a page, one is filled.
  static constexpr std::size_t kKept = 3;

  TablePool();

  // A table to fill; nobody else sees it. Its content is that of an earlier reading or empty, its
  // vectors have the capacity they had then.
  std::shared_ptr<Table> Take();

 private:
  struct Unused;
  const std::shared_ptr<Unused> unused_;
};

}  // namespace lvs::ipvs
