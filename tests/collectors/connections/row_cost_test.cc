// What a row costs on its way from the text to the counts: no memory.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "collectors/connections/row_parser.h"
#include "collectors/connections/tally.h"
#include "tests/support/allocations.h"
#include "tests/support/connections_world.h"

namespace lvs::connections {
namespace {

using fake::On;
using fake::OnMark;
using enum ipvs::Protocol;

// Rows of every kind, ambiguous ones and lines that are none.
std::string Text() {
  std::string text;
  for (int i = 0; i < 500; ++i) {
    text +=
        "TCP C0000201 8001 0A000001 0050 0A010001 0050 ESTABLISHED LOCAL      899\n"
        "TCP C0000201 8001 0A000009 0050 0A010002 0050 FIN_WAIT    LOCAL       99\n"
        "TCP C0000201 8001 0A000009 0050 0A010009 0050 FIN_WAIT    SYNC        99\n"
        "TCP C0000201 0000 0A000001 0050 0A010001 0050 ASSURED     LOCAL      299\n"
        "TCP C0000201 0000 0A000001 FFFF 0A010001 FFFF NONE        LOCAL      299\n"
        "IP  C0000201 0000 00000001 0000 0A010002 0000 NONE        LOCAL      299\n"
        "no row at all, and long enough to be on the heap if anything kept it as a string\n"
        "TCP 2001:0db8:0000:0000:0000:0000:0000:0007 8001 2001:0db8:0000:0000:0000:0000:0000:0001 "
        "0050 2001:0db8:0000:0000:0000:0000:0000:0011 0050 WORD,WORD LOCAL 119\n";
  }
  return text;
}

TEST(RowCost, NoRowAllocatesMemory) {
  if (!fake::Allocations()) GTEST_SKIP() << "a sanitizer has operator new";
  const fake::Services services = fake::Services()
                                      .Persistent(On(kTcp, "10.0.0.1", 80))
                                      .Backend("10.1.0.1", 80)
                                      .Persistent(OnMark(1))
                                      .Backend("10.1.0.2", 0)
                                      .Plain(OnMark(2))
                                      .Backend("10.1.0.2", 0);
  const ServiceIndex index(services.table());
  Tally tally(index, Level::kBackend);
  const std::string text = Text();
  RowParser parser(Format::kSync);
  const auto before = fake::Allocations();
  for (std::size_t at = 0; at < text.size(); at += 4092) {
    parser.Feed(std::string_view(text).substr(at, 4092),
                [&](const Row& row) { tally.Add(row, Classify(row, index, {})); });
  }
  parser.Finish();
  EXPECT_EQ(fake::Allocations(), before);
  EXPECT_EQ(parser.rows(), 500U * 7);
  EXPECT_TRUE(tally.services[1].has_unsure);
  const std::vector<int> on_the_heap(1);
  EXPECT_GT(fake::Allocations(), before) << "it does count";
}

}  // namespace
}  // namespace lvs::connections
