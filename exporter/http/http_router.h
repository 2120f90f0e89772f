// From the head of a request to an answer: what is refused before any handler runs, which handler
// runs, and how many of them at once. Knows no socket and no engine.
#pragma once

#include <atomic>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/http/http.h"

namespace lvs {

// The head as an engine has split it. Views into the engine's buffer, valid during Answer().
struct RequestHead {
  std::string_view method;
  std::string_view path;                                               // raw, without the query
  std::string_view query;                                              // raw, without the "?"
  std::vector<std::pair<std::string_view, std::string_view>> headers;  // in order, as sent
};

// The name, in metrics, of every request that met no route.
inline constexpr std::string_view kOtherRoute = "other";

// A head with this many headers is refused: civetweb (1.15, MG_MAX_HEADERS) cuts the list there
// without a word, and what it cut might have been what decides.
inline constexpr std::size_t kTooManyHeaders = 64;

// Owned by the server. Answer() from any thread; it throws only what a handler or memory throws.
class HttpRouter {
 public:
  // max_scrapes: how many handlers of routes with Limit::kScrapes may run at once; 0 is no limit.
  HttpRouter(std::vector<Route> routes, unsigned max_scrapes);

  // Refuses, in this order: 64 or more headers (431); Transfer-Encoding, a repeated or unreadable
  // Content-Length, a repeated Host (400: RFC 9112, sections 3.2 and 6.3); a declared body (413); a
  // path that is not absolute or does not decode (400); an unknown path (404); a method that the
  // route does not allow (405 with Allow); more handlers of its limit than allowed (503 with
  // Retry-After). Nothing of the request is repeated in these answers.
  // route is set to the path of the route that was met, else to kOtherRoute; it points into the
  // router and is set before the handler runs, so that it is right when the handler throws.
  HttpResponse Answer(const RequestHead& head, std::string_view& route);

 private:
  const Route* Find(std::string_view path) const;
  HttpResponse Run(const Route& route, const HttpRequest& request);

  const std::vector<Route> routes_;
  const unsigned max_scrapes_;
  std::atomic<unsigned> scrapes_running_{0};
  std::atomic<unsigned> pages_running_{0};
};

}  // namespace lvs
