#include "collectors/probes/http_answer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/with.h"

namespace lvs::probes {
namespace {

using Ranges = std::vector<StatusRange>;
using Texts = std::map<std::string, std::string>;

constexpr std::size_t kWhole = ~std::size_t{0};

std::shared_ptr<const HttpPatterns> Compiled(const HttpOptions& options) {
  auto patterns = HttpPatterns::Compile(options);
  EXPECT_TRUE(patterns.ok());
  return patterns.value();
}

HttpVerdict Judge(const HttpOptions& options, std::string_view text, HttpEnding ending,
                  std::size_t piece = kWhole) {
  const auto patterns = Compiled(options);
  HttpAnswer answer(options, *patterns);
  while (!text.empty() && !answer.verdict().has_value()) {
    const std::string_view next = text.substr(0, piece);
    answer.Take(next);
    text.remove_prefix(next.size());
  }
  answer.End(ending);
  return answer.verdict().value();
}

// "none", or the reason with its detail.
std::string Said(const HttpVerdict& verdict) {
  std::string said(Name(verdict.reason));
  if (!verdict.detail.empty()) said += ": " + verdict.detail;
  return verdict.drain ? said + " (drain)" : said;
}

std::string Said(const HttpOptions& options, std::string_view text,
                 HttpEnding ending = HttpEnding::kClosed) {
  return Said(Judge(options, text, ending));
}

// Whether there is a verdict although the connection stays open.
bool IsDecidedBy(const HttpOptions& options, std::string_view text) {
  const auto patterns = Compiled(options);
  HttpAnswer answer(options, *patterns);
  answer.Take(text);
  return answer.verdict().has_value();
}

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view kChunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nall\r\n5;x=y\r\n good\r\n0\r\n"
    "X: y\r\n\r\n";

TEST(HttpAnswer, AcceptsAGoodAnswer) {
  EXPECT_EQ(Said({}, kOk), "none");
  EXPECT_TRUE(IsDecidedBy({}, kOk));
}

TEST(HttpAnswer, WrongStatusSaysWhatWasExpected) {
  EXPECT_EQ(Said(With(&HttpOptions::expect_status, Ranges{{200, 200}, {300, 399}}),
                 "HTTP/1.1 500 Oops\r\n\r\n"),
            "http_status: expected status 200, 300-399, got 500");
}

TEST(HttpAnswer, WrongStatusNeedsNoBody) {
  EXPECT_TRUE(IsDecidedBy({}, "HTTP/1.1 500 Oops\r\n\r\n"));
}

TEST(HttpAnswer, DrainStatusIsASuccessThatAsksForNothingElse) {
  EXPECT_EQ(
      Said(With(&HttpOptions::expect_body, "ok", &HttpOptions::drain_status, Ranges{{503, 503}}),
           "HTTP/1.1 503 Leaving\r\nContent-Length: 3\r\n\r\nbye"),
      "none (drain)");
}

TEST(HttpAnswer, SkipsInterimResponses) {
  const std::string early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  EXPECT_EQ(Said({}, early + std::string(kOk)), "none");
  std::string six;
  for (int i = 0; i < 6; ++i) six += early;
  EXPECT_EQ(Said({}, six + std::string(kOk)), "http_protocol: more than 5 interim responses");
}

TEST(HttpAnswer, SwitchingProtocolsIsNoInterimResponse) {
  EXPECT_EQ(Said({}, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
            "http_status: expected status 200-299, got 101");
}

TEST(HttpAnswer, HeadHasNoBodyWhateverItsLengthSays) {
  EXPECT_TRUE(IsDecidedBy(With(&HttpOptions::method, HttpOptions::Method::kHead),
                          "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"));
}

TEST(HttpAnswer, NoContentHasNoBody) {
  EXPECT_TRUE(IsDecidedBy({}, "HTTP/1.1 204 No Content\r\n\r\n"));
}

TEST(HttpAnswer, BareLineFeedsAreNotHttp) {
  EXPECT_EQ(Said({}, "HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
            "http_protocol: a header line ends without CR: HTTP/1.1 200 OK");
}

TEST(HttpAnswer, OtherProtocolsAreSeenAtTheFirstByte) {
  EXPECT_EQ(Said({}, "SSH-2.0-OpenSSH_9.2p1\r\n"),
            "http_protocol: not HTTP/1: SSH-2.0-OpenSSH_9.2p1\r\n");
  EXPECT_TRUE(IsDecidedBy({}, "S"));
}

TEST(HttpAnswer, ContradictingLengthsAreNotHttp) {
  EXPECT_EQ(Judge({}, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                  HttpEnding::kClosed)
                .reason,
            Reason::kHttpProtocol);
}

TEST(HttpAnswer, EndlessHeaderEndsAtItsBound) {
  std::string header = "HTTP/1.1 200 OK\r\n";
  while (header.size() < HttpAnswer::kMaxHeader)
    header += "X-Filler: " + std::string(80, 'x') + "\r\n";
  EXPECT_EQ(Said({}, header), "http_protocol: header longer than 16 KiB");
}

TEST(HttpAnswer, ClosedBeforeTheFirstByteIsEmpty) {
  EXPECT_EQ(Said({}, ""), "http_empty");
  EXPECT_EQ(Said({}, "", HttpEnding::kReset), "http_reset");
  EXPECT_EQ(Said({}, "", HttpEnding::kTimeout), "http_timeout_first_byte");
}

TEST(HttpAnswer, EndInsideTheHeader) {
  EXPECT_EQ(Said({}, "HTTP/1.1 200"), "http_reset: closed inside the header");
  EXPECT_EQ(Said({}, "HTTP/1.1 200", HttpEnding::kTimeout), "http_timeout_body: inside the header");
}

TEST(HttpAnswer, EndInsideABodyOfKnownLength) {
  const std::string_view cut = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok";
  EXPECT_EQ(Said({}, cut), "http_reset: closed after 2 bytes of body");
  EXPECT_EQ(Said({}, cut, HttpEnding::kTimeout), "http_timeout_body: after 2 bytes of body");
}

TEST(HttpAnswer, EndInsideAChunkedBody) {
  EXPECT_EQ(Said({}, kChunked.substr(0, kChunked.size() - 2)),
            "http_reset: closed after 8 bytes of body");
}

TEST(HttpAnswer, CloseEndsABodyWithoutLengthAndResetDoesNot) {
  const std::string_view text = "HTTP/1.1 200 OK\r\n\r\nok";
  EXPECT_EQ(Said(With(&HttpOptions::expect_body, "^ok$"), text), "none");
  EXPECT_EQ(Said(With(&HttpOptions::expect_body, "^ok$"), text, HttpEnding::kReset),
            "http_reset: closed after 2 bytes of body");
}

TEST(HttpAnswer, TakesTheChunkedCodingOff) {
  EXPECT_EQ(Said(With(&HttpOptions::expect_body, "^all good$"), kChunked), "none");
}

TEST(HttpAnswer, BrokenChunksAreNotHttp) {
  EXPECT_EQ(Said({}, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            "http_protocol: a body that is not chunked as announced");
}

// Beast 1.81 asserts on this one.
TEST(HttpAnswer, EmptyChunkedBodyMayTrickle) {
  const std::string_view text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  EXPECT_EQ(Said(Judge({}, text, HttpEnding::kTimeout, 1)), "none");
}

TEST(HttpAnswer, MismatchShowsTheBodysFirstBytes) {
  EXPECT_EQ(Said(With(&HttpOptions::expect_body, "fine"), kOk),
            "http_body_mismatch: body does not match fine: ok");
  EXPECT_EQ(Said(With(&HttpOptions::reject_body, "o."), kOk),
            "http_body_mismatch: body matches o.: ok");
}

TEST(HttpAnswer, RejectionCountsEvenIfTheExpectedIsThere) {
  EXPECT_EQ(Judge(With(&HttpOptions::expect_body, "o", &HttpOptions::reject_body, "k"), kOk,
                  HttpEnding::kClosed)
                .reason,
            Reason::kHttpBodyMismatch);
}

TEST(HttpAnswer, PatternsSeeBytes) {
  EXPECT_EQ(Said(With(&HttpOptions::expect_body, "^\\xff.\\x01$"),
                 "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\xff\xfe\x01"),
            "none");
  EXPECT_EQ(Said(With(&HttpOptions::expect_body, "gr\u00fcn"),
                 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ngr\u00fcn"),
            "none");
}

TEST(HttpAnswer, ExpectedHeaderIsFoundInAnyOfItsLines) {
  const HttpOptions options = With(&HttpOptions::expect_header, Texts{{"x-role", "^primary$"}});
  EXPECT_EQ(Said(options, "HTTP/1.1 200 OK\r\nX-Role: a\r\nX-Role: primary\r\n\r\n"), "none");
  EXPECT_EQ(Said(options, "HTTP/1.1 200 OK\r\nX-Role: replica\r\n\r\n"),
            "http_header_mismatch: header x-role does not match ^primary$: replica");
  EXPECT_EQ(Said(options, "HTTP/1.1 200 OK\r\n\r\n"), "http_header_mismatch: no header x-role");
}

TEST(HttpAnswer, LongBodyIsNoFailureByItself) {
  const std::string endless = "HTTP/1.1 200 OK\r\n\r\n" + std::string(2000, 'x');
  EXPECT_TRUE(IsDecidedBy(With(&HttpOptions::max_body, 1024), endless));
  EXPECT_EQ(Said(With(&HttpOptions::max_body, 1024), endless), "none");
}

TEST(HttpAnswer, NoMatchWithinMaxBodyIsTooLarge) {
  const std::string endless = "HTTP/1.1 200 OK\r\n\r\n" + std::string(1024, 'x') + "ok";
  EXPECT_EQ(Said(With(&HttpOptions::expect_body, "ok", &HttpOptions::max_body, 1024), endless),
            "http_body_too_large: no match of ok in the first 1024 bytes");
}

TEST(HttpAnswer, BodyOfExactlyMaxBodyIsNotTooLarge) {
  const std::string text =
      "HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n" + std::string(1024, 'x');
  EXPECT_EQ(Judge(With(&HttpOptions::expect_body, "ok", &HttpOptions::max_body, 1024), text,
                  HttpEnding::kClosed)
                .reason,
            Reason::kHttpBodyMismatch);
}

TEST(HttpAnswer, HugeAnnouncedLengthTakesNoMemory) {
  EXPECT_EQ(Said({}, "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nok"),
            "http_reset: closed after 2 bytes of body");
}

TEST(HttpAnswer, EndsAtTheMatchAlthoughTheBodyGoesOn) {
  const std::string_view endless =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nall ok, and";
  EXPECT_TRUE(IsDecidedBy(With(&HttpOptions::expect_body, "ok"), endless));
  EXPECT_TRUE(IsDecidedBy(With(&HttpOptions::expect_body, "ok\\b"), endless));
  EXPECT_FALSE(IsDecidedBy(With(&HttpOptions::expect_body, "fine"), endless));
}

TEST(HttpAnswer, DoesNotEndAtAMatchThatNeedsTheBodysEnd) {
  const std::string_view begun = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nall ok";
  EXPECT_FALSE(IsDecidedBy(With(&HttpOptions::expect_body, "ok$"), begun));
  EXPECT_FALSE(IsDecidedBy(With(&HttpOptions::expect_body, "ok\\b"), begun));
  EXPECT_EQ(Said(With(&HttpOptions::expect_body, "ok$"), std::string(begun) + "!"),
            "http_body_mismatch: body does not match ok$: all ok!");
}

TEST(HttpAnswer, DoesNotEndAtTheMatchWhileARejectionMayFollow) {
  EXPECT_FALSE(IsDecidedBy(With(&HttpOptions::expect_body, "ok", &HttpOptions::reject_body, "bad"),
                           "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nall ok, and"));
}

TEST(HttpAnswer, FactsAreThoseOfTheFinalResponse) {
  const HttpOptions options;
  const auto patterns = Compiled(options);
  HttpAnswer answer(options, *patterns);
  answer.Take("HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_FALSE(answer.status().has_value());
  answer.Take(kOk);
  EXPECT_EQ(answer.status(), 200u);
  EXPECT_EQ(answer.body_bytes(), 2u);
}

TEST(HttpAnswer, PiecesNeverChangeTheVerdict) {
  const std::vector<HttpOptions> questions = {
      {},
      With(&HttpOptions::expect_body, "good$"),
      With(&HttpOptions::expect_body, "ok"),
      With(&HttpOptions::expect_body, "ok\\b", &HttpOptions::max_body, 4),
      With(&HttpOptions::reject_body, "\\bgood\\b"),
      With(&HttpOptions::expect_body, "all", &HttpOptions::reject_body, "good$"),
      With(&HttpOptions::expect_body, "", &HttpOptions::expect_header, Texts{{"x", "y"}},
           &HttpOptions::drain_status, Ranges{{503, 503}}),
  };
  const std::vector<std::string> answers = {
      std::string(kOk),
      std::string(kChunked),
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nok..broken",
      "HTTP/1.1 200 OK\r\n\r\nok, all is good",
      "HTTP/1.1 200 OK\n\n",
      "HTTP/1.0 503 No\r\nX: y\r\n\r\n",
      "HTTP/1.1 103 Wait\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall good, more",
      "nonsense",
  };
  for (const HttpOptions& question : questions) {
    for (const std::string& answer : answers) {
      for (const auto ending : {HttpEnding::kClosed, HttpEnding::kReset, HttpEnding::kTimeout}) {
        const HttpVerdict whole = Judge(question, answer, ending);
        for (const std::size_t piece : std::vector<std::size_t>{1, 2, 3, 7, 20}) {
          const HttpVerdict in_pieces = Judge(question, answer, ending, piece);
          EXPECT_EQ(Name(in_pieces.reason), Name(whole.reason)) << answer << " by " << piece;
          EXPECT_EQ(in_pieces.drain, whole.drain) << answer << " by " << piece;
        }
      }
    }
  }
}

TEST(HttpPatterns, ErrorNamesTheKey) {
  const auto bad_body = HttpPatterns::Compile(With(&HttpOptions::expect_body, "("));
  ASSERT_FALSE(bad_body.ok());
  EXPECT_EQ(bad_body.error().message, "http.expect_body: missing ): (");
  const auto bad_header =
      HttpPatterns::Compile(With(&HttpOptions::expect_header, Texts{{"X-A", "*"}}));
  ASSERT_FALSE(bad_header.ok());
  EXPECT_EQ(bad_header.error().message,
            "http.expect_header.X-A: no argument for repetition operator: *");
}

TEST(HttpPatterns, PatternThatTakesTooMuchMemoryIsRefused) {
  const auto huge = HttpPatterns::Compile(With(&HttpOptions::reject_body, "((a{100}){100}){100}"));
  ASSERT_FALSE(huge.ok());
  EXPECT_TRUE(huge.error().message.starts_with("http.reject_body: ")) << huge.error().message;
}

}  // namespace
}  // namespace lvs::probes
