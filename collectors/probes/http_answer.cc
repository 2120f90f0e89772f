#include "collectors/probes/http_answer.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <span>
#include <utility>

namespace lvs::probes {
namespace {

namespace http = boost::beast::http;

constexpr std::string_view kPrefix = "HTTP/1.";
constexpr std::string_view kEndOfHeader = "\r\n\r\n";
constexpr unsigned kMaxInterimResponses = 5;
constexpr std::size_t kShown = 120;  // bytes of an answer in a detail

bool IsIn(std::span<const StatusRange> ranges, unsigned status) {
  return std::ranges::any_of(ranges, [status](const StatusRange& range) {
    return range.first <= status && status <= range.last;
  });
}

std::string Text(std::span<const StatusRange> ranges) {
  std::string text;
  for (const StatusRange& range : ranges) {
    if (!text.empty()) text += ", ";
    text += std::to_string(range.first);
    if (range.last != range.first) text += "-" + std::to_string(range.last);
  }
  return text;
}

bool Matches(const RE2& pattern, std::string_view text, std::size_t last) {
  return pattern.Match(re2::StringPiece(text.data(), text.size()), 0, last, RE2::UNANCHORED,
                       nullptr, 0);
}

bool Matches(const RE2& pattern, std::string_view text) {
  return Matches(pattern, text, text.size());
}

// Whether pattern matches whatever comes behind text: a match that ends before the last byte has
// seen all that "$" or "\b" at its end ask about.
bool MatchesWhateverFollows(const RE2& pattern, std::string_view text) {
  return !text.empty() && Matches(pattern, text, text.size() - 1);
}

std::string Start(std::string_view text) { return std::string(text.substr(0, kShown)); }

}  // namespace

void HttpAnswer::Take(std::string_view bytes) {
  started_ = started_ || !bytes.empty();
  while (!verdict_.has_value() && !bytes.empty()) {
    if (status_.has_value()) {
      TakeBody(bytes);
    } else {
      TakeHeader(bytes);
    }
  }
}

// Byte by byte up to the empty line, so that the parser gets a header whole: given pieces it waits
// for an empty line that bare line feeds never make.
void HttpAnswer::TakeHeader(std::string_view& bytes) {
  while (!bytes.empty()) {
    if (header_.size() == kMaxHeader) {
      return Decide(Reason::kHttpProtocol, "header longer than 16 KiB");
    }
    const char c = bytes.front();
    const std::size_t at = header_.size();
    if (at < kPrefix.size() && c != kPrefix[at]) {
      return Decide(Reason::kHttpProtocol, "not HTTP/1: " + header_ + Start(bytes));
    }
    if (c == '\n' && header_.back() != '\r') {
      return Decide(Reason::kHttpProtocol, "a header line ends without CR: " + Start(header_));
    }
    header_ += c;
    bytes.remove_prefix(1);
    if (header_.ends_with(kEndOfHeader)) return HeaderComplete();
  }
}

void HttpAnswer::HeaderComplete() {
  http::response_parser<http::empty_body> parser;
  parser.header_limit(kMaxHeader + 1);
  parser.body_limit(boost::none);
  parser.skip(options_.method == HttpOptions::Method::kHead);
  boost::system::error_code error;
  parser.put(boost::asio::buffer(header_), error);
  if (error || !parser.is_header_done()) {
    return Decide(Reason::kHttpProtocol, error.message() + ": " + Start(header_));
  }
  const unsigned status = parser.get().result_int();
  header_.clear();
  // 101 is final: the server now speaks something else.
  if (status < 200 && status != 101) {
    if (++interim_responses_ > kMaxInterimResponses) {
      Decide(Reason::kHttpProtocol, "more than 5 interim responses");
    }
    return;
  }
  status_ = status;
  JudgeHeader(parser.get());
  if (verdict_.has_value()) return;
  if (parser.is_done()) return JudgeBody();
  const auto length = parser.content_length();
  if (parser.chunked()) {
    framing_ = Framing::kChunked;
  } else if (length.has_value()) {
    framing_ = Framing::kLength;
    length_left_ = *length;
  }
}

template <class Response>
void HttpAnswer::JudgeHeader(const Response& response) {
  if (IsIn(options_.drain_status, *status_)) {
    Decide(Reason::kNone);
    verdict_->drain = true;
    return;
  }
  if (!IsIn(options_.expect_status, *status_)) {
    return Decide(Reason::kHttpStatus, "expected status " + Text(options_.expect_status) +
                                           ", got " + std::to_string(*status_));
  }
  for (const HttpPatterns::Header& expected : patterns_.expect_header()) {
    const auto [first, last] = response.equal_range(expected.name);
    if (first == last) {
      return Decide(Reason::kHttpHeaderMismatch, "no header " + expected.name);
    }
    const bool matches = std::any_of(first, last, [&](const auto& field) {
      return Matches(*expected.pattern, {field.value().data(), field.value().size()});
    });
    if (!matches) {
      return Decide(Reason::kHttpHeaderMismatch,
                    "header " + expected.name + " does not match " + expected.pattern->pattern() +
                        ": " + Start({first->value().data(), first->value().size()}));
    }
  }
}

void HttpAnswer::TakeBody(std::string_view& bytes) {
  bool complete = false;
  std::string_view data;
  switch (framing_) {
    case Framing::kLength:
      data = bytes.substr(
          0, static_cast<std::size_t>(std::min<std::uint64_t>(length_left_, bytes.size())));
      bytes.remove_prefix(data.size());
      length_left_ -= data.size();
      complete = length_left_ == 0;
      break;
    case Framing::kChunked:
      data = chunks_.Next(bytes);
      complete = chunks_.done();
      break;
    case Framing::kUntilEnd:
      data = std::exchange(bytes, {});
      break;
  }
  AddToBody(data);
  // Beyond max_body nothing counts, not even a fault of the coding.
  if (body_bytes_ > options_.max_body || complete) return JudgeBody();
  if (chunks_.broken()) {
    return EndUnfinished(Reason::kHttpProtocol, "a body that is not chunked as announced");
  }
  if (body_.size() >= next_search_) SearchEarly();
}

void HttpAnswer::AddToBody(std::string_view data) {
  body_ += data.substr(0, options_.max_body - body_.size());
  body_bytes_ += data.size();
}

// Looks at every piece of a short body, at a long one whenever it has grown by a sixteenth: a
// server that sends single bytes must not make us search a megabyte a million times.
void HttpAnswer::SearchEarly() {
  constexpr std::size_t kShort = 4096;
  next_search_ = body_.size() < kShort ? body_.size() + 1 : body_.size() + body_.size() / 16;
  const RE2* reject = patterns_.reject_body();
  if (reject != nullptr) {
    if (MatchesWhateverFollows(*reject, body_)) {
      Decide(Reason::kHttpBodyMismatch, "body matches " + reject->pattern() + ": " + Start(body_));
    }
    return;
  }
  const RE2* expect = patterns_.expect_body();
  if (expect != nullptr && MatchesWhateverFollows(*expect, body_)) Decide(Reason::kNone);
}

void HttpAnswer::JudgeBody() {
  const RE2* reject = patterns_.reject_body();
  if (reject != nullptr && Matches(*reject, body_)) {
    return Decide(Reason::kHttpBodyMismatch,
                  "body matches " + reject->pattern() + ": " + Start(body_));
  }
  const RE2* expect = patterns_.expect_body();
  if (expect == nullptr || Matches(*expect, body_)) return Decide(Reason::kNone);
  if (body_bytes_ > options_.max_body) {
    return Decide(Reason::kHttpBodyTooLarge, "no match of " + expect->pattern() + " in the first " +
                                                 std::to_string(options_.max_body) + " bytes");
  }
  Decide(Reason::kHttpBodyMismatch,
         "body does not match " + expect->pattern() + ": " + Start(body_));
}

void HttpAnswer::EndUnfinished(Reason reason, std::string detail) {
  SearchEarly();
  if (!verdict_.has_value()) Decide(reason, std::move(detail));
}

void HttpAnswer::End(HttpEnding ending) {
  if (verdict_.has_value()) return;
  if (!started_) {
    if (ending == HttpEnding::kClosed) return Decide(Reason::kHttpEmpty);
    return Decide(ending == HttpEnding::kReset ? Reason::kHttpReset
                                               : Reason::kHttpTimeoutFirstByte);
  }
  if (status_.has_value() && framing_ == Framing::kUntilEnd && ending == HttpEnding::kClosed) {
    return JudgeBody();
  }
  const std::string where = status_.has_value()
                                ? "after " + std::to_string(body_bytes_) + " bytes of body"
                                : "inside the header";
  const Reason reason =
      ending == HttpEnding::kTimeout ? Reason::kHttpTimeoutBody : Reason::kHttpReset;
  EndUnfinished(reason, (ending == HttpEnding::kTimeout ? "" : "closed ") + where);
}

void HttpAnswer::Decide(Reason reason, std::string detail) {
  verdict_ = HttpVerdict{.reason = reason, .detail = std::move(detail)};
}

}  // namespace lvs::probes
