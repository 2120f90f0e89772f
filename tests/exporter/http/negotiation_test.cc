#include "exporter/http/negotiation.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace lvs {
namespace {

constexpr Exposition kText{Format::kText004, Escaping::kUnspecified};
constexpr Exposition kOpenMetrics{Format::kOpenMetrics100, Escaping::kUnspecified};
constexpr Exposition kUtf8{Format::kOpenMetrics100, Escaping::kAllowUtf8};

std::string Repeat(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

struct AcceptRow {
  std::string accept;
  Exposition expected;
};

const std::vector<AcceptRow> kAcceptRows = {
    // Real clients.
    {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
     "application/openmetrics-text;version=0.0.1;q=0.5,"
     "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
     kUtf8},
    {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
     "q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
     "application/openmetrics-text;version=0.0.1;q=0.4,"
     "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
     kUtf8},
    {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
     "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
     kOpenMetrics},
    {"application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", kText},
    {"text/plain;version=0.0.4;q=1,*/*;q=0.1", kText},
    {"*/*", kText},
    {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", kText},
    {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;"
     "q=0.8,application/signed-exchange;v=b3;q=0.7",
     kText},
    {"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", kText},
    {"application/json", kText},
    // No header, nothing readable.
    {"", kText},
    {" ", kText},
    {",", kText},
    {",,, ,", kText},
    {";", kText},
    {"junk", kText},
    {"/", kText},
    {"\"", kText},
    {"=;=,=;q=1", kText},
    {std::string("\0", 1), kText},
    {"\xff\xfe", kText},
    // Versions.
    {"application/openmetrics-text", kOpenMetrics},
    {"application/openmetrics-text;version=1.0.0", kOpenMetrics},
    {"application/openmetrics-text;version=1.0.1", kText},
    {"application/openmetrics-text;version=1.0", kText},
    {"application/openmetrics-text;version=2.0.0", kText},
    {"application/openmetrics-text;version=0.0.1", kText},
    {"application/openmetrics-text;version=\"\"", kText},
    {"text/plain", kText},
    {"text/plain;version=0.0.4", kText},
    {"text/plain;version=1.0.0,application/openmetrics-text;q=0.1", kOpenMetrics},
    {"text/plain;version=0.0.4,application/openmetrics-text;q=0.1", kText},
    {"text/plain,application/openmetrics-text;q=0.1", kText},
    // Letters, blanks, quotes.
    {"APPLICATION/OpenMetrics-Text;VERSION=1.0.0;Q=0.5", kOpenMetrics},
    {"application/openmetrics-text ; version = 1.0.0 ; q = 0.5", kOpenMetrics},
    {"\tapplication/openmetrics-text\t;\tversion=1.0.0\t", kOpenMetrics},
    {"application/openmetrics-text;version=\"1.0.0\"", kOpenMetrics},
    {"application/openmetrics-text;version=\"1.\\0.0\"", kOpenMetrics},
    {"application/openmetrics-text;version=\"1.0.0", kText},
    {"application/openmetrics-text;charset=utf-8;version=1.0.0", kOpenMetrics},
    {"application/openmetrics-text;note=\"a,b;q=0\";version=1.0.0", kOpenMetrics},
    {"text/plain;note=\"x,application/openmetrics-text\"", kText},
    {"application/openmetrics-text;;version=1.0.0;", kOpenMetrics},
    {"application/openmetrics-text;version", kText},
    {"application/openmetrics-text;version=", kText},
    {"application/openmetrics-text;version=1.0.0;version=1.0.0", kText},
    {"application/openmetrics-text version=1.0.0", kText},
    {"application /openmetrics-text", kText},
    // Weights.
    {"application/openmetrics-text;q=0", kText},
    {"application/openmetrics-text;q=0.0,*/*;q=0.1", kText},
    {"application/openmetrics-text;q=0.000", kText},
    {"application/openmetrics-text;q=0.001", kOpenMetrics},
    {"application/openmetrics-text;q=1", kOpenMetrics},
    {"application/openmetrics-text;q=1.000", kOpenMetrics},
    {"application/openmetrics-text;q=1.001", kText},
    {"application/openmetrics-text;q=2", kText},
    {"application/openmetrics-text;q=-0.5", kText},
    {"application/openmetrics-text;q=+0.5", kText},
    {"application/openmetrics-text;q=.5", kText},
    {"application/openmetrics-text;q=nan", kText},
    {"application/openmetrics-text;q=inf", kText},
    {"application/openmetrics-text;q=0x1", kText},
    {"application/openmetrics-text;q=1e0", kText},
    {"application/openmetrics-text;q=0.5.5", kText},
    {"application/openmetrics-text;q=", kText},
    {"application/openmetrics-text;q", kText},
    {"application/openmetrics-text;q=\"0.5\"", kOpenMetrics},
    {"application/openmetrics-text;q=0.5;q=0.6", kText},
    {"application/openmetrics-text;q=0.5;later=1", kOpenMetrics},
    // Order.
    {"text/plain;q=0.5,application/openmetrics-text;q=0.5", kText},
    {"application/openmetrics-text;q=0.5,text/plain;q=0.5", kOpenMetrics},
    {"*/*,application/openmetrics-text", kText},
    {"application/*,application/openmetrics-text", kText},
    {"text/*;q=0.9,application/openmetrics-text", kOpenMetrics},
    {"text/plain;q=0.49,application/openmetrics-text;q=0.5", kOpenMetrics},
    {"text/plain;q=0,application/openmetrics-text;q=0.1", kOpenMetrics},
    {"application/openmetrics-text;q=0,application/openmetrics-text;version=1.0.0", kOpenMetrics},
    {"image/png,application/openmetrics-text;q=0.1", kOpenMetrics},
    {"junk;q,application/openmetrics-text", kOpenMetrics},
    {"a;b=\"unfinished,application/openmetrics-text", kText},
    // Repeated headers, as the border joins them.
    {"text/html, application/openmetrics-text;version=1.0.0", kOpenMetrics},
    {"*/*;q=0.1, application/openmetrics-text;version=1.0.0;q=0.2", kOpenMetrics},
    // Escaping: echoed out of a closed set only.
    {"application/openmetrics-text;escaping=underscores",
     {Format::kOpenMetrics100, Escaping::kUnderscores}},
    {"application/openmetrics-text;escaping=dots", {Format::kOpenMetrics100, Escaping::kDots}},
    {"application/openmetrics-text;escaping=values", {Format::kOpenMetrics100, Escaping::kValues}},
    {"application/openmetrics-text;escaping=\"ALLOW-UTF-8\"", kUtf8},
    {"application/openmetrics-text;escaping=zebra", kOpenMetrics},
    {"text/plain;version=0.0.4;escaping=allow-utf-8", kText},
    // Limits.
    {Repeat("image/png,", 63) + "application/openmetrics-text", kOpenMetrics},
    {Repeat("image/png,", 64) + "application/openmetrics-text", kText},
    {"application/openmetrics-text," + Repeat("image/png,", 64), kText},
    {"application/openmetrics-text;x=" + std::string(8161, 'a'), kOpenMetrics},
    {"application/openmetrics-text;x=" + std::string(8162, 'a'), kText},
    {Repeat(",", 8000) + "application/openmetrics-text", kOpenMetrics},
    {Repeat("\"", 8000), kText},
};

TEST(NegotiationTest, FormatFollowsTheTable) {
  static_assert(sizeof("application/openmetrics-text;x=") - 1 + 8161 == 8192);
  ASSERT_GE(kAcceptRows.size(), 60u);
  for (const AcceptRow& row : kAcceptRows) {
    EXPECT_EQ(NegotiateExposition(row.accept), row.expected) << row.accept.substr(0, 200);
  }
}

TEST(NegotiationTest, ContentTypeNamesFormatAndEscaping) {
  EXPECT_EQ(ContentType(kText), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(ContentType(kOpenMetrics),
            "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_EQ(ContentType(kUtf8),
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8");
  EXPECT_EQ(ContentType({Format::kOpenMetrics100, Escaping::kUnderscores}),
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores");
  EXPECT_EQ(ContentType({Format::kOpenMetrics100, Escaping::kDots}),
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=dots");
  EXPECT_EQ(ContentType({Format::kOpenMetrics100, Escaping::kValues}),
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=values");
}

struct EncodingRow {
  std::string accept_encoding;
  Encoding expected;
};

const std::vector<EncodingRow> kEncodingRows = {
    {"gzip", Encoding::kGzip},                     // Prometheus
    {"identity", Encoding::kIdentity},             // Prometheus with compression off
    {"gzip, deflate, br, zstd", Encoding::kGzip},  // a browser
    {"deflate, gzip, br, zstd", Encoding::kGzip},  // curl --compressed
    {"", Encoding::kIdentity},
    {" ", Encoding::kIdentity},
    {",", Encoding::kIdentity},
    {"x-gzip", Encoding::kGzip},
    {"GZIP", Encoding::kGzip},
    {"*", Encoding::kGzip},
    {"*;q=0", Encoding::kIdentity},
    {"*;q=0.1", Encoding::kGzip},
    {"gzip;q=0", Encoding::kIdentity},
    {"gzip;q=0.0", Encoding::kIdentity},
    {"gzip;q=0.001", Encoding::kGzip},
    {"gzip;q=1.0", Encoding::kGzip},
    {"gzip; q=0.5", Encoding::kGzip},
    {"gzip ;\tq=0.5", Encoding::kGzip},
    {"gzip;q=1.1", Encoding::kIdentity},
    {"gzip;q=-1", Encoding::kIdentity},
    {"gzip;q=x", Encoding::kIdentity},
    {"gzip;q=", Encoding::kIdentity},
    {"gzip;q=0,*", Encoding::kIdentity},
    {"*,gzip;q=0", Encoding::kIdentity},
    {"x-gzip;q=0,*", Encoding::kIdentity},
    {"gzip;q=0,x-gzip", Encoding::kIdentity},
    {"identity;q=1,gzip;q=0.5", Encoding::kGzip},
    {"identity;q=0", Encoding::kIdentity},
    {"identity;q=0,gzip", Encoding::kGzip},
    {"br", Encoding::kIdentity},
    {"zstd,br;q=0.5", Encoding::kIdentity},
    {"zstd, gzip;q=0.1", Encoding::kGzip},
    {"gzipped", Encoding::kIdentity},
    {"not-gzip", Encoding::kIdentity},
    {"gzip gzip", Encoding::kIdentity},
    {"\"gzip\"", Encoding::kIdentity},
    {"br, gzip", Encoding::kGzip},
    {"junk;;=, gzip", Encoding::kGzip},
    {Repeat("br,", 63) + "gzip", Encoding::kGzip},
    {Repeat("br,", 64) + "gzip", Encoding::kIdentity},
    {"gzip," + std::string(8188, 'a'), Encoding::kIdentity},
    {"gzip," + std::string(8187, 'a'), Encoding::kGzip},
};

TEST(NegotiationTest, EncodingFollowsTheTable) {
  ASSERT_GE(kEncodingRows.size(), 30u);
  for (const EncodingRow& row : kEncodingRows) {
    EXPECT_EQ(NegotiateEncoding(row.accept_encoding), row.expected)
        << row.accept_encoding.substr(0, 200);
  }
}

TEST(NegotiationTest, DamagedHeadersAreSurvived) {
  std::mt19937 random(20200504);
  constexpr std::string_view kAlphabet =
      "application/openmetrics-text;version=1.0.0,q0.5*/\"\\ \tgzip\x01\xff";
  for (int round = 0; round < 20000; ++round) {
    std::string header(kAcceptRows[random() % kAcceptRows.size()].accept.substr(0, 300));
    for (int change = 0; change < 3 && !header.empty(); ++change) {
      header[random() % header.size()] = kAlphabet[random() % kAlphabet.size()];
    }
    header.resize(random() % (header.size() + 1));
    EXPECT_FALSE(ContentType(NegotiateExposition(header)).empty());
    const Encoding encoding = NegotiateEncoding(header);
    EXPECT_TRUE(encoding == Encoding::kIdentity || encoding == Encoding::kGzip);
  }
}

}  // namespace
}  // namespace lvs
