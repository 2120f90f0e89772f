#include "collectors/probes/chunked_body.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>

namespace lvs::probes {
namespace {

std::optional<unsigned> HexDigit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return std::nullopt;
}

}  // namespace

std::string_view ChunkedBody::Next(std::string_view& coded) {
  while (!coded.empty() && !done() && !broken()) {
    if (state_ == State::kData) {
      const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(left_, coded.size()));
      const std::string_view data = coded.substr(0, length);
      coded.remove_prefix(length);
      left_ -= length;
      if (left_ == 0) state_ = State::kDataCr;
      return data;
    }
    state_ = After(coded.front());
    coded.remove_prefix(1);
  }
  return {};
}

ChunkedBody::State ChunkedBody::AfterSizeDigit(char c) {
  const std::optional<unsigned> digit = HexDigit(c);
  if (!digit.has_value()) return State::kBroken;
  if (left_ > (std::numeric_limits<std::uint64_t>::max() >> 4)) return State::kBroken;
  left_ = left_ << 4 | *digit;
  return State::kSize;
}

ChunkedBody::State ChunkedBody::After(char c) {
  const auto expect = [c](char wanted, State next) { return c == wanted ? next : State::kBroken; };
  switch (state_) {
    case State::kFirstDigit:
      return AfterSizeDigit(c);
    case State::kSize:
      if (c == '\r') return State::kSizeLf;
      if (c == ';' || c == ' ' || c == '\t') return State::kExtension;
      return AfterSizeDigit(c);
    case State::kExtension:
      if (c == '\n') return State::kBroken;
      return c == '\r' ? State::kSizeLf : State::kExtension;
    case State::kSizeLf:
      return expect('\n', left_ == 0 ? State::kTrailerStart : State::kData);
    case State::kDataCr:
      return expect('\r', State::kDataLf);
    case State::kDataLf:
      return expect('\n', State::kFirstDigit);
    case State::kTrailerStart:
      if (c == '\r') return State::kLastLf;
      [[fallthrough]];
    case State::kTrailer:
      if (c == '\n') return State::kBroken;
      return c == '\r' ? State::kTrailerLf : State::kTrailer;
    case State::kTrailerLf:
      return expect('\n', State::kTrailerStart);
    case State::kLastLf:
      return expect('\n', State::kDone);
    case State::kData:
    case State::kDone:
    case State::kBroken:
      break;
  }
  return state_;
}

}  // namespace lvs::probes
