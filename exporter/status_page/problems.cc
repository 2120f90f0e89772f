// The list of what wants attention, at the top of the status page.

#include <algorithm>
#include <tuple>

#include "exporter/status_page/condition.h"
#include "exporter/status_page/hosts.h"
#include "exporter/status_page/html.h"
#include "exporter/status_page/summary.h"
#include "exporter/status_page/words.h"

namespace lvs::status {
namespace {

constexpr std::size_t kMostProblems = 50;
constexpr std::size_t kMostCauses = 3;

// Those that hosts does not tell of. Worst first, then in the order of ServiceState from the back:
// down before sorry, spof before degraded.
std::vector<const ServiceView*> InTrouble(const StatusView& view,
                                          const std::vector<DownHost>& hosts) {
  std::vector<const ServiceView*> services;
  for (const ServiceView& service : view.services) {
    if (service.level >= Level::kWarning && !IsExplainedBy(hosts, service)) {
      services.push_back(&service);
    }
  }
  std::ranges::stable_sort(services, std::greater(), [](const ServiceView* service) {
    return std::tuple(service->level, service->health != nullptr ? service->health->state
                                                                 : checker::ServiceState::kOk);
  });
  return services;
}

std::string LinkOf(const ServiceView& service, const Selection& selection) {
  const bool is_shown = std::ranges::any_of(
      selection.shown, [&](const ShownService& shown) { return shown.service == &service; });
  const std::string target =
      is_shown ? "#" + AnchorOf(service.key) : LinkTo(KernelName(service.key));
  const std::string name = GivenName(service);
  return "<a href=\"" + target + "\">" + (name.empty() ? "" : Isolated(name) + " ") +
         KernelName(service.key) + "</a>";
}

// Its worst backends, and of the others how many.
std::string Causes(const ServiceView& service, const checker::Snapshot* snapshot) {
  std::vector<const BackendView*> bad;
  for (const BackendView& backend : service.backends) {
    if (backend.level != Level::kFine) bad.push_back(&backend);
  }
  std::ranges::stable_sort(bad, std::greater(), &BackendView::level);
  std::string html;
  for (std::size_t i = 0; i < std::min(kMostCauses, bad.size()); ++i) {
    const std::string key = ToString(bad[i]->key);
    html += "<li data-k=\"" + key + "\">" + key + " " + Condition(*bad[i], snapshot) + "</li>\n";
  }
  if (bad.size() > kMostCauses) {
    html +=
        "<li>and " + Counted(bad.size() - kMostCauses, "more backend", "more backends") + "</li>\n";
  }
  return html.empty() ? "" : "<ul>\n" + html + "</ul>";
}

std::string StateInWords(const ServiceView& service) {
  if (service.health == nullptr) return "is not checked";
  std::string words(InWords(service.health->state).one);
  if (service.backends.empty()) words += ": it has no backends";
  return words;
}

std::string One(const ServiceView& service, const StatusView& view, const Selection& selection) {
  return "<li class=" + std::string(Name(service.level)) + " data-f data-k=\"" +
         AnchorOf(service.key) + "\">" + Badge(StateName(service)) + " " +
         LinkOf(service, selection) + " " + StateInWords(service) + Causes(service, view.snapshot) +
         "</li>\n";
}

// "host 10.1.0.2 is down for all its 13 services: down, connection timed out since ...", and some
// of them.
std::string One(const DownHost& host, const StatusView& view, const Selection& selection) {
  const std::string address = ToString(host.address);
  std::string html = "<li class=critical data-f data-k=\"host-" + address + "\">" + Badge("down") +
                     " host <b>" + address + "</b> is down for all its " +
                     Counted(host.services.size(), "service", "services") + ": " +
                     Condition(*host.first, view.snapshot) + "\n<ul>\n";
  for (std::size_t i = 0; i < std::min(kMostCauses, host.services.size()); ++i) {
    const ServiceView& service = *host.services[i];
    html += "<li data-k=\"" + AnchorOf(service.key) + "\">" + LinkOf(service, selection) + " " +
            StateInWords(service) + "</li>\n";
  }
  if (host.services.size() > kMostCauses) {
    html += "<li>and " +
            Counted(host.services.size() - kMostCauses, "more service", "more services") +
            "</li>\n";
  }
  return html + "</ul></li>\n";
}

std::string Hosts(const std::vector<DownHost>& hosts, const StatusView& view,
                  const Selection& selection) {
  std::string html;
  for (std::size_t i = 0; i < std::min(kMostProblems, hosts.size()); ++i) {
    html += One(hosts[i], view, selection);
  }
  if (hosts.size() > kMostProblems) {
    html += "<li>and " + Counted(hosts.size() - kMostProblems, "more host", "more hosts") +
            " that are down</li>\n";
  }
  return html;
}

std::string Leak(const probes::ArpLeak& leak) {
  const bool answers = leak.kind == probes::ArpLeak::Kind::kAnswers;
  return "<li class=critical data-f>" + Badge("arp") + " " +
         (leak.server ? ToString(*leak.server) : "A host that is no known server") +
         (answers ? " answers ARP for" : " announces by ARP") + " the VIP " + ToString(leak.vip) +
         " on " + Escape(leak.interface) + ": its " + (answers ? "arp_ignore" : "arp_announce") +
         " is wrong, and clients may reach it past the director</li>\n";
}

std::string Leaks(const checker::Snapshot* snapshot) {
  std::string html;
  if (snapshot == nullptr) return html;
  for (const probes::ArpLeak& leak : snapshot->arp) {
    if (leak.leaking) html += Leak(leak);
  }
  return html;
}

}  // namespace

std::string Problems(const StatusView& view, const Selection& selection) {
  const std::vector<DownHost> hosts = DownHosts(view);
  const std::vector<const ServiceView*> services = InTrouble(view, hosts);
  std::string items = Hosts(hosts, view, selection) + Leaks(view.snapshot);
  for (std::size_t i = 0; i < std::min(kMostProblems, services.size()); ++i) {
    items += One(*services[i], view, selection);
  }
  if (services.size() > kMostProblems) {
    items += "<li>and " +
             Counted(services.size() - kMostProblems, "more service", "more services") +
             ", less urgent than these</li>\n";
  }
  if (items.empty()) return "";
  return "<section id=problems><h2>What wants attention</h2>\n<ul class=problems>\n" + items +
         "</ul></section>\n";
}

}  // namespace lvs::status
