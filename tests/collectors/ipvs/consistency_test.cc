#include "collectors/ipvs/consistency.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <compare>
#include <string>
#include <vector>

namespace lvs::ipvs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Entry {
  int key = 0;
  std::string value;

  bool operator==(const Entry&) const = default;
};

using List = std::vector<Entry>;

TEST(SameKeys, ComparesKeysInTheirOrder) {
  EXPECT_TRUE(SameKeys(List{{1, "a"}, {2, "b"}}, List{{1, "x"}, {2, "y"}}));
  EXPECT_FALSE(SameKeys(List{{1, ""}, {2, ""}}, List{{2, ""}, {1, ""}}));
  EXPECT_FALSE(SameKeys(List{{1, ""}}, List{{1, ""}, {2, ""}}));
  EXPECT_TRUE(SameKeys(List{}, List{}));
}

TEST(RemoveDuplicates, KeepsTheLastOfEachKeyInOrder) {
  List list = {{3, "old"}, {1, "a"}, {3, "newer"}, {2, "b"}, {3, "newest"}};
  EXPECT_EQ(RemoveDuplicates(list), 2u);
  EXPECT_THAT(list, ElementsAre(Entry{1, "a"}, Entry{2, "b"}, Entry{3, "newest"}));
}

TEST(RemoveDuplicates, LeavesAListWithoutDuplicatesAlone) {
  List list = {{3, "c"}, {1, "a"}};
  EXPECT_EQ(RemoveDuplicates(list), 0u);
  EXPECT_THAT(list, ElementsAre(Entry{3, "c"}, Entry{1, "a"}));
  list.clear();
  EXPECT_EQ(RemoveDuplicates(list), 0u);
}

TEST(MissingKeys, AreThoseOfBeforeThatNowLacks) {
  EXPECT_THAT(MissingKeys(List{{5, ""}, {1, ""}, {3, ""}}, List{{3, ""}, {9, ""}}),
              ElementsAre(5, 1));
  EXPECT_THAT(MissingKeys(List{}, List{{3, ""}}), IsEmpty());
}

TEST(Merge, HasEverythingSeenAndTheNewerValues) {
  List list = {{1, "old"}, {2, "only old"}};
  List again = {{3, "only new"}, {1, "new"}};
  Merge(list, again);
  EXPECT_THAT(list, ElementsAre(Entry{3, "only new"}, Entry{1, "new"}, Entry{2, "only old"}));
}

TEST(KeepIf, KeepsTheOrder) {
  List list = {{0, "a"}, {1, "b"}, {2, "c"}, {3, "d"}};
  KeepIf(list, [](std::size_t i) { return i % 2 == 1; });
  EXPECT_THAT(list, ElementsAre(Entry{1, "b"}, Entry{3, "d"}));
}

}  // namespace
}  // namespace lvs::ipvs
