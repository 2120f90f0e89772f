#include "collectors/netfilter/xtables_reader.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace lvs::netfilter {
namespace {

class XtablesReaderTest : public ::testing::Test {
 protected:
  XtablesReaderTest() {
    std::string name = ::testing::TempDir() + "xtablesXXXXXX";
    procfs_ = mkdtemp(name.data());
  }
  ~XtablesReaderTest() override { std::filesystem::remove_all(procfs_); }

  std::string procfs_;
};

TEST_F(XtablesReaderTest, WithoutTheFileThereAreNoTables) {
  for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    const Result<MarkRules> rules = ReadXtables(procfs_, family);
    ASSERT_TRUE(rules.ok()) << rules.error().message;
    EXPECT_TRUE(rules.value().rules.empty());
    EXPECT_TRUE(rules.value().unclear.empty());
  }
}

TEST_F(XtablesReaderTest, FileThatCannotBeReadIsAnError) {
  std::filesystem::create_directories(procfs_ + "/thread-self/net/ip_tables_names");
  const Result<MarkRules> rules = ReadXtables(procfs_, AddressFamily::kIpv4);
  ASSERT_FALSE(rules.ok());
  EXPECT_EQ(rules.error().message.rfind("iptables: list the tables: ", 0), 0u);
}

}  // namespace
}  // namespace lvs::netfilter
