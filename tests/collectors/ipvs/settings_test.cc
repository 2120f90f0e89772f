#include "collectors/ipvs/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/fake_procfs.h"

namespace lvs::ipvs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class SettingFilesTest : public ::testing::Test {
 protected:
  void SetSetting(std::string_view name, std::string_view text) {
    procfs_.Write("vs/" + std::string(name), text);
  }
  std::map<std::string, std::int64_t> ReadSettings() {
    std::vector<Sysctl> sysctls;
    estimation_ = files_.Read(sysctls);
    std::map<std::string, std::int64_t> settings;
    for (const Sysctl& sysctl : sysctls) settings[sysctl.name] = sysctl.value;
    return settings;
  }

  fake::Procfs procfs_;
  SettingFiles files_{procfs_.root() + "/vs/"};
  std::optional<bool> estimation_;
};

TEST_F(SettingFilesTest, ReadsNumbersAndBothNumbersOfTheSyncThreshold) {
  SetSetting("conntrack", "1\n");
  SetSetting("conn_lfactor", "-4\n");
  SetSetting("sync_threshold", "3\t50\n");
  EXPECT_THAT(ReadSettings(),
              UnorderedElementsAre(Pair("conntrack", 1), Pair("conn_lfactor", -4),
                                   Pair("sync_threshold", 3), Pair("sync_period", 50)));
}

TEST_F(SettingFilesTest, LeavesOutWhatIsNotANumber) {
  SetSetting("conntrack", "on\n");
  SetSetting("backup_only", "1 2\n");
  SetSetting("sync_threshold", "3\n");
  SetSetting("sloppy_tcp", "");
  SetSetting("not_in_the_list", "1\n");
  EXPECT_THAT(ReadSettings(), IsEmpty());
}

TEST_F(SettingFilesTest, SeesASettingChange) {
  SetSetting("drop_entry", "1\n");
  EXPECT_THAT(ReadSettings(), ElementsAre(Pair("drop_entry", 1)));
  SetSetting("drop_entry", "2\n");
  EXPECT_THAT(ReadSettings(), ElementsAre(Pair("drop_entry", 2)));
}

TEST_F(SettingFilesTest, EstimationIsUnknownWithoutAnySetting) {
  ReadSettings();
  EXPECT_EQ(estimation_, std::nullopt);
}

TEST_F(SettingFilesTest, OldKernelsAlwaysEstimate) {
  SetSetting("conntrack", "0\n");
  ReadSettings();
  EXPECT_EQ(estimation_, true);
}

TEST_F(SettingFilesTest, EstimationFollowsItsSwitch) {
  SetSetting("run_estimation", "0\n");
  ReadSettings();
  EXPECT_EQ(estimation_, false);
  SetSetting("run_estimation", "1\n");
  ReadSettings();
  EXPECT_EQ(estimation_, true);
}

TEST_F(SettingFilesTest, EmptyCpuListStopsEstimation) {
  SetSetting("run_estimation", "1\n");
  SetSetting("est_cpulist", "0-3,8\n");
  EXPECT_THAT(ReadSettings(), ElementsAre(Pair("run_estimation", 1)));
  EXPECT_EQ(estimation_, true);
  SetSetting("est_cpulist", "\n");
  ReadSettings();
  EXPECT_EQ(estimation_, false);
}

TEST(ParseSetting, WantsAsManyNumbersAsAreAskedFor) {
  std::array<std::int64_t, 2> numbers{};
  EXPECT_TRUE(ParseSetting("3\t50\n", numbers));
  EXPECT_THAT(numbers, ElementsAre(3, 50));
  for (const std::string_view text : {"", "\n", "3\n", "3 50 1\n", "3 x\n", "x 3\n"}) {
    EXPECT_FALSE(ParseSetting(text, numbers)) << text;
  }
}

TEST(SysctlNames, AreAClosedListWithoutRepetition) {
  std::vector<std::string_view> names = SysctlNames();
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
  EXPECT_TRUE(std::binary_search(names.begin(), names.end(), "sync_period"));
  EXPECT_FALSE(std::binary_search(names.begin(), names.end(), "est_cpulist"));
}

}  // namespace
}  // namespace lvs::ipvs
