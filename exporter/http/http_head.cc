#include "exporter/http/http_head.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <string_view>

#include "exporter/http/ascii.h"

namespace lvs {
namespace {

struct Header {
  std::string_view name;
  std::string_view value;
};

constexpr std::array<Header, 6> kOnEveryAnswer = {{
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "deny"},
    {"Referrer-Policy", "no-referrer"},
    {"Cache-Control", "no-store"},
    {"Content-Security-Policy", "default-src 'none'"},
    {"Connection", "close"},
}};

std::string_view Reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Content Too Large";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "";  // RFC 9112, section 4: the reason may be empty
  }
}

std::string_view TwoDigits(int number, std::array<char, 2>& digits) {
  digits = {static_cast<char>('0' + number / 10 % 10), static_cast<char>('0' + number % 10)};
  return {digits.data(), digits.size()};
}

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section 5.6.7), without a locale.
std::string FormatDate(std::time_t time) {
  constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                     "Thu", "Fri", "Sat"};
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  if (gmtime_r(&time, &utc) == nullptr) return "Thu, 01 Jan 1970 00:00:00 GMT";
  std::array<char, 2> digits{};
  std::string date(kDays[static_cast<std::size_t>(utc.tm_wday)]);
  date.append(", ").append(TwoDigits(utc.tm_mday, digits)).append(" ");
  date.append(kMonths[static_cast<std::size_t>(utc.tm_mon)]).append(" ");
  date.append(std::to_string(utc.tm_year + 1900)).append(" ");
  date.append(TwoDigits(utc.tm_hour, digits)).append(":");
  date.append(TwoDigits(utc.tm_min, digits)).append(":");
  return date.append(TwoDigits(utc.tm_sec, digits)).append(" GMT");
}

bool Replaces(const HttpResponse& response, std::string_view name) {
  return std::any_of(response.headers.begin(), response.headers.end(),
                     [&](const auto& header) { return EqualIgnoringCase(header.first, name); });
}

[[maybe_unused]] bool IsOneLine(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

void AppendHeader(std::string& head, std::string_view name, std::string_view value) {
  assert(IsOneLine(name) && IsOneLine(value) && "a handler must not put a line feed in a header");
  head.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string RenderHead(const HttpResponse& response, std::time_t now) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  head.append(Reason(response.status)).append("\r\n");
  AppendHeader(head, "Date", FormatDate(now));
  if (!response.content_type.empty()) AppendHeader(head, "Content-Type", response.content_type);
  AppendHeader(head, "Content-Length",
               std::to_string(response.body == nullptr ? 0 : response.body->size()));
  for (const Header& header : kOnEveryAnswer) {
    if (!Replaces(response, header.name)) AppendHeader(head, header.name, header.value);
  }
  for (const auto& [name, value] : response.headers) AppendHeader(head, name, value);
  return head.append("\r\n");
}

}  // namespace lvs
