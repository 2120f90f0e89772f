#include "collectors/netfilter/xtables_extensions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/netfilter/xt_connmark.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_tcpudp.h>

#include <cstring>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace lvs::netfilter {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

template <class Info>
Bytes Raw(const Info& info) {
  return std::as_bytes(std::span(&info, 1));
}

template <class Info>
Conditions After(const char* name, std::uint8_t revision, const Info& info) {
  Conditions conditions;
  RequireMatch(name, revision, Raw(info), conditions);
  return conditions;
}

xt_tcp Tcp() {
  xt_tcp info{};
  info.spts[1] = 0xffff;
  info.dpts[0] = 80;
  info.dpts[1] = 90;
  return info;
}

std::string Text(const MarkEffect& effect) {
  if (effect.kind == MarkEffect::Kind::kNone) return "nothing";
  if (effect.kind == MarkEffect::Kind::kUnclear) return effect.reason;
  char text[32];
  std::snprintf(text, sizeof text, "%x/%x", effect.mark, effect.mask);
  return text;
}

TEST(XtablesMatch, PortsOfTcp) {
  const Conditions conditions = After("tcp", 0, Tcp());
  EXPECT_THAT(conditions.ports, Optional(ElementsAre(Range<std::uint16_t>{80, 90})));
  EXPECT_FALSE(conditions.narrowed);
}

TEST(XtablesMatch, MoreThanPortsNarrows) {
  xt_tcp flags = Tcp();
  flags.flg_mask = 2;
  xt_tcp source = Tcp();
  source.spts[0] = 1024;
  xt_tcp inverted = Tcp();
  inverted.invflags = XT_TCP_INV_DSTPT;
  EXPECT_TRUE(After("tcp", 0, flags).narrowed);
  EXPECT_TRUE(After("tcp", 0, flags).ports.has_value());
  EXPECT_TRUE(After("tcp", 0, source).narrowed);
  EXPECT_TRUE(After("tcp", 0, inverted).narrowed);
  EXPECT_FALSE(After("tcp", 0, inverted).ports.has_value());
}

TEST(XtablesMatch, PortsOfUdp) {
  xt_udp info{};
  info.spts[1] = 0xffff;
  info.dpts[0] = info.dpts[1] = 53;
  EXPECT_THAT(After("udp", 0, info).ports, Optional(ElementsAre(Range<std::uint16_t>{53, 53})));
  EXPECT_FALSE(After("udp", 0, info).narrowed);
}

TEST(XtablesMatch, MultiportOfBothRevisions) {
  xt_multiport old{};
  old.flags = XT_MULTIPORT_DESTINATION;
  old.count = 2;
  old.ports[0] = 80;
  old.ports[1] = 443;
  EXPECT_THAT(After("multiport", 0, old).ports, Optional(testing::SizeIs(2)));
  xt_multiport_v1 info{};
  info.flags = XT_MULTIPORT_DESTINATION;
  info.count = 3;
  info.ports[0] = 80;
  info.ports[1] = 8000;
  info.pflags[1] = 1;
  info.ports[2] = 8010;
  EXPECT_THAT(
      After("multiport", 1, info).ports,
      Optional(ElementsAre(Range<std::uint16_t>{80, 80}, Range<std::uint16_t>{8000, 8010})));
  info.count = 255;
  EXPECT_TRUE(After("multiport", 1, info).ports.has_value()) << "a count that cannot be";
  info.invert = 1;
  EXPECT_TRUE(After("multiport", 1, info).narrowed);
  info.invert = 0;
  info.flags = XT_MULTIPORT_EITHER;
  EXPECT_TRUE(After("multiport", 1, info).narrowed);
}

TEST(XtablesMatch, CommentIsNoCondition) { EXPECT_TRUE(After("comment", 0, Tcp()).none()); }

TEST(XtablesMatch, UnknownOrShortNarrows) {
  EXPECT_TRUE(After("conntrack", 3, Tcp()).narrowed);
  EXPECT_TRUE(After("tcp", 9, Tcp()).narrowed);
  EXPECT_TRUE(After("tcp", 0, std::uint8_t{1}).narrowed);
}

TEST(XtablesTarget, MarkOfEveryRevision) {
  const xt_mark_tginfo2 info{.mark = 0x12, .mask = 0xff};
  EXPECT_EQ(Text(EffectOf("MARK", 2, Raw(info))), "12/ff");
  const unsigned long old = 0x12;
  EXPECT_EQ(Text(EffectOf("MARK", 0, Raw(old))), "12/ffffffff");
  const auto with_mode = [](std::uint8_t mode) {
    const struct {
      unsigned long mark;
      unsigned long mode;
    } raw = {0xf0, mode};
    return Text(EffectOf("MARK", 1, Raw(raw)));
  };
  EXPECT_EQ(with_mode(0), "f0/ffffffff");
  EXPECT_EQ(with_mode(1), "0/ffffff0f");
  EXPECT_EQ(with_mode(2), "f0/f0");
  EXPECT_EQ(with_mode(3), "a MARK of an unknown mode");
  EXPECT_EQ(Text(EffectOf("MARK", 3, Raw(info))), "a MARK of an unknown revision");
  EXPECT_EQ(Text(EffectOf("MARK", 2, {})), "a MARK that is too short");
}

TEST(XtablesTarget, OnlyRestoringTheConnectionsMarkSetsOne) {
  xt_connmark_tginfo2 info{};
  info.mode = XT_CONNMARK_SAVE;
  EXPECT_EQ(Text(EffectOf("CONNMARK", 2, Raw(info))), "nothing");
  info.mode = XT_CONNMARK_RESTORE;
  EXPECT_EQ(Text(EffectOf("CONNMARK", 2, Raw(info))), "the mark of the connection, by CONNMARK");
  EXPECT_EQ(Text(EffectOf("CONNMARK", 9, Raw(info))), "the mark of the connection, by CONNMARK");
}

TEST(XtablesTarget, OthersSetNone) {
  EXPECT_EQ(Text(EffectOf("LOG", 0, {})), "nothing");
  EXPECT_EQ(Text(EffectOf("SET", 1, {})), "nothing");
  EXPECT_EQ(Text(EffectOf("SET", 3, {})), "a mark from an IP set");
  EXPECT_EQ(Text(EffectOf("HMARK", 0, {})), "a computed mark, by HMARK");
  EXPECT_EQ(Text(EffectOf("mark", 0, {})), "a mark, by ebtables");
}

TEST(XtablesExtensions, RandomBytes) {
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::vector<std::byte> info(random() % 80);
    for (std::byte& byte : info) byte = static_cast<std::byte>(random() % 3 == 0 ? random() : 1);
    const auto revision = static_cast<std::uint8_t>(random() % 4);
    for (const char* name : {"tcp", "udp", "sctp", "multiport", "comment"}) {
      Conditions conditions;
      RequireMatch(name, revision, info, conditions);
    }
    for (const char* name : {"MARK", "CONNMARK", "TPROXY", "SET"}) {
      const MarkEffect effect = EffectOf(name, revision, info);
      EXPECT_EQ(effect.reason != nullptr, effect.kind == MarkEffect::Kind::kUnclear);
    }
  }
}

}  // namespace
}  // namespace lvs::netfilter
