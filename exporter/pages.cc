#include "exporter/pages.h"

#include <chrono>
#include <memory>
#include <utility>

#include "exporter/http/negotiation.h"
#include "exporter/http/query.h"
#include "exporter/services_json.h"
#include "exporter/status_page.h"

namespace lvs {
namespace {

// How long a page for people waits for the kernel.
constexpr std::chrono::seconds kPatience{2};

// Reads the kernel's table for a page other than the metrics. Null when it was never tried.
std::shared_ptr<const ipvs::LatestReading> ReadLatest(const PageSources& sources) {
  sources.scraper.Refresh("ipvs", Clock::now() + kPatience);
  return sources.latest.Get();
}

// No table was ever read: why not.
HttpResponse NotYet(const ipvs::LatestReading* latest) {
  return TextResponse(503, latest != nullptr && latest->error
                               ? latest->error->message
                               : "the IPVS table has not been read yet");
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
  auto latest = sources.latest.Get();
  if (!latest || !latest->was_up) latest = ReadLatest(sources);
  if (latest && latest->was_up) return TextResponse(200, "ipvs_exporter is ready");
  return NotYet(latest.get());
}

HttpResponse Services(const PageSources& sources) {
  const auto latest = ReadLatest(sources);
  if (!latest || !latest->table) return NotYet(latest.get());
  return {
      200, "application/json", {}, std::make_shared<const std::string>(ServicesAsJson(*latest))};
}

HttpResponse Status(const PageSources& sources) {
  const auto latest = ReadLatest(sources);
  return {200,
          "text/html; charset=utf-8",
          {{"Content-Security-Policy", StatusPagePolicy()}},
          std::make_shared<const std::string>(StatusPage(latest.get(), sources.telemetry_path))};
}

}  // namespace

std::vector<Route> MakeRoutes(const PageSources& sources) {
  return {
      {.path = "/",
       .handler = [sources](const HttpRequest&) { return Status(sources); },
       .limit = Limit::kPages},
      {.path = sources.telemetry_path,
       .handler = [sources](const HttpRequest& request) { return Metrics(sources, request); },
       .limit = Limit::kScrapes},
      {.path = "/-/healthy", .handler = [](const HttpRequest&) { return Healthy(); }},
      {.path = "/-/ready", .handler = [sources](const HttpRequest&) { return Ready(sources); }},
      {.path = "/api/v1/services",
       .handler = [sources](const HttpRequest&) { return Services(sources); },
       .limit = Limit::kPages},
  };
}

}  // namespace lvs
