#include "collectors/probes/run.h"

#include <algorithm>

namespace lvs::probes {

RunResult Failed(Reason reason, std::string detail) {
  RunResult result;
  result.outcome = IsLocal(reason) ? Outcome::kInconclusive : Outcome::kFailure;
  result.reason = reason;
  result.detail = Printable(detail);
  return result;
}

std::string Printable(std::string_view text) {
  constexpr std::size_t kMost = 200;
  std::string printable(text.substr(0, kMost));
  std::ranges::replace_if(
      printable, [](char c) { return c < ' ' || c > '~'; }, '.');
  return printable;
}

}  // namespace lvs::probes
