// The values that cross the HTTP border. Handlers see these and nothing of the engine below, so
// that another engine can call the same handlers.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace lvs {

// The methods that a route can allow. Every other method is refused before a handler sees it.
enum class HttpMethod { kGet, kHead, kPost, kPut };

// One request, already checked: no body, no doubtful framing, a clean path. Header values are as
// sent, repeated headers joined with ", " (RFC 9110, section 5.3), absent ones empty; they are
// untrusted text of together at most 8 KiB.
struct HttpRequest {
  HttpMethod method = HttpMethod::kGet;
  std::string path;             // percent-decoded once; valid UTF-8 without control characters
  std::string query;            // raw, without the "?"; for ParseQuery
  std::string accept;           // Accept
  std::string accept_encoding;  // Accept-Encoding
  std::string scrape_timeout;   // X-Prometheus-Scrape-Timeout-Seconds
};

// One answer. Handlers answer HEAD as they answer GET; the border leaves the body out and keeps its
// Content-Length. headers come on top of the ones on every answer (RenderHead); one of the same
// name replaces it. Neither names nor values may contain control characters.
struct HttpResponse {
  int status = 200;  // 200 to 599, not 204 or 304
  std::string content_type;
  std::vector<std::pair<std::string, std::string>> headers;
  std::shared_ptr<const std::string> body;  // shared by answers that are alike; null is empty
};

// A sentence for a person, such as an error: text/plain, the sentence and a line feed.
inline HttpResponse TextResponse(int status, std::string sentence) {
  sentence += '\n';
  return {.status = status,
          .content_type = "text/plain; charset=utf-8",
          .headers = {},
          .body = std::make_shared<const std::string>(std::move(sentence))};
}

// Groups of routes whose handlers may only run so many at a time: the scrapes by the server's
// options, the pages for people, which can be long, by kMostPages.
enum class Limit { kNone, kScrapes, kPages };
inline constexpr unsigned kMostPages = 4;

// A path and what answers there. The handler runs on threads of the server, many at once, and may
// throw: std::bad_alloc becomes 503, anything else 500.
struct Route {
  std::string path;  // compared exactly and case-sensitively with the decoded path
  std::vector<HttpMethod> methods = {HttpMethod::kGet, HttpMethod::kHead};
  std::function<HttpResponse(const HttpRequest&)> handler;
  // At which limit of handlers that run at the same time it counts.
  Limit limit = Limit::kNone;
};

}  // namespace lvs
