#include "exporter/http/query.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <optional>
#include <system_error>
#include <utility>

#include "collectors/utf8.h"
#include "exporter/http/ascii.h"

namespace lvs {
namespace {

constexpr std::size_t kMaxParameters = 64;
constexpr std::size_t kMaxParameterBytes = 256;

enum class Plus { kItself, kBlank };

std::optional<unsigned char> HexDigit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned char>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned char>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned char>(c - 'A' + 10);
  return std::nullopt;
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

Error Invalid(std::string message) { return {ErrorCode::kInvalidInput, std::move(message)}; }

Result<std::string> Decode(std::string_view raw, Plus plus) {
  std::string text;
  text.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    char c = raw[i];
    if (c == '%') {
      const auto high = i + 1 < raw.size() ? HexDigit(raw[i + 1]) : std::nullopt;
      const auto low = i + 2 < raw.size() ? HexDigit(raw[i + 2]) : std::nullopt;
      if (!high || !low) return Invalid("a percent sign is not followed by two hexadecimal digits");
      c = static_cast<char>(*high * 16 + *low);
      i += 2;
    } else if (c == '+' && plus == Plus::kBlank) {
      c = ' ';
    }
    if (IsControl(c)) return Invalid("control characters are not allowed");
    text += c;
  }
  if (!IsValidUtf8(text)) return Invalid("it is not valid UTF-8");
  return text;
}

Result<QueryParameter> ParseParameter(std::string_view raw) {
  const std::size_t equals = raw.find('=');
  Result<std::string> name = Decode(raw.substr(0, equals), Plus::kBlank);
  if (!name.ok()) return name.error();
  Result<std::string> value =
      Decode(equals == raw.npos ? std::string_view() : raw.substr(equals + 1), Plus::kBlank);
  if (!value.ok()) return value.error();
  if (name.value().size() + value.value().size() > kMaxParameterBytes) {
    return Invalid("a parameter is longer than " + std::to_string(kMaxParameterBytes) + " bytes");
  }
  return QueryParameter{std::move(name.value()), std::move(value.value())};
}

}  // namespace

Result<std::vector<QueryParameter>> ParseQuery(std::string_view raw) {
  std::vector<QueryParameter> parameters;
  while (!raw.empty()) {
    const std::size_t end = std::min(raw.find('&'), raw.size());
    const std::string_view piece = raw.substr(0, end);
    raw.remove_prefix(std::min(end + 1, raw.size()));
    if (piece.empty()) continue;
    if (parameters.size() == kMaxParameters) {
      return Invalid("query: more than " + std::to_string(kMaxParameters) + " parameters");
    }
    Result<QueryParameter> parameter = ParseParameter(piece);
    if (!parameter.ok()) return Invalid("query: " + parameter.error().message);
    parameters.push_back(std::move(parameter.value()));
  }
  return parameters;
}

Result<std::string> DecodePath(std::string_view raw) {
  Result<std::string> path = Decode(raw, Plus::kItself);
  if (!path.ok()) return Invalid("path: " + path.error().message);
  return path;
}

std::string EscapeForEcho(std::string_view text, std::size_t max_bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  constexpr std::string_view kUnsafe = "\\\"'<>&";
  std::string escaped;
  for (const char c : text.substr(0, max_bytes)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && kUnsafe.find(c) == std::string_view::npos) {
      escaped += c;
    } else {
      escaped += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return escaped;
}

Clock::duration CollectionTimeout(std::string_view header) {
  using Seconds = std::chrono::duration<double>;
  constexpr Seconds kAnswer(0.5), kAbsent(4.5), kShortest(0.1), kLongest(60);
  const std::string_view text = TrimBlanks(header);
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool readable = error == std::errc() && end == text.data() + text.size();
  Seconds timeout = kAbsent;
  if (readable && std::isfinite(seconds) && seconds > 0) {
    timeout = std::clamp(Seconds(seconds) - kAnswer, kShortest, kLongest);
  }
  return std::chrono::duration_cast<Clock::duration>(timeout);
}

}  // namespace lvs
