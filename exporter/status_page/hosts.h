// Hosts that are down as a whole, on the status page: one trouble, however many services it has.
#pragma once

#include <vector>

#include "exporter/status_page/view.h"

namespace lvs::status {

// A host that is down as a real server of more than one service, and of each it belongs to: what
// the alert LVSRealServerHostDown is about.
struct DownHost {
  Address address;
  std::vector<const ServiceView*> services;  // in the view's order
  const BackendView* first = nullptr;        // in the first of them
};

// By address. They refer into view.
std::vector<DownHost> DownHosts(const StatusView& view);

// Whether a service is in trouble only because of these hosts, and has more than one server left.
// hosts: as DownHosts gives them.
bool IsExplainedBy(const std::vector<DownHost>& hosts, const ServiceView& service);

}  // namespace lvs::status
