// Feeds the answer of an HTTP server to HttpAnswer, whole and in pieces, and demands the same
// verdict of all. The first byte chooses what the probe expects, the second how the connection ends
// and the size of the pieces; the rest is the answer.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/probes/http_answer.h"

namespace {

using namespace lvs::probes;  // NOLINT: this file is the whole program

void Demand(bool truth) {
  if (!truth) std::abort();
}

struct Question {
  HttpOptions options;
  std::shared_ptr<const HttpPatterns> patterns;
};

// Patterns with assertions at their end are those that pieces could deceive.
std::vector<Question> MakeQuestions() {
  std::vector<HttpOptions> all(8);
  all[1].expect_body = "ok";
  all[2].expect_body = "ok$";
  all[3].expect_body = "\\bok\\b";
  all[3].max_body = 8;
  all[4].reject_body = "bad\\b";
  all[5].expect_body = "o*";
  all[5].reject_body = "(?m)^bad$";
  all[6].method = HttpOptions::Method::kHead;
  all[6].expect_header["x-role"] = "^primary";
  all[7].expect_body = "(?s)a.*z";
  all[7].max_body = 64;
  all[7].drain_status = {{503, 503}};
  std::vector<Question> questions;
  for (const HttpOptions& options : all) {
    auto patterns = HttpPatterns::Compile(options);
    Demand(patterns.ok());
    questions.push_back({options, patterns.value()});
  }
  return questions;
}

HttpVerdict Judge(const Question& question, std::string_view text, HttpEnding ending,
                  std::size_t piece) {
  HttpAnswer answer(question.options, *question.patterns);
  while (!text.empty() && !answer.verdict().has_value()) {
    // In a buffer of its own, so that a read beyond it is seen.
    const std::vector<char> next(
        text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(piece, text.size())));
    answer.Take({next.data(), next.size()});
    text.remove_prefix(next.size());
  }
  answer.End(ending);
  Demand(answer.verdict().has_value());
  if (answer.verdict()->reason == Reason::kNone) Demand(answer.status().has_value());
  if (answer.verdict()->drain) Demand(answer.verdict()->reason == Reason::kNone);
  return *answer.verdict();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<Question> questions = MakeQuestions();
  if (size < 2) return 0;
  const Question& question = questions[data[0] % questions.size()];
  const auto ending = static_cast<HttpEnding>(data[1] % 3);
  const std::size_t piece = 1 + data[1] / 3;
  const std::string_view text(reinterpret_cast<const char*>(data + 2), size - 2);
  const HttpVerdict whole = Judge(question, text, ending, size);
  for (const std::size_t length : {std::size_t{1}, piece}) {
    const HttpVerdict in_pieces = Judge(question, text, ending, length);
    Demand(in_pieces.reason == whole.reason && in_pieces.drain == whole.drain);
  }
  return 0;
}
