// The real kernel, in network namespaces of its own, and the tools that fill its tables.
#include "collectors/netfilter/mark_rule_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "tests/collectors/netfilter/describe.h"
#include "tests/collectors/netfilter/rule_sets.h"
#include "tests/support/network_namespaces.h"

namespace lvs::netfilter {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAreArray;

std::vector<std::string> Marks(const Result<MarkRules>& rules) {
  if (!rules.ok()) return {rules.error().message};
  return Describe(rules.value());
}

// The sentences without the number of the rule, which depends on the tool.
std::vector<std::string> Reasons(std::vector<std::string> sentences) {
  for (std::string& sentence : sentences) sentence.erase(0, sentence.find(": "));
  return sentences;
}

// Calls function while the calling thread does without CAP_NET_ADMIN.
template <class Function>
void WithoutCapNetAdmin(Function function) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> before{};
  ASSERT_EQ(syscall(SYS_capget, &header, before.data()), 0);
  auto without = before;
  without[0].effective &= ~(1u << CAP_NET_ADMIN);
  ASSERT_EQ(syscall(SYS_capset, &header, without.data()), 0);
  function();
  ASSERT_EQ(syscall(SYS_capset, &header, before.data()), 0);
}

class MarkRuleReaderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = fake::NetworkNamespaces::Make({"director"});
    if (!made.ok()) GTEST_SKIP() << "Asks a kernel with rules: " << made.error().message;
    network_ = std::move(made.value());
  }

  void TearDown() override { std::filesystem::remove(script_); }

  // By a shell. False where a tool is missing or the kernel lacks something.
  bool Run(const std::string& commands) {
    std::ofstream(script_) << "set -e\n" << commands;
    return network_->Try("director", "PATH=$PATH:/usr/sbin:/sbin sh " + script_);
  }

  bool LoadNft(const std::string& rules) { return Run("nft -f - <<'END'\n" + rules + "\nEND\n"); }

  // which: "legacy" or "nft".
  bool LoadIptables(const std::string& which, const std::string& commands) {
    return Run("iptables() { iptables-" + which + " \"$@\"; }\nip6tables() { ip6tables-" + which +
               " \"$@\"; }\n" + commands);
  }

  std::unique_ptr<fake::NetworkNamespaces> network_;
  std::string script_ = ::testing::TempDir() + "rules" + std::to_string(getpid()) + ".sh";
  MarkRuleReader reader_{"/proc"};
};

constexpr const char* kNoNft = "Needs nft, and a kernel with nf_tables for ip, ip6 and inet.";
constexpr const char* kNoLegacy = "Needs iptables-legacy, and a kernel with its tables.";
constexpr const char* kNoIptablesNft = "Needs iptables-nft, and a kernel with nft_compat.";

TEST_F(MarkRuleReaderTest, EmptyNamespaceHasNone) {
  const MarkReading reading = reader_.Read();
  ASSERT_TRUE(reading.ipv4.ok()) << reading.ipv4.error().message;
  ASSERT_TRUE(reading.ipv6.ok()) << reading.ipv6.error().message;
  EXPECT_THAT(reading.ipv4.value().rules, IsEmpty());
  EXPECT_THAT(reading.ipv6.value().unclear, IsEmpty());
}

TEST_F(MarkRuleReaderTest, AskingMakesNoTable) {
  const auto names = [] {
    std::string all;
    for (const char* file : {"ip_tables_names", "ip6_tables_names"}) {
      std::ifstream list("/proc/thread-self/net/" + std::string(file));
      all.append(std::istreambuf_iterator<char>(list), {});
    }
    return all;
  };
  reader_.Read();
  EXPECT_EQ(names(), "");
}

TEST_F(MarkRuleReaderTest, RulesOfNft) {
  if (!LoadNft(kNftRules)) GTEST_SKIP() << kNoNft;
  const MarkReading reading = reader_.Read();
  EXPECT_THAT(Marks(reading.ipv4), ElementsAreArray(kNftIpv4));
  EXPECT_THAT(Marks(reading.ipv6), ElementsAreArray(kNftIpv6));
  EXPECT_EQ(Reasons(reading.ipv4.value().unclear), Reasons(kNftIpv4Unclear));
  EXPECT_EQ(Reasons(reading.ipv6.value().unclear), Reasons(kNftIpv6Unclear));
}

TEST_F(MarkRuleReaderTest, RulesOfIptablesNft) {
  if (!LoadIptables("nft", kIptablesRules)) GTEST_SKIP() << kNoIptablesNft;
  const MarkReading reading = reader_.Read();
  EXPECT_THAT(Marks(reading.ipv4), UnorderedElementsAreArray(kIptablesIpv4));
  EXPECT_THAT(Marks(reading.ipv6), UnorderedElementsAreArray(kIptablesIpv6));
  EXPECT_THAT(reading.ipv4.value().unclear, ElementsAre(HasSubstr("by CONNMARK")));
}

TEST_F(MarkRuleReaderTest, RulesOfIptablesLegacy) {
  if (!LoadIptables("legacy", kIptablesRules)) GTEST_SKIP() << kNoLegacy;
  const MarkReading reading = reader_.Read();
  EXPECT_THAT(Marks(reading.ipv4), UnorderedElementsAreArray(kIptablesIpv4));
  EXPECT_THAT(Marks(reading.ipv6), UnorderedElementsAreArray(kIptablesIpv6));
  EXPECT_THAT(reading.ipv4.value().unclear, ElementsAre(HasSubstr("by CONNMARK")));
}

TEST_F(MarkRuleReaderTest, BothAtOnce) {
  const char* rule = "iptables -t mangle -A PREROUTING -d 192.0.2.1 -j MARK --set-mark ";
  if (!LoadIptables("legacy", std::string(rule) + "1\n")) GTEST_SKIP() << kNoLegacy;
  if (!LoadIptables("nft", std::string(rule) + "2\n")) GTEST_SKIP() << kNoIptablesNft;
  EXPECT_THAT(Marks(reader_.Read().ipv4), ElementsAre("prerouting 192.0.2.1 any any -> 1",
                                                      "prerouting 192.0.2.1 any any -> 2"));
}

TEST_F(MarkRuleReaderTest, WithoutThePermissionItIsAnErrorAndLaterItIsNot) {
  if (!LoadIptables("legacy", "iptables -t mangle -A PREROUTING -j MARK --set-mark 1\n")) {
    GTEST_SKIP() << kNoLegacy;
  }
  WithoutCapNetAdmin([&] {
    const MarkReading reading = reader_.Read();
    ASSERT_FALSE(reading.ipv4.ok());
    EXPECT_EQ(reading.ipv4.error().code, ErrorCode::kNoPermission);
    EXPECT_EQ(reading.ipv4.error().message,
              "iptables: table mangle: permission denied: CAP_NET_ADMIN is needed");
    // Only nf_tables has been asked: there is no legacy table of this family.
    if (!reading.ipv6.ok()) {
      EXPECT_EQ(reading.ipv6.error().code, ErrorCode::kNoPermission);
    }
  });
  EXPECT_THAT(Marks(reader_.Read().ipv4), SizeIs(1));
}

TEST_F(MarkRuleReaderTest, ChangesAreSeen) {
  const auto add = [&](const char* mark) {
    return Run(std::string("nft add table ip t\n"
                           "nft add chain ip t c '{ type filter hook prerouting priority -150; }'\n"
                           "nft add rule ip t c meta mark set ") +
               mark + "\n");
  };
  if (!add("1")) GTEST_SKIP() << kNoNft;
  EXPECT_THAT(Marks(reader_.Read().ipv4), SizeIs(1));
  EXPECT_THAT(Marks(reader_.Read().ipv4), SizeIs(1)) << "of an unchanged rule set";
  ASSERT_TRUE(add("2"));
  EXPECT_THAT(Marks(reader_.Read().ipv4), SizeIs(2));
  ASSERT_TRUE(Run("nft flush ruleset\n"));
  EXPECT_THAT(Marks(reader_.Read().ipv4), IsEmpty());
}

TEST_F(MarkRuleReaderTest, DormantTableMarksNothingUntilItWakes) {
  if (!LoadNft("table ip t {\n flags dormant;\n"
               " chain c { type filter hook prerouting priority -150; meta mark set 1\n }\n}")) {
    GTEST_SKIP() << kNoNft;
  }
  EXPECT_THAT(Marks(reader_.Read().ipv4), IsEmpty());
  ASSERT_TRUE(Run("nft add table ip t\n"));
  EXPECT_THAT(Marks(reader_.Read().ipv4), SizeIs(1));
}

TEST_F(MarkRuleReaderTest, MarkAtIngressIsUnclear) {
  if (!LoadNft("table netdev t {\n chain c { type filter hook ingress device eth0 priority 0; "
               "meta mark set 1\n }\n}")) {
    GTEST_SKIP() << "Needs nft, and a kernel with nf_tables for netdev.";
  }
  const MarkReading reading = reader_.Read();
  EXPECT_THAT(Marks(reading.ipv4), IsEmpty());
  EXPECT_THAT(reading.ipv4.value().unclear, ElementsAre(HasSubstr("nft netdev t c handle")));
  EXPECT_THAT(reading.ipv6.value().unclear, SizeIs(1));
}

TEST_F(MarkRuleReaderTest, SetOfVeryManyElementsNarrows) {
  std::string elements;
  for (int i = 0; i < 5'000; ++i) {
    elements +=
        (i == 0 ? "" : ", ") + ("10.0." + std::to_string(i / 250)) + "." + std::to_string(i % 250);
  }
  const std::string rules =
      "table ip t {\n set s { type ipv4_addr; elements = { " + elements +
      " }\n }\n chain c { type filter hook prerouting priority -150;\n"
      "ip daddr @s meta mark set 1\nip daddr 10.0.0.1 tcp dport { 80, 81 } meta mark set 2\n}\n}\n";
  if (!LoadNft(rules)) GTEST_SKIP() << kNoNft;
  EXPECT_THAT(Marks(reader_.Read().ipv4),
              ElementsAre("prerouting any any any -> 1 narrowed", "prerouting 10.0.0.1 tcp 80 -> 2",
                          "prerouting 10.0.0.1 tcp 81 -> 2"));
}

class TenThousandRules : public MarkRuleReaderTest {
 protected:
  void ReadsAll(const char* which) {
    const auto begin = std::chrono::steady_clock::now();
    const MarkReading reading = reader_.Read();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    std::printf("10,000 rules of %s: %.1f ms\n", which, took.count());
    ASSERT_TRUE(reading.ipv4.ok()) << reading.ipv4.error().message;
    ASSERT_EQ(reading.ipv4.value().rules.size(), 20'000u);
    EXPECT_EQ(Describe(reading.ipv4.value().rules.back()),
              "prerouting 10.0.39.249 tcp 443 -> 2710");
  }

  static std::string Restore(const std::string& tool) {
    std::string rules = tool + " <<'END'\n*mangle\n";
    for (int i = 0; i < 10'000; ++i) {
      rules += "-A PREROUTING -d 10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250) +
               " -p tcp -m multiport --dports 80,443 -j MARK --set-mark " + std::to_string(i + 1) +
               "\n";
    }
    return rules + "COMMIT\nEND\n";
  }
};

TEST_F(TenThousandRules, OfIptablesLegacy) {
  if (!Run(Restore("iptables-legacy-restore"))) GTEST_SKIP() << kNoLegacy;
  ReadsAll("iptables-legacy");
}

TEST_F(TenThousandRules, OfIptablesNft) {
  if (!Run(Restore("iptables-nft-restore"))) GTEST_SKIP() << kNoIptablesNft;
  ReadsAll("iptables-nft");
}

}  // namespace
}  // namespace lvs::netfilter
