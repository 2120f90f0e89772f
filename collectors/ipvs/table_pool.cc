#include "collectors/ipvs/table_pool.h"

#include <mutex>
#include <utility>
#include <vector>

namespace lvs::ipvs {

// Shared with every table that is lent. The mutex also orders a holder's last reads before the
// writes of whoever takes the table next.
struct TablePool::Unused {
  std::mutex mutex;
  std::vector<std::unique_ptr<Table>> tables;

  std::unique_ptr<Table> Get() {
    const std::scoped_lock lock(mutex);
    if (tables.empty()) return nullptr;
    std::unique_ptr<Table> table = std::move(tables.back());
    tables.pop_back();
    return table;
  }

  void Put(std::unique_ptr<Table> table) {
    const std::scoped_lock lock(mutex);
    if (tables.size() < kKept) tables.push_back(std::move(table));
  }
};

TablePool::TablePool() : unused_(std::make_shared<Unused>()) { unused_->tables.reserve(kKept); }

std::shared_ptr<Table> TablePool::Take() {
  std::unique_ptr<Table> table = unused_->Get();
  if (!table) table = std::make_unique<Table>();
  // The reserved room makes Put() unable to throw, as a deleter must be.
  return {table.release(), [unused = std::weak_ptr(unused_)](Table* returned) {
            std::unique_ptr<Table> owned(returned);
            if (const auto pool = unused.lock()) pool->Put(std::move(owned));
          }};
}

}  // namespace lvs::ipvs
