#include "exporter/status_page/html.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "collectors/utf8.h"
#include "exporter/log.h"

namespace lvs::status {
namespace {

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

std::string_view Entity(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return IsControl(c) ? "\xef\xbf\xbd" : "";
  }
}

// Up to one decimal, for numbers below 1000.
std::string Rounded(double number) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), number < 99.95 ? "%.1f" : "%.0f", number);
  return text.data();
}

// "2026-11-22 14:05:00 UTC"
std::string ForPeople(const std::string& rfc3339) {
  return rfc3339.substr(0, 10) + " " + rfc3339.substr(11, 8) + " UTC";
}

std::string TimeElement(std::chrono::system_clock::time_point time, std::string_view attribute,
                        std::string_view word) {
  const std::string text = FormatTime(time);
  return "<time" + std::string(attribute) + " datetime=\"" + text + "\">" + std::string(word) +
         ForPeople(text) + "</time>";
}

}  // namespace

std::string Escape(std::string_view text) {
  std::string escaped;
  for (const char c : ReplaceInvalidUtf8(text)) {
    const std::string_view entity = Entity(c);
    if (entity.empty()) {
      escaped += c;
    } else {
      escaped += entity;
    }
  }
  return escaped;
}

std::string Isolated(std::string_view text) { return "<bdi>" + Escape(text) + "</bdi>"; }

std::string PercentEncode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (IsUnreserved(c)) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += kDigits[byte / 16];
    encoded += kDigits[byte % 16];
  }
  return encoded;
}

std::string Sign(std::string_view state) {
  return "<svg class=\"sign " + std::string(state) + "\" aria-hidden=true><use href=\"#sign-" +
         std::string(state) + "\"/></svg>";
}

std::string Badge(std::string_view state) {
  return "<b class=\"state " + std::string(state) + "\">" + Sign(state) + std::string(state) +
         "</b>";
}

std::string Moment(std::chrono::system_clock::time_point time) { return TimeElement(time, "", ""); }

std::string Since(std::chrono::system_clock::time_point time) {
  return TimeElement(time, " class=for", "since ");
}

std::string Counted(std::uint64_t number, std::string_view one, std::string_view many) {
  return std::to_string(number) + " " + std::string(number == 1 ? one : many);
}

std::string ShortCount(std::uint64_t number) {
  if (number < 1'000'000) return std::to_string(number);
  if (number < 1'000'000'000) return Rounded(static_cast<double>(number) / 1e6) + " million";
  return Rounded(static_cast<double>(number) / 1e9) + " billion";
}

std::string ShortBytes(std::uint64_t bytes) {
  if (bytes < 1000) return std::to_string(bytes) + " B";
  constexpr std::array<std::string_view, 6> kUnits = {"kB", "MB", "GB", "TB", "PB", "EB"};
  double scaled = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  while (scaled >= 999.5) {
    scaled /= 1000;
    ++unit;
  }
  return Rounded(scaled) + " " + std::string(kUnits[unit]);
}

std::string Percent(double share) { return std::to_string(std::lround(share * 100)) + " %"; }

}  // namespace lvs::status
