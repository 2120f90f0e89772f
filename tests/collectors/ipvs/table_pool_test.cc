#include "collectors/ipvs/table_pool.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>
#include <vector>

namespace lvs::ipvs {
namespace {

TEST(TablePool, GivesATableAgainWithItsMemory) {
  TablePool pool;
  std::shared_ptr<Table> table = pool.Take();
  table->services.resize(100);
  const Table* address = table.get();
  table.reset();
  EXPECT_EQ(pool.Take().get(), address);
  EXPECT_GE(pool.Take()->services.capacity(), 100u);
}

TEST(TablePool, DoesNotGiveATableThatSomebodyHolds) {
  TablePool pool;
  const std::shared_ptr<const Table> held = pool.Take();
  EXPECT_NE(pool.Take().get(), held.get());
}

TEST(TablePool, TablesOutliveThePool) {
  std::optional<TablePool> pool(std::in_place);
  const std::shared_ptr<Table> table = pool->Take();
  pool.reset();
  table->services.resize(1);
  EXPECT_EQ(table->services.size(), 1u);
}

TEST(TablePool, KeepsNoMoreThanItsBound) {
  TablePool pool;
  std::vector<std::shared_ptr<Table>> many;
  for (int i = 0; i < 20; ++i) {
    many.push_back(pool.Take());
    many.back()->services.resize(1);
  }
  many.clear();
  std::size_t used = 0;
  for (int i = 0; i < 20; ++i) {
    many.push_back(pool.Take());
    used += many.back()->services.size();
  }
  EXPECT_EQ(used, TablePool::kKept);
}

TEST(TablePool, TablesComeBackFromOtherThreads) {
  TablePool pool;
  for (int i = 0; i < 100; ++i) {
    std::shared_ptr<Table> table = pool.Take();
    table->services.resize(static_cast<std::size_t>(i));
    std::thread holder([last = std::shared_ptr<const Table>(std::move(table))]() mutable {
      EXPECT_LT(last->services.size(), 100u);
      last.reset();
    });
    const std::shared_ptr<Table> other = pool.Take();
    other->services.clear();
    holder.join();
  }
}

}  // namespace
}  // namespace lvs::ipvs
