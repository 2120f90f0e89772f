#include "exporter/http/http_router.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>
#include <string>

#include "exporter/http/ascii.h"
#include "exporter/http/query.h"

namespace lvs {
namespace {

struct MethodName {
  HttpMethod method;
  std::string_view name;
};

constexpr std::array<MethodName, 4> kMethods = {{
    {HttpMethod::kGet, "GET"},
    {HttpMethod::kHead, "HEAD"},
    {HttpMethod::kPost, "POST"},
    {HttpMethod::kPut, "PUT"},
}};

// Methods are case-sensitive: RFC 9110, section 9.1.
std::optional<HttpMethod> ParseMethod(std::string_view name) {
  for (const MethodName& known : kMethods) {
    if (known.name == name) return known.method;
  }
  return std::nullopt;
}

std::string AllowedMethods(const Route& route) {
  std::string list;
  for (const MethodName& known : kMethods) {
    if (std::find(route.methods.begin(), route.methods.end(), known.method) ==
        route.methods.end()) {
      continue;
    }
    if (!list.empty()) list += ", ";
    list += known.name;
  }
  return list;
}

std::vector<std::string_view> Values(const RequestHead& head, std::string_view name) {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : head.headers) {
    if (EqualIgnoringCase(key, name)) values.push_back(value);
  }
  return values;
}

std::string Joined(const RequestHead& head, std::string_view name) {
  std::string joined;
  for (const std::string_view value : Values(head, name)) {
    if (!joined.empty()) joined += ", ";
    joined += value;
  }
  return joined;
}

bool IsNumber(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The answer to a head that could be read in two ways, or that announces a body.
std::optional<HttpResponse> RefuseFraming(const RequestHead& head) {
  if (head.headers.size() >= kTooManyHeaders) {
    return TextResponse(431, "the request has too many headers");
  }
  if (!Values(head, "Transfer-Encoding").empty()) {
    return TextResponse(400, "Transfer-Encoding is not accepted");
  }
  if (Values(head, "Host").size() > 1) return TextResponse(400, "Host is given more than once");
  const std::vector<std::string_view> lengths = Values(head, "Content-Length");
  if (lengths.size() > 1) return TextResponse(400, "Content-Length is given more than once");
  if (lengths.empty()) return std::nullopt;
  const std::string_view length = TrimBlanks(lengths.front());
  if (!IsNumber(length)) return TextResponse(400, "Content-Length is not a number");
  if (length.find_first_not_of('0') != length.npos) {
    return TextResponse(413, "a request body is not accepted");
  }
  return std::nullopt;
}

// One of a limited number of running handlers, for as long as it lives. Who is refused is never
// counted, not even for a moment.
class Slot {
 public:
  // max 0: no limit.
  Slot(std::atomic<unsigned>& running, unsigned max) : running_(running) {
    unsigned now = running_.load();
    while (!taken_ && (max == 0 || now < max)) {
      taken_ = running_.compare_exchange_weak(now, now + 1);
    }
  }
  ~Slot() {
    if (taken_) --running_;
  }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

  bool taken() const { return taken_; }

 private:
  std::atomic<unsigned>& running_;
  bool taken_ = false;
};

}  // namespace

HttpRouter::HttpRouter(std::vector<Route> routes, unsigned max_scrapes)
    : routes_(std::move(routes)), max_scrapes_(max_scrapes) {
  for ([[maybe_unused]] const Route& route : routes_) {
    assert(route.handler && !route.methods.empty() && "a route without a handler or a method");
  }
}

HttpResponse HttpRouter::Answer(const RequestHead& head, std::string_view& route) {
  route = kOtherRoute;
  if (std::optional<HttpResponse> refusal = RefuseFraming(head)) return std::move(*refusal);
  if (!head.path.starts_with('/')) return TextResponse(400, "the path does not begin with a slash");
  Result<std::string> path = DecodePath(head.path);
  if (!path.ok()) return TextResponse(400, path.error().message);
  const Route* met = Find(path.value());
  if (met == nullptr) return TextResponse(404, "there is nothing at this path");
  route = met->path;
  const std::optional<HttpMethod> method = ParseMethod(head.method);
  if (!method ||
      std::find(met->methods.begin(), met->methods.end(), *method) == met->methods.end()) {
    HttpResponse refusal = TextResponse(405, "this path does not allow the method");
    refusal.headers.emplace_back("Allow", AllowedMethods(*met));
    return refusal;
  }
  return Run(*met, {.method = *method,
                    .path = std::move(path.value()),
                    .query = std::string(head.query),
                    .accept = Joined(head, "Accept"),
                    .accept_encoding = Joined(head, "Accept-Encoding"),
                    .scrape_timeout = Joined(head, "X-Prometheus-Scrape-Timeout-Seconds")});
}

const Route* HttpRouter::Find(std::string_view path) const {
  for (const Route& route : routes_) {
    if (route.path == path) return &route;
  }
  return nullptr;
}

HttpResponse HttpRouter::Run(const Route& route, const HttpRequest& request) {
  if (route.limit == Limit::kNone) return route.handler(request);
  const bool is_scrape = route.limit == Limit::kScrapes;
  const Slot slot(is_scrape ? scrapes_running_ : pages_running_,
                  is_scrape ? max_scrapes_ : kMostPages);
  if (slot.taken()) return route.handler(request);
  HttpResponse refusal = TextResponse(503, "too many requests are being answered at the moment");
  refusal.headers.emplace_back("Retry-After", "1");
  return refusal;
}

}  // namespace lvs
