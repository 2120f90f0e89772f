#include "exporter/http/negotiation.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "exporter/http/ascii.h"

namespace lvs {
namespace {

constexpr std::size_t kMaxHeaderBytes = 8192;
constexpr std::size_t kMaxEntries = 64;

// One entry of the list: its name and parameters in lower case, and its weight.
struct Entry {
  std::string name;
  std::vector<std::pair<std::string, std::string>> parameters;  // without q
  double q = 1;
};

// tchar of RFC 9110, section 5.6.2; the slash joins type and subtype.
bool IsTokenOrSlash(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~/";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kMarks.find(c) != std::string_view::npos;
}

// Reads a header from left to right: tokens, quoted strings and the marks between them.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  bool NextIs(char mark) const { return !rest_.empty() && rest_.front() == mark; }

  void SkipBlanks() {
    while (NextIs(' ') || NextIs('\t')) rest_.remove_prefix(1);
  }

  // Takes the mark, with the blanks around it, when it is next.
  bool Take(char mark) {
    SkipBlanks();
    if (!NextIs(mark)) return false;
    rest_.remove_prefix(1);
    SkipBlanks();
    return true;
  }

  // A token in lower case, empty when there is none.
  std::string TakeToken() {
    std::string token;
    while (!rest_.empty() && IsTokenOrSlash(rest_.front())) token += TakeChar();
    return token;
  }

  // A token or a quoted string (RFC 9110, section 5.6.4), in lower case.
  std::optional<std::string> TakeValue() {
    if (!NextIs('"')) {
      std::string token = TakeToken();
      return token.empty() ? std::nullopt : std::optional(std::move(token));
    }
    rest_.remove_prefix(1);
    std::string value;
    while (!rest_.empty() && !NextIs('"')) {
      if (NextIs('\\')) rest_.remove_prefix(1);
      if (rest_.empty()) return std::nullopt;
      value += TakeChar();
    }
    if (rest_.empty()) return std::nullopt;  // the closing quote is missing
    rest_.remove_prefix(1);
    return value;
  }

  // Moves to the next comma outside quotes, so that one bad entry does not spoil the others.
  void SkipEntry() {
    while (!rest_.empty() && !NextIs(',')) {
      if (NextIs('"')) {
        TakeValue();
      } else {
        rest_.remove_prefix(1);
      }
    }
  }

 private:
  char TakeChar() {
    const char c = Lower(rest_.front());
    rest_.remove_prefix(1);
    return c;
  }

  std::string_view rest_;
};

// A weight in plain decimal notation, 0 to 1.
std::optional<double> ParseWeight(std::string_view text) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  double q = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), q, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return q >= 0 && q <= 1 ? std::optional(q) : std::nullopt;
}

// One entry up to a comma or the end, which are left for the caller; nullopt when it is unreadable.
std::optional<Entry> ParseEntry(Scanner& scanner) {
  Entry entry{.name = scanner.TakeToken(), .parameters = {}};
  if (entry.name.empty()) return std::nullopt;
  bool has_weight = false;
  while (scanner.Take(';')) {
    if (scanner.at_end() || scanner.NextIs(',') || scanner.NextIs(';')) continue;  // an empty one
    std::string name = scanner.TakeToken();
    if (name.empty() || !scanner.Take('=')) return std::nullopt;
    std::optional<std::string> value = scanner.TakeValue();
    if (!value) return std::nullopt;
    if (name == "q") {
      const std::optional<double> q = ParseWeight(*value);
      if (!q || std::exchange(has_weight, true)) return std::nullopt;
      entry.q = *q;
      continue;
    }
    const bool repeated = std::any_of(entry.parameters.begin(), entry.parameters.end(),
                                      [&](const auto& known) { return known.first == name; });
    if (repeated) return std::nullopt;
    entry.parameters.emplace_back(std::move(name), std::move(*value));
  }
  scanner.SkipBlanks();
  if (!scanner.at_end() && !scanner.NextIs(',')) return std::nullopt;
  return entry;
}

// The readable entries of a header in the order given; none when the header is over its limits.
std::vector<Entry> ParseList(std::string_view header) {
  std::vector<Entry> entries;
  if (header.size() > kMaxHeaderBytes) return entries;
  Scanner scanner(header);
  std::size_t seen = 0;
  while (!scanner.at_end()) {
    if (scanner.Take(',')) continue;  // empty list elements are allowed: RFC 9110, section 5.6.1
    scanner.SkipBlanks();
    if (scanner.at_end()) break;
    if (++seen > kMaxEntries) return {};
    if (std::optional<Entry> entry = ParseEntry(scanner)) entries.push_back(std::move(*entry));
    scanner.SkipEntry();
  }
  return entries;
}

std::string_view Parameter(const Entry& entry, std::string_view name, std::string_view absent) {
  for (const auto& [key, value] : entry.parameters) {
    if (key == name) return value;
  }
  return absent;
}

Escaping ParseEscaping(std::string_view name) {
  if (name == "allow-utf-8") return Escaping::kAllowUtf8;
  if (name == "underscores") return Escaping::kUnderscores;
  if (name == "dots") return Escaping::kDots;
  if (name == "values") return Escaping::kValues;
  return Escaping::kUnspecified;
}

// What we serve for a media range, if anything.
std::optional<Exposition> Serve(const Entry& range) {
  if (range.name == "application/openmetrics-text" &&
      Parameter(range, "version", "1.0.0") == "1.0.0") {
    return Exposition{Format::kOpenMetrics100, ParseEscaping(Parameter(range, "escaping", ""))};
  }
  const bool text = range.name == "text/plain" && Parameter(range, "version", "0.0.4") == "0.0.4";
  const bool any = range.name == "text/*" || range.name == "application/*" || range.name == "*/*";
  if (text || any) return Exposition{};
  return std::nullopt;
}

}  // namespace

Exposition NegotiateExposition(std::string_view accept) {
  std::vector<Entry> ranges = ParseList(accept);
  std::stable_sort(ranges.begin(), ranges.end(),
                   [](const Entry& a, const Entry& b) { return a.q > b.q; });
  for (const Entry& range : ranges) {
    if (range.q == 0) break;
    if (const std::optional<Exposition> served = Serve(range)) return *served;
  }
  return Exposition{};
}

std::string_view ContentType(const Exposition& exposition) {
  if (exposition.format == Format::kText004) return "text/plain; version=0.0.4; charset=utf-8";
  switch (exposition.escaping) {
    case Escaping::kUnspecified:
      return "application/openmetrics-text; version=1.0.0; charset=utf-8";
    case Escaping::kAllowUtf8:
      return "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8";
    case Escaping::kUnderscores:
      return "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores";
    case Escaping::kDots:
      return "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=dots";
    case Escaping::kValues:
      return "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=values";
  }
  assert(false && "an Escaping outside its enumeration");
  return {};
}

Encoding NegotiateEncoding(std::string_view accept_encoding) {
  bool wanted = false;
  for (const Entry& coding : ParseList(accept_encoding)) {
    const bool gzip = coding.name == "gzip" || coding.name == "x-gzip";
    if (gzip && coding.q == 0) return Encoding::kIdentity;
    if ((gzip || coding.name == "*") && coding.q > 0) wanted = true;
  }
  return wanted ? Encoding::kGzip : Encoding::kIdentity;
}

}  // namespace lvs
