#include "exporter/http/gzip.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/gunzip.h"

namespace lvs {
namespace {

// A page of about this many bytes.
std::string Page(std::size_t size) {
  std::string page;
  std::mt19937 random(42);
  while (page.size() < size) {
    page += "ipvs_backend_connections_total{local_address=\"10.0.0." +
            std::to_string(random() % 256) + "\",local_port=\"80\"} " + std::to_string(random()) +
            "\n";
  }
  return page;
}

std::string Compress(GzipStream& stream, std::string_view text) {
  stream.Write(text);
  return stream.Finish();
}

TEST(GzipTest, SmallInputsSurviveTheRoundTrip) {
  GzipStream stream;
  for (const std::string& text : {std::string(), std::string("a"), std::string("\0", 1),
                                  std::string("hello\n"), std::string(1000, 'x')}) {
    EXPECT_EQ(Gunzip(Compress(stream, text)), text);
  }
}

TEST(GzipTest, AStreamWithoutAnyWriteIsAnEmptyMember) {
  GzipStream stream;
  EXPECT_EQ(Gunzip(stream.Finish()), "");
  EXPECT_EQ(Gunzip(stream.Finish()), "");
}

TEST(GzipTest, TheHeaderNamesNoTimeAndNoFile) {
  GzipStream stream;
  const std::string compressed = Compress(stream, "hello");
  EXPECT_EQ(compressed.substr(0, 9), std::string("\x1f\x8b\x08\0\0\0\0\0\0", 9));
}

TEST(GzipTest, AThirtyMegabytePageSurvivesAndShrinks) {
  GzipStream stream;
  const std::string page = Page(30 << 20);
  const std::string compressed = Compress(stream, page);
  EXPECT_LT(compressed.size(), page.size() / 2);
  EXPECT_TRUE(Gunzip(compressed) == page);
}

TEST(GzipTest, InputThatDoesNotCompressSurvives) {
  std::mt19937 random(7);
  std::string noise(3 << 20, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  GzipStream stream;
  EXPECT_TRUE(Gunzip(Compress(stream, noise)) == noise);
}

TEST(GzipTest, PiecesOfAnySizeGiveTheSameText) {
  const std::string page = Page(300000);
  GzipStream stream;
  for (const std::size_t piece : {1u, 7u, 4095u, 4096u, 4097u, 32768u, 65535u, 65536u, 65537u}) {
    std::string_view rest = page;
    while (!rest.empty()) {
      stream.Write(rest.substr(0, piece));
      stream.Write("");
      rest.remove_prefix(std::min(piece, rest.size()));
    }
    EXPECT_TRUE(Gunzip(stream.Finish()) == page) << "pieces of " << piece;
  }
}

TEST(GzipTest, OneObjectCompressesManyTextsAlike) {
  const std::string page = Page(100000);
  GzipStream stream;
  const std::string first = Compress(stream, page);
  EXPECT_NE(Compress(stream, "something else"), first);
  EXPECT_EQ(Compress(stream, page), first);
}

TEST(GzipTest, ResetForgetsWhatWasWritten) {
  GzipStream stream;
  stream.Write("lost");
  stream.Reset();
  EXPECT_EQ(Gunzip(Compress(stream, "kept")), "kept");
}

}  // namespace
}  // namespace lvs
