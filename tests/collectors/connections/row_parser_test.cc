#include "collectors/connections/row_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/ip.h"

namespace lvs::connections {
namespace {

using testing::ElementsAre;

// As Linux 6.1 writes them; 6.14 and 7.x read the table in another way and write the same.
constexpr std::string_view kSyncHeader =
    "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Origin Expires\n";
constexpr std::string_view kSyncRows =
    "TCP C0000201 8001 0A000001 0050 0A010001 0050 ESTABLISHED LOCAL      899\n"
    "UDP 0A040002 1F90 0A030001 0035 0A020002 0035 UDP         SYNC       299\n"
    "SCTP C0000201 8001 0A000001 2328 0A010001 2328 C-ECHOED    LOCAL        3\n"
    "TCP 2001:0db8:0000:0000:0000:0000:0000:0007 8001 2001:0db8:0000:0000:0000:0000:0000:0001 0050 "
    "2001:0db8:0000:0000:0000:0000:0001:0001 0050 FIN_WAIT    LOCAL      119\n"
    "IP_50 C0000201 01F4 0A000001 01F4 0A010001 01F4 ERR!        LOCAL       59\n"
    "ICMPv6 2001:0db8:0000:0000:0000:0000:0000:0007 0080 2001:0db8:0000:0000:0000:0000:0000:0001 "
    "0000 2001:0db8:0000:0000:0000:0000:0001:0001 0000 NONE        LOCAL       29\n"
    "IP  0A040002 0000 0000012C 0000 0A020002 0000 NONE        LOCAL      299\n";

constexpr std::string_view kPlainHeader =
    "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n";
constexpr std::string_view kPlainRows =
    "TCP C0000201 8001 0A000001 0050 0A010001 0050 ESTABLISHED     899\n"
    "UDP C0000201 0000 0A000001 13C4 0A010001 13C4 NONE             59 sip call-id@host\n";

std::optional<Row> Sync(std::string_view line) { return ParseRow(line, Format::kSync); }
std::optional<Row> Plain(std::string_view line) { return ParseRow(line, Format::kPlain); }

struct Parsed {
  std::vector<State> states;
  std::uint64_t rows = 0;
  std::uint64_t skipped = 0;
};

// Feeds the text in chunks of the sizes that next_size gives.
template <class NextSize>
Parsed Parse(std::string_view text, Format format, NextSize next_size) {
  RowParser parser(format);
  Parsed parsed;
  while (!text.empty()) {
    const std::size_t size = std::min<std::size_t>(next_size(), text.size());
    parser.Feed(text.substr(0, size), [&](const Row& row) { parsed.states.push_back(row.state); });
    text.remove_prefix(size);
  }
  parser.Finish();
  parsed.rows = parser.rows();
  parsed.skipped = parser.skipped_lines();
  return parsed;
}

Parsed Parse(std::string_view text, Format format = Format::kSync) {
  return Parse(text, format, [&] { return text.size(); });
}

TEST(Row, HasWhatTheLineSays) {
  const auto row = Sync("TCP C0000201 8001 0A000001 0050 0A010001 1F90 ESTABLISHED LOCAL      899");
  ASSERT_TRUE(row);
  EXPECT_EQ(row->protocol, kTcpNumber);
  EXPECT_EQ(row->family, AddressFamily::kIpv4);
  EXPECT_EQ(row->client_port, 0x8001);
  EXPECT_EQ(row->virtual_address, fake::Ip("10.0.0.1"));
  EXPECT_EQ(row->virtual_port, 80);
  EXPECT_EQ(row->destination, fake::Ip("10.1.0.1"));
  EXPECT_EQ(row->destination_port, 8080);
  EXPECT_EQ(row->state, State::kEstablished);
  EXPECT_EQ(row->origin, Origin::kLocal);
  EXPECT_EQ(row->expires, 899U);
  EXPECT_FALSE(row->has_engine);
}

TEST(Row, ReadsIpv6AddressesInFull) {
  const auto row = Sync(
      "TCP 2001:0db8:0000:0000:0000:0000:0000:0007 8001 2001:0db8:0000:0000:0000:0000:0000:0001 "
      "0050 2001:0db8:0000:0000:0000:0000:0001:abcd 0050 FIN_WAIT    SYNC       119");
  ASSERT_TRUE(row);
  EXPECT_EQ(row->family, AddressFamily::kIpv6);
  EXPECT_EQ(row->virtual_address, fake::Ip("2001:db8::1"));
  EXPECT_EQ(row->destination, fake::Ip("2001:db8::1:abcd"));
  EXPECT_EQ(row->origin, Origin::kSync);
}

TEST(Row, ADestinationMayHaveAnotherFamily) {
  const auto row = Sync(
      "TCP C0000201 8001 0A000001 0050 2001:0db8:0000:0000:0000:0000:0000:0001 0050 NONE LOCAL 1");
  ASSERT_TRUE(row);
  EXPECT_EQ(row->family, AddressFamily::kIpv4);
  EXPECT_EQ(row->destination, fake::Ip("2001:db8::1"));
}

TEST(Row, KnowsEveryProtocol) {
  const std::vector<std::pair<std::string, int>> protocols = {
      {"TCP", 6}, {"UDP", 17},   {"SCTP", 132}, {"ICMP", 1},    {"ICMPv6", 58},
      {"IP", 0},  {"IP_50", 50}, {"IP_51", 51}, {"IP_255", 255}};
  for (const auto& [word, number] : protocols) {
    const auto row = Sync(word + " C0000201 8001 0A000001 0050 0A010001 0050 NONE LOCAL 1");
    ASSERT_TRUE(row) << word;
    EXPECT_EQ(row->protocol, number) << word;
  }
}

TEST(Row, KnowsEveryStateAndCallsTheRestOther) {
  const std::string begin = "TCP C0000201 8001 0A000001 0050 0A010001 0050 ";
  // As they stand in ip_vs_proto_tcp.c, _udp.c, _sctp.c and ip_vs_conn.c.
  const std::pair<const char*, State> words[] = {{"NONE", State::kNone},
                                                 {"ESTABLISHED", State::kEstablished},
                                                 {"SYN_SENT", State::kSynSent},
                                                 {"SYN_RECV", State::kSynRecv},
                                                 {"FIN_WAIT", State::kFinWait},
                                                 {"TIME_WAIT", State::kTimeWait},
                                                 {"CLOSE", State::kClose},
                                                 {"CLOSE_WAIT", State::kCloseWait},
                                                 {"LAST_ACK", State::kLastAck},
                                                 {"LISTEN", State::kListen},
                                                 {"SYNACK", State::kSynAck},
                                                 {"UDP", State::kUdp},
                                                 {"INIT1", State::kInit1},
                                                 {"INIT", State::kInit},
                                                 {"C-SENT", State::kCookieSent},
                                                 {"C-REPLIED", State::kCookieReplied},
                                                 {"C-WAIT", State::kCookieWait},
                                                 {"COOKIE", State::kCookie},
                                                 {"C-ECHOED", State::kCookieEchoed},
                                                 {"S-SENT", State::kShutdownSent},
                                                 {"S-RECEIVED", State::kShutdownReceived},
                                                 {"S-ACK-SENT", State::kShutdownAckSent},
                                                 {"REJECTED", State::kRejected},
                                                 {"CLOSED", State::kClosed},
                                                 {"ASSURED", State::kAssured}};
  EXPECT_EQ(std::size(words) + 1, kStates);
  for (const auto& [word, state] : words) {
    const auto row = Sync(begin + word + " LOCAL 1");
    ASSERT_TRUE(row) << word;
    EXPECT_EQ(row->state, state) << word;
    EXPECT_EQ(Word(row->state), word) << "what is exported is the kernel's word";
  }
  for (const char* word : {"ERR!", "BUG!", "?", "NONE,ASSURED", "other", "established"}) {
    const auto row = Sync(begin + word + " LOCAL 1");
    ASSERT_TRUE(row) << word;
    EXPECT_EQ(row->state, State::kOther) << word;
  }
}

TEST(Row, WithoutOriginItMayHaveColumnsOfAnEngineWithAnyBytes) {
  const std::string begin = "UDP C0000201 0000 0A000001 13C4 0A010001 13C4 NONE 59";
  EXPECT_FALSE(Plain(begin)->has_engine);
  EXPECT_EQ(Plain(begin)->origin, Origin::kUnknown);
  EXPECT_FALSE(Plain(begin + "  ")->has_engine);
  for (const std::string& data : std::vector<std::string>{" sip call-id@host", " sip a b c",
                                                          std::string(" sip \0\xff\x1b", 8)}) {
    const auto row = Plain(begin + data);
    ASSERT_TRUE(row);
    EXPECT_TRUE(row->has_engine);
    EXPECT_EQ(row->expires, 59U);
  }
}

TEST(Row, AWordForTheOriginThatNobodyKnowsYetIsNoReasonToDropTheRow) {
  const auto row = Sync("TCP C0000201 8001 0A000001 0050 0A010001 0050 NONE ELSEWHERE 1");
  ASSERT_TRUE(row);
  EXPECT_EQ(row->origin, Origin::kUnknown);
}

TEST(Row, WhatIsNoRowIsRefused) {
  const std::string good = "TCP C0000201 8001 0A000001 0050 0A010001 0050 NONE LOCAL 1";
  ASSERT_TRUE(Sync(good));
  for (const char* line :
       {"",
        " ",
        "Pro FromIP   FPrt ToIP         TPrt DestIP       DPrt State       Origin Expires",
        "TCP",
        "TCP C0000201 8001 0A000001 0050 0A010001 0050",
        "TCP C0000201 8001 0A000001 0050 0A010001 0050 NONE",
        "TCP C0000201 8001 0A000001 0050 0A010001 0050 NONE LOCAL",
        "TCP C0000201 8001 0A000001 0050 0A010001 0050 NONE LOCAL x",
        "TCP C0000201 8001 0A000001 0050 0A010001 0050 NONE LOCAL -1",
        "TCP C0000201 8001 0A000001 0050 0A010001 0050 NONE LOCAL 4294967296",
        "TCP C0000201 8001 0A000001 0050 0A010001 0050 NONE LOCAL 99999999999",
        "tcp C0000201 8001 0A000001 0050 0A010001 0050 NONE LOCAL 1",
        "IP_ C0000201 8001 0A000001 0050 0A010001 0050 NONE LOCAL 1",
        "IP_256 C0000201 8001 0A000001 0050 0A010001 0050 NONE LOCAL 1",
        "TCP C000020 8001 0A000001 0050 0A010001 0050 NONE LOCAL 1",
        "TCP C000020G 8001 0A000001 0050 0A010001 0050 NONE LOCAL 1",
        "TCP C0000201 801 0A000001 0050 0A010001 0050 NONE LOCAL 1",
        "TCP C0000201 8001 0A000001 00500 0A010001 0050 NONE LOCAL 1",
        "TCP C0000201 8001 0A000001 0050 0A010001 005G NONE LOCAL 1",
        "TCP 2001:0db8:0000:0000:0000:0000:0000:0007 8001 0A000001 0050 0A010001 0050 NONE LOCAL 1",
        "TCP C0000201 8001 0A000001 0050 2001:0db8:0000:0000:0000:0000:0000.0007 0050 NONE LOCAL 1",
        "TCP C0000201 8001 0A000001 0050 [2001:db8:0000:0000:0000:0000:0000:0007 0050 NONE LOCAL "
        "1"}) {
    EXPECT_FALSE(Sync(line)) << line;
  }
}

TEST(RowParser, TakesTheRowsOfBothFiles) {
  const Parsed sync = Parse(std::string(kSyncHeader) + std::string(kSyncRows));
  EXPECT_THAT(sync.states, ElementsAre(State::kEstablished, State::kUdp, State::kCookieEchoed,
                                       State::kFinWait, State::kOther, State::kNone, State::kNone));
  EXPECT_EQ(sync.rows, 7U);
  EXPECT_EQ(sync.skipped, 0U);
  const Parsed plain = Parse(std::string(kPlainHeader) + std::string(kPlainRows), Format::kPlain);
  EXPECT_THAT(plain.states, ElementsAre(State::kEstablished, State::kNone));
  EXPECT_EQ(plain.skipped, 0U);
}

// The same columns since 6.14; later kernels may join words with commas.
TEST(RowParser, TakesTheRowsOfLaterKernels) {
  const Parsed parsed = Parse(
      "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Origin Expires\n"
      "TCP C0000201 8001 0A000001 0050 0A010001 0050 ESTABLISHED LOCAL      899\n"
      "TCP C0000201 0000 0A000001 0050 0A010001 0050 NONE,ASSURED LOCAL      299\n"
      "TCP C0000201 8002 0A000001 0050 0A010001 0050 ESTABLISHED,ASSURED LOCAL 899\n"
      "UDP C0000201 8003 0A000001 0035 0A010001 0035 UDP,REPLIED LOCAL      299\n"
      "TCP 2001:0db8:0000:0000:0000:0000:0000:0007 8001 2001:0db8:0000:0000:0000:0000:0000:0001 "
      "0050 2001:0db8:0000:0000:0000:0000:0000:0011 0050 FIN_WAIT    SYNC,NEW 119\n");
  EXPECT_THAT(parsed.states, ElementsAre(State::kEstablished, State::kOther, State::kOther,
                                         State::kOther, State::kFinWait));
  EXPECT_EQ(parsed.skipped, 0U);
}

TEST(RowParser, ChunksMayEndAnywhere) {
  const std::string text = std::string(kSyncHeader) + std::string(kSyncRows);
  const Parsed whole = Parse(text);
  for (std::size_t size = 1; size <= text.size(); ++size) {
    const Parsed parsed = Parse(text, Format::kSync, [size] { return size; });
    EXPECT_EQ(parsed.states, whole.states) << "chunks of " << size;
    EXPECT_EQ(parsed.skipped, 0U) << "chunks of " << size;
  }
}

TEST(RowParser, TheOrderOfRowsAndDoubledOnesChangeOnlyTheOrderAndTheNumber) {
  std::vector<std::string> lines;
  for (std::string_view rest = kSyncRows; !rest.empty();) {
    const std::size_t end = rest.find('\n') + 1;
    lines.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end);
  }
  std::vector<State> expected = Parse(kSyncRows).states;
  std::ranges::sort(expected);
  std::mt19937 random(1);
  std::ranges::shuffle(lines, random);
  std::string text;
  for (const std::string& line : lines) text += line;
  Parsed shuffled = Parse(text);
  std::ranges::sort(shuffled.states);
  EXPECT_EQ(shuffled.states, expected);
  EXPECT_EQ(Parse(text + lines[0] + lines[0]).rows, lines.size() + 2);
}

TEST(RowParser, ATornRowIsSkippedAndTheNextOneIsTaken) {
  const std::string text =
      "TCP C0000201 8001 0A000001 0050 0A01\n"
      "TCP C0000201 8001 0A000001 0050 0A010001 0050 CLOSE       LOCAL        9\n";
  const Parsed parsed = Parse(text);
  EXPECT_THAT(parsed.states, ElementsAre(State::kClose));
  EXPECT_EQ(parsed.skipped, 1U);
}

TEST(RowParser, ALastLineWithoutItsEndIsSkipped) {
  const Parsed parsed =
      Parse("TCP C0000201 8001 0A000001 0050 0A010001 0050 CLOSE       LOCAL        9");
  EXPECT_EQ(parsed.rows, 0U);
  EXPECT_EQ(parsed.skipped, 1U);
}

TEST(RowParser, LinesThatAreTooLongAreSkippedInWhateverChunksTheyCome) {
  const std::string row =
      "TCP C0000201 8001 0A000001 0050 0A010001 0050 CLOSE       LOCAL        9\n";
  const std::string text = row + std::string(5000, 'x') + "\n" + row;
  for (const std::size_t size : {1UL, 100UL, 1024UL, 4096UL, text.size()}) {
    const Parsed parsed = Parse(text, Format::kSync, [size] { return size; });
    EXPECT_EQ(parsed.rows, 2U) << size;
    EXPECT_EQ(parsed.skipped, 1U) << size;
  }
}

TEST(RowParser, ARowWithEndlessBytesOfAnEngineIsSkippedInWhateverChunksItComes) {
  const std::string text =
      "UDP C0000201 0000 0A000001 13C4 0A010001 13C4 NONE 59 sip " + std::string(1200, 'x') + "\n";
  for (const std::size_t size : {1UL, 1000UL, text.size()}) {
    const Parsed parsed = Parse(text, Format::kPlain, [size] { return size; });
    EXPECT_EQ(parsed.rows, 0U) << size;
    EXPECT_EQ(parsed.skipped, 1U) << size;
  }
}

TEST(RowParser, BytesOfAnEngineWithLineFeedsCostTheirLinesOnly) {
  const std::string text =
      "UDP C0000201 0000 0A000001 13C4 0A010001 13C4 NONE             59 sip a\nb\n\nc\n"
      "TCP C0000201 8001 0A000001 0050 0A010001 0050 CLOSE             9\n";
  const Parsed parsed = Parse(text, Format::kPlain);
  EXPECT_THAT(parsed.states, ElementsAre(State::kNone, State::kClose));
  EXPECT_EQ(parsed.skipped, 3U);
}

TEST(RowParser, RandomDamageNeverMakesMoreRowsThanLines) {
  const std::string text = std::string(kSyncHeader) + std::string(kSyncRows);
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = text;
    for (int i = 0; i < 5; ++i) damaged[random() % damaged.size()] = static_cast<char>(random());
    damaged.resize(random() % (damaged.size() + 1));
    const auto lines = static_cast<std::uint64_t>(std::ranges::count(damaged, '\n'));
    const Parsed parsed =
        Parse(damaged, Format::kSync, [&] { return std::size_t{1} + random() % 50; });
    EXPECT_LE(parsed.rows, lines);
    EXPECT_LE(parsed.rows + parsed.skipped, lines + 1);
  }
}

}  // namespace
}  // namespace lvs::connections
