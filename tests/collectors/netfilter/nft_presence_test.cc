#include "collectors/netfilter/nft_presence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace lvs::netfilter {
namespace {

using ::testing::HasSubstr;

class NftPresenceTest : public ::testing::Test {
 protected:
  NftPresenceTest() {
    std::string name = ::testing::TempDir() + "presenceXXXXXX";
    procfs_ = mkdtemp(name.data());
  }
  ~NftPresenceTest() override { std::filesystem::remove_all(procfs_); }

  void Has(const std::string& file, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(procfs_ + "/" + file).parent_path());
    std::ofstream(procfs_ + "/" + file) << text;
  }

  std::string procfs_;
};

constexpr const char* kOtherModule = "nf_tables_other 16384 0 - Live 0x0000000000000000\n";

TEST_F(NftPresenceTest, LoadedModule) {
  Has("modules", std::string(kOtherModule) + "nf_tables 28 1 - Live 0x0000000000000000\n");
  NftPresence presence(procfs_);
  EXPECT_TRUE(presence.Read().value());
}

TEST_F(NftPresenceTest, NoModuleAndNoSymbolIsAbsent) {
  Has("modules", kOtherModule);
  Has("kallsyms", "ffffffff81000000 T startup_64\n");
  NftPresence presence(procfs_);
  EXPECT_FALSE(presence.Read().value());
  Has("modules", "nf_tables 28 1 - Live 0x0000000000000000\n");
  EXPECT_TRUE(presence.Read().value()) << "loaded meanwhile";
}

TEST_F(NftPresenceTest, BuiltInIsFoundByItsSymbol) {
  Has("modules", kOtherModule);
  // Across the border of two chunks.
  Has("kallsyms", std::string((1 << 16) - 5, 'x') + " nft_register_expr\n");
  NftPresence presence(procfs_);
  EXPECT_TRUE(presence.Read().value());
}

TEST_F(NftPresenceTest, KernelThatLoadsNoModulesMayBeAsked) {
  Has("sys/kernel/osrelease", "6.1.0\n");
  NftPresence presence(procfs_);
  EXPECT_TRUE(presence.Read().value());
}

TEST_F(NftPresenceTest, WithoutFilesNobodyKnows) {
  NftPresence presence(procfs_);
  const Result<bool> there = presence.Read();
  ASSERT_FALSE(there.ok());
  EXPECT_EQ(there.error().code, ErrorCode::kNotSupported);
  EXPECT_THAT(there.error().message, HasSubstr("kallsyms cannot be read"));
}

}  // namespace
}  // namespace lvs::netfilter
