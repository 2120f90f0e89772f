#include "exporter/status_page/status_page.h"

#include <sys/random.h>

#include <array>
#include <cstdint>
#include <cstdlib>

#include "exporter/build_info.h"
#include "exporter/status_page/assets.h"
#include "exporter/status_page/changes.h"
#include "exporter/status_page/html.h"
#include "exporter/status_page/services.h"
#include "exporter/status_page/set_up.h"
#include "exporter/status_page/summary.h"

namespace lvs {
namespace {

using namespace status;

std::string Head(std::string_view title, Level level, std::string_view nonce) {
  std::string html =
      "<!doctype html>\n<html lang=en><head><meta charset=utf-8>\n"
      "<meta name=viewport content=\"width=device-width,initial-scale=1\">\n";
  html.append("<title>").append(Escape(title)).append("</title>\n");
  html += "<link rel=icon href=\"" + IconAddress(level) + "\">\n";
  html += "<noscript><meta http-equiv=refresh content=10></noscript>\n";
  html.append("<style nonce=").append(nonce).append(">").append(Style()).append("</style>\n");
  html.append("<script nonce=").append(nonce).append(">").append(Script());
  html += "</script></head>\n";
  return html;
}

std::string Header(const std::string& telemetry_path, const Filter& filter) {
  return "<header><h1>ipvs_exporter <small>" + Escape(ThisBuild().version) +
         "</small></h1>\n<p id=connection role=status></p>\n<nav><a href=\"" +
         Escape(telemetry_path) +
         "\">metrics</a><a href=/api/v1/services>services as JSON</a>"
         "<a href=/api/v1/events>events as JSON</a>"
         "<a href=/-/healthy>healthy</a><a href=/-/ready>ready</a></nav></header>\n"
         "<form role=search><label for=filter>Filter</label>"
         "<input id=filter name=filter type=search maxlength=200 autocomplete=off "
         "placeholder=\"name, address, state, reason\" value=\"" +
         Escape(filter.text()) +
         "\"><button class=scriptless>Apply</button>"
         "<button type=button id=toggle class=scripted>Open all</button></form>\n";
}

}  // namespace

std::string StatusPage(const Known& known, const std::string& telemetry_path,
                       std::string_view filter_text, std::string_view nonce) {
  const auto& [latest, health, connections, director, audit] = known;
  const StatusView view =
      MakeView(latest != nullptr ? latest->table.get() : nullptr, health, connections);
  const Filter filter(filter_text);
  const Selection selection = Select(view, filter);
  const Level level = OverallLevel(view, latest);
  std::string html = Head(ShortSummary(view, level), level, nonce);
  html.append("<body>").append(SignDrawings()).append(Header(telemetry_path, filter));
  html += "<main>\n" + Summary(view, latest) + Problems(view, selection) + SetUp(director, audit) +
          Services(view, selection, filter) + Changes(health, filter) + Notes(health) + "</main>\n";
  return html + "</body></html>\n";
}

std::string MakeNonce() {
  std::array<std::uint8_t, 16> bytes{};
  // Of so few bytes it always gives all (getrandom(2)).
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) std::abort();
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string nonce;
  for (const std::uint8_t byte : bytes) {
    nonce += kDigits[byte >> 4];
    nonce += kDigits[byte & 15];
  }
  return nonce;
}

std::string StatusPagePolicy(std::string_view nonce) {
  const std::string own = "'nonce-" + std::string(nonce) + "'";
  return "default-src 'none'; style-src " + own + "; script-src " + own +
         "; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; "
         "frame-ancestors 'none'";
}

}  // namespace lvs
