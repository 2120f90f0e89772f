#include "exporter/status_page/services.h"

#include <map>

#include "collectors/ipvs/words.h"
#include "exporter/status_page/html.h"
#include "exporter/status_page/sessions.h"

namespace lvs::status {
namespace {

constexpr std::size_t kMostSigns = 12;

// "rr", "sh (sh-port)", "wlc, persistent: ppc for 300 s".
std::string KernelDetails(const ipvs::Service& service) {
  std::string details = service.scheduler;
  if (const std::string flags = ipvs::FlagsText(service); !flags.empty()) {
    details += " (" + flags + ")";
  }
  if (const std::string_view kind = ipvs::PersistenceKind(service); kind != "none") {
    details += ", persistent: " + std::string(kind);
    if (service.persistence_timeout) {
      details += " for " + std::to_string(*service.persistence_timeout) + " s";
    }
  }
  return details;
}

std::string Details(const ServiceView& service, const StatusView& view) {
  std::string details;
  if (service.kernel != nullptr) {
    details = KernelDetails(*service.kernel);
  } else if (view.table != nullptr) {
    details = "not in the kernel's table";
  }
  if (service.backends.empty()) details += ", no backends";
  if (service.health == nullptr) return details;
  if (service.health->quorum_lost) details += ", quorum lost";
  if (service.health->active) {
    details += *service.health->active ? ", carried here" : ", VIP not on this host";
  }
  return details;
}

// One sign for each backend: how the service looks at a glance.
std::string Signs(const ServiceView& service) {
  if (service.backends.size() > kMostSigns) return "";
  std::string signs = "<span class=signs>";
  for (const BackendView& backend : service.backends) signs += Sign(StateName(backend));
  return signs + "</span>";
}

// "1 of 2 usable".
std::string UsableText(const ServiceView& service) {
  if (service.health == nullptr) {
    return Counted(service.backends.size(), "backend", "backends");
  }
  std::uint64_t all = 0;
  for (const std::uint64_t count : service.health->standings) all += count;
  const auto usable =
      service.health->standings[static_cast<std::size_t>(checker::Standing::kUsable)];
  return std::to_string(usable) + " of " + std::to_string(all) + " usable";
}

std::string Head(const ServiceView& service, const StatusView& view) {
  std::string html = "<summary><span data-f>" + Badge(StateName(service)) + "</span>\n";
  const std::string name = GivenName(service);
  html += "<span class=name>" + (name.empty() ? "" : "<b>" + Isolated(name) + "</b> ");
  html += (name.empty() ? "<b>" : "<span>") + KernelName(service.key);
  html += name.empty() ? "</b></span>\n" : "</span></span>\n";
  html += "<span class=details>" + Escape(Details(service, view)) + "</span>\n";
  html += "<span class=usable>" + Signs(service) + UsableText(service) + "</span>\n";
  if (service.kernel != nullptr && service.kernel->counters) {
    html += "<span class=rate>" +
            Counted(service.kernel->counters->connections, "connection", "connections") + "</span>";
  }
  return html + "</summary>\n";
}

// "18 more backends (17 up, 1 drain) are left out."
template <class View>
std::string LeftOut(const std::vector<const View*>& views, std::string_view one,
                    std::string_view many) {
  std::map<std::string_view, std::size_t> states;
  for (const View* view : views) ++states[StateName(*view)];
  std::string text = Counted(views.size(), one, many) + " (";
  std::string_view separator;
  for (const auto& [state, count] : states) {
    text.append(separator).append(std::to_string(count)).append(" ").append(state);
    separator = ", ";
  }
  return text + (views.size() == 1 ? ") is left out." : ") are left out.");
}

std::string LeftOutBackends(const ServiceView& service, std::size_t shown) {
  if (shown == service.backends.size()) return "";
  std::vector<const BackendView*> rest;
  const std::vector<const BackendView*> first = FirstBackends(service, shown);
  auto next = first.begin();
  for (const BackendView& backend : service.backends) {
    if (next != first.end() && *next == &backend) {
      ++next;
    } else {
      rest.push_back(&backend);
    }
  }
  return "<p class=more>" + LeftOut(rest, "more backend", "more backends") + " <a href=\"" +
         LinkTo(KernelName(service.key)) + "\">Show only this service</a></p>\n";
}

std::string One(const ShownService& shown, const StatusView& view) {
  const ServiceView& service = *shown.service;
  std::string html = "<details class=\"service " + std::string(Name(service.level)) + "\" id=\"" +
                     AnchorOf(service.key) + "\"";
  if (service.kernel != nullptr && service.kernel->counters) {
    html += " data-c=" + std::to_string(service.kernel->counters->connections);
  }
  html += (shown.open ? " open>" : ">") + Head(service, view);
  if (shown.backends > 0) {
    html += "<table>" + BackendColumns() + "<tbody>\n" +
            BackendRows(service, view.snapshot, shown.backends) + "</tbody></table>\n";
  }
  return html + LeftOutBackends(service, shown.backends) + Sessions(service, view) + "</details>\n";
}

std::string Matching(const Selection& selection, const StatusView& view, const Filter& filter) {
  if (filter.IsEmpty()) return "";
  return "<p>" + std::to_string(selection.matching) + " of " +
         Counted(view.services.size(), "service", "services") + " match the filter " +
         Isolated(filter.text()) + ". <a href=\"?\">Show all</a></p>\n";
}

}  // namespace

std::string Services(const StatusView& view, const Selection& selection, const Filter& filter) {
  std::string html = "<section id=services><h2>Services</h2>\n";
  html += Matching(selection, view, filter);
  for (const ShownService& shown : selection.shown) html += One(shown, view);
  if (!selection.left_out.empty()) {
    html += "<p class=more>" + LeftOut(selection.left_out, "more service", "more services") +
            " What needs attention is shown first; the filter finds the others.</p>\n";
  }
  return html + "</section>\n";
}

}  // namespace lvs::status
