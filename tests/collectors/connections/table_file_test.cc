#include "collectors/connections/table_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/fake_procfs.h"

namespace lvs::connections {
namespace {

using testing::HasSubstr;
using enum ClassifierRules::TemplateStates;

std::string ReadAll(RowSource& source, std::size_t buffer_size) {
  std::string text;
  std::vector<char> buffer(buffer_size);
  while (true) {
    const Result<std::size_t> got = source.Read(buffer);
    if (!got.ok()) return got.error().message;
    if (got.value() == 0) return text;
    text.append(buffer.data(), got.value());
  }
}

TEST(TableFile, PrefersTheFileThatTellsTheOrigin) {
  fake::Procfs procfs;
  procfs.Write("net/ip_vs_conn", "plain\n");
  procfs.Write("net/ip_vs_conn_sync", "with origin\n");
  auto file = TableFile::Open(procfs.root());
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file.value()->format(), Format::kSync);
  EXPECT_EQ(ReadAll(*file.value(), 3), "with origin\n");
}

TEST(TableFile, GoesOnWithTheOtherOne) {
  fake::Procfs procfs;
  procfs.Write("net/ip_vs_conn", "plain\n");
  auto file = TableFile::Open(procfs.root());
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file.value()->format(), Format::kPlain);
  EXPECT_EQ(ReadAll(*file.value(), 100), "plain\n");
}

TEST(TableFile, WithoutEitherTheModuleIsAbsent) {
  const fake::Procfs procfs;
  const auto file = TableFile::Open(procfs.root());
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code, ErrorCode::kModuleAbsent);
  EXPECT_THAT(file.error().message, HasSubstr(procfs.root() + "/net/ip_vs_conn_sync"));
}

TEST(TableFile, ThatCannotBeReadNamesItsPath) {
  fake::Procfs procfs;
  procfs.Write("net/ip_vs_conn_sync/folder", "");
  auto file = TableFile::Open(procfs.root());
  ASSERT_TRUE(file.ok()) << "a folder can be opened";
  EXPECT_THAT(ReadAll(*file.value(), 10), HasSubstr("/net/ip_vs_conn_sync: Is a directory"));
}

TEST(EntryCount, IsTheLineConnsOfLinux71) {
  const std::string_view status =
      "Conns:\t300032\n"
      "Conn buckets:\t4096 (12 bits, lfactor -4)\n"
      "Conn buckets empty:\t0 (0%)\n"
      "Conn buckets len-7:\t4096 (100%)\n"
      "Services:\t3\n";
  EXPECT_EQ(ParseEntryCount(status), 300032U);
  fake::Procfs procfs;
  EXPECT_EQ(ReadEntryCount(procfs.root()), std::nullopt) << "older kernels";
  procfs.Write("net/ip_vs_status", status);
  EXPECT_EQ(ReadEntryCount(procfs.root()), 300032U);
}

TEST(EntryCount, IsUnknownFromAnythingElse) {
  for (const char* text : {"", "Conns:", "Conns:\n", "Conns:\tx\n", "Conns:\t-1\n", "Conns:\t12",
                           "Conn buckets:\t4096\n", "Conns:\t99999999999999999999\n"}) {
    EXPECT_EQ(ParseEntryCount(text), std::nullopt) << text;
  }
}

TEST(Rules, TemplatesOfUdpHadItsStateBeforeLinux419) {
  for (const char* release :
       {"6.1.0-25-amd64", "4.19", "4.19.0", "5.0", "7.2.7", "", "x", "4", "4.x"}) {
    EXPECT_EQ(TemplateStatesOf(release), kAssuredOrNone) << release;
  }
  for (const char* release : {"4.18.20", "3.10.0-1160.el7", "4.9"}) {
    EXPECT_EQ(TemplateStatesOf(release), kAlsoUdp) << release;
  }
}

TEST(Rules, TheFirstUnprivilegedPortIsASetting) {
  fake::Procfs procfs;
  EXPECT_EQ(ReadRules(procfs.root()).first_unprivileged_port, 1024);
  procfs.Write("sys/net/ipv4/ip_unprivileged_port_start", "80\n");
  EXPECT_EQ(ReadRules(procfs.root()).first_unprivileged_port, 80);
  procfs.Write("sys/net/ipv4/ip_unprivileged_port_start", "many\n");
  EXPECT_EQ(ReadRules(procfs.root()).first_unprivileged_port, 1024);
}

}  // namespace
}  // namespace lvs::connections
