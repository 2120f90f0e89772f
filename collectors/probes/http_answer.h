// Judges the answer of an HTTP server from the bytes of the connection. No socket, no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collectors/probes/chunked_body.h"
#include "collectors/probes/http_patterns.h"
#include "collectors/probes/probe.h"
#include "collectors/probes/reason.h"

namespace lvs::probes {

struct HttpVerdict {
  Reason reason = Reason::kNone;  // kNone: the answer is what the probe expects
  std::string detail;             // any bytes and any length: for Failed(), which bounds it
  bool drain = false;             // a status of drain_status, for which nothing else is asked
};

// How the bytes ended.
enum class HttpEnding : std::uint8_t {
  kClosed,   // FIN, or the end of TLS with or without close_notify
  kReset,    // RST
  kTimeout,  // they did not end before the run had to
};

// Feed it what arrives until there is a verdict:
//
//     HttpAnswer answer(probe.http, patterns);
//     while (!answer.verdict()) {
//       if (there is more) answer.Take(bytes); else answer.End(HttpEnding::kClosed);
//     }
//
// The pieces that bytes come in never change the verdict. Up to 5 interim responses (1xx) are
// skipped. The verdict comes as soon as nothing that may follow can change it, at the latest at the
// end of the answer or one byte beyond max_body. Memory: 16 KiB of header and max_body of body. One
// owner.
class HttpAnswer {
 public:
  static constexpr std::size_t kMaxHeader = 16 * 1024;

  // Both must outlive it.
  HttpAnswer(const HttpOptions& options, const HttpPatterns& patterns)
      : options_(options), patterns_(patterns) {}

  // The next bytes; ignored once there is a verdict.
  void Take(std::string_view bytes);

  // Nothing more will come. Afterwards there is a verdict.
  void End(HttpEnding ending);

  const std::optional<HttpVerdict>& verdict() const { return verdict_; }
  // Of the final response, once its header is complete.
  std::optional<unsigned> status() const { return status_; }
  // Body bytes seen without their coding: what was looked at, not what the server would have sent.
  std::uint64_t body_bytes() const { return body_bytes_; }

 private:
  enum class Framing : std::uint8_t { kLength, kChunked, kUntilEnd };

  void TakeHeader(std::string_view& bytes);
  void HeaderComplete();
  // The response as Beast holds it is known to the .cc file only.
  template <class Response>
  void JudgeHeader(const Response& response);
  void TakeBody(std::string_view& bytes);
  void AddToBody(std::string_view data);
  void SearchEarly();
  void JudgeBody();
  void EndUnfinished(Reason reason, std::string detail);
  void Decide(Reason reason, std::string detail = "");

  const HttpOptions& options_;
  const HttpPatterns& patterns_;
  std::optional<HttpVerdict> verdict_;

  bool started_ = false;
  unsigned interim_responses_ = 0;
  std::string header_;
  std::optional<unsigned> status_;

  Framing framing_ = Framing::kUntilEnd;
  std::uint64_t length_left_ = 0;
  ChunkedBody chunks_;
  std::string body_;  // the first max_body bytes
  std::uint64_t body_bytes_ = 0;
  std::size_t next_search_ = 1;  // size of body_ from which it pays to look again
};

}  // namespace lvs::probes
