#include "exporter/pages.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string_view>
#include <utility>

#include "exporter/http/gzip.h"
#include "exporter/http/negotiation.h"
#include "exporter/http/query.h"
#include "exporter/services_json.h"
#include "exporter/status_page/status_page.h"

namespace lvs {
namespace {

// How long a page for people waits for the kernel.
constexpr std::chrono::seconds kPatience{2};

// Reads the kernel's table for a page other than the metrics. Null when it was never tried.
std::shared_ptr<const ipvs::LatestReading> ReadLatest(const PageSources& sources) {
  sources.scraper.Refresh("ipvs", Clock::now() + kPatience);
  return sources.exchange.table.Get();
}

// No table was ever read: why not.
HttpResponse NotYet(const ipvs::LatestReading* latest) {
  return TextResponse(503, latest != nullptr && latest->error
                               ? latest->error->message
                               : "the IPVS table has not been read yet");
}

HttpResponse JsonResponse(std::string text) {
  return {200, "application/json", {}, std::make_shared<const std::string>(std::move(text))};
}

HttpResponse Metrics(const PageSources& sources, const HttpRequest& request) {
  const Result<std::vector<QueryParameter>> query = ParseQuery(request.query);
  if (!query.ok()) return TextResponse(400, query.error().message);
  const Result<Selection> selection = sources.scraper.Select(query.value());
  if (!selection.ok()) return TextResponse(400, selection.error().message);

  const Exposition exposition = NegotiateExposition(request.accept);
  const Page page = sources.scraper.Scrape(
      {selection.value(), exposition.format, NegotiateEncoding(request.accept_encoding),
       Clock::now() + CollectionTimeout(request.scrape_timeout)});
  HttpResponse response{200, std::string(ContentType(exposition)), {}, page.body};
  response.headers.emplace_back("Vary", "Accept, Accept-Encoding");
  if (page.encoding == Encoding::kGzip) response.headers.emplace_back("Content-Encoding", "gzip");
  return response;
}

HttpResponse Healthy() { return TextResponse(200, "ipvs_exporter is healthy"); }

// Ready for ever after the first good read; what fails later is on the page.
HttpResponse Ready(const PageSources& sources) {
  auto latest = sources.exchange.table.Get();
  if (!latest || !latest->was_up) latest = ReadLatest(sources);
  if (latest && latest->was_up) return TextResponse(200, "ipvs_exporter is ready");
  return NotYet(latest.get());
}

HttpResponse Services(const PageSources& sources) {
  const auto latest = ReadLatest(sources);
  const auto health = sources.exchange.health.Get();
  if (!latest || (!latest->table && !health)) return NotYet(latest.get());
  return JsonResponse(
      ServicesAsJson(*latest, health.get(), sources.exchange.connections.Get().get()));
}

HttpResponse Events(const PageSources& sources) {
  return JsonResponse(EventsAsJson(sources.exchange.health.Get().get()));
}

// Prometheus keeps its last list when this fails, and drops the targets that a list lacks: so
// nothing is said before the kernel's table was read, or is known not to be there.
HttpResponse Discovery(const PageSources& sources) {
  const auto latest = ReadLatest(sources);
  const auto health = sources.exchange.health.Get();
  const bool has_module =
      !latest || !latest->error || latest->error->code != ErrorCode::kModuleAbsent;
  if (!latest || (!latest->table && (has_module || !health))) return NotYet(latest.get());
  return JsonResponse(BackendsForDiscovery(*latest, health.get()));
}

HttpResponse Reload(const PageSources& sources) {
  if (!sources.enable_lifecycle) {
    return TextResponse(403, "reloading over HTTP needs --web.enable-lifecycle");
  }
  const Result<void> reloaded = sources.reloader.Reload();
  if (!reloaded.ok()) return TextResponse(500, reloaded.error().message);
  return TextResponse(200, "the configuration is reloaded");
}

// The status page is asked for every two seconds by everybody who looks at it: a reading that
// others wanted is good enough.
std::shared_ptr<const ipvs::LatestReading> ReadRecent(const PageSources& sources) {
  constexpr std::chrono::seconds kRecent{2};
  const auto latest = sources.exchange.table.Get();
  if (!latest || !latest->current) return ReadLatest(sources);
  const auto age = std::chrono::system_clock::now() - latest->read_at;
  return age >= age.zero() && age < kRecent ? latest : ReadLatest(sources);
}

// The first value of a parameter, empty without it.
std::string ValueOf(const std::vector<QueryParameter>& query, std::string_view name) {
  const auto found = std::ranges::find(query, name, &QueryParameter::name);
  return found == query.end() ? "" : found->value;
}

HttpResponse Status(const PageSources& sources, const HttpRequest& request) {
  const Result<std::vector<QueryParameter>> query = ParseQuery(request.query);
  if (!query.ok()) return TextResponse(400, query.error().message);
  const auto latest = ReadRecent(sources);
  const auto health = sources.exchange.health.Get();
  const auto connections = sources.exchange.connections.Get();
  const auto director = sources.exchange.director.Get();
  const auto audit = sources.exchange.audit.Get();
  const std::string nonce = MakeNonce();
  std::string page =
      StatusPage({latest.get(), health.get(), connections.get(), director.get(), audit.get()},
                 sources.telemetry_path, ValueOf(query.value(), "filter"), nonce);
  HttpResponse response{200, "text/html; charset=utf-8", {}, nullptr};
  response.headers.emplace_back("Content-Security-Policy", StatusPagePolicy(nonce));
  response.headers.emplace_back("Vary", "Accept-Encoding");
  if (NegotiateEncoding(request.accept_encoding) == Encoding::kGzip) {
    GzipStream gzip;
    gzip.Write(page);
    page = gzip.Finish();
    response.headers.emplace_back("Content-Encoding", "gzip");
  }
  response.body = std::make_shared<const std::string>(std::move(page));
  return response;
}

}  // namespace

std::vector<Route> MakeRoutes(const PageSources& sources) {
  return {
      {.path = "/",
       .handler = [sources](const HttpRequest& request) { return Status(sources, request); },
       .limit = Limit::kPages},
      {.path = sources.telemetry_path,
       .handler = [sources](const HttpRequest& request) { return Metrics(sources, request); },
       .limit = Limit::kScrapes},
      {.path = "/-/healthy", .handler = [](const HttpRequest&) { return Healthy(); }},
      {.path = "/-/ready", .handler = [sources](const HttpRequest&) { return Ready(sources); }},
      {.path = "/-/reload",
       .methods = {HttpMethod::kPost, HttpMethod::kPut},
       .handler = [sources](const HttpRequest&) { return Reload(sources); },
       .limit = Limit::kPages},
      {.path = "/api/v1/services",
       .handler = [sources](const HttpRequest&) { return Services(sources); },
       .limit = Limit::kPages},
      {.path = "/api/v1/events",
       .handler = [sources](const HttpRequest&) { return Events(sources); },
       .limit = Limit::kPages},
      {.path = "/sd/backends",
       .handler = [sources](const HttpRequest&) { return Discovery(sources); },
       .limit = Limit::kPages},
  };
}

}  // namespace lvs
