// A small language for tests of the connection table: services with their totals, and rows as the
// kernel writes them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "collectors/connections/row_parser.h"
#include "collectors/ipvs/table.h"
#include "tests/support/ip.h"

namespace lvs::fake {

inline ipvs::ServiceKey On(ipvs::Protocol protocol, const std::string& address,
                           std::uint16_t port) {
  return {Ip(address), protocol, port, 0};
}

inline ipvs::ServiceKey OnMark(std::uint32_t mark, AddressFamily family = AddressFamily::kIpv4) {
  return {Address{.family = family, .bytes = {}}, ipvs::Protocol::kFwmark, 0, mark};
}

// The kernel's services, built one after the other:
//
//     Services().Persistent(On(kTcp, "10.0.0.1", 80)).Backend("10.1.0.1", 80).Holds(3, 1, 7)
class Services {
 public:
  Services() { table_.services_known = table_.up = true; }

  Services& Plain(const ipvs::ServiceKey& key) {
    ipvs::Service service;
    service.key = key;
    service.scheduler = "rr";
    table_.services.push_back(std::move(service));
    return *this;
  }
  Services& Persistent(const ipvs::ServiceKey& key) {
    Plain(key);
    table_.services.back().flags = ipvs::kServicePersistent;
    table_.services.back().persistence_timeout = 300;
    return *this;
  }
  // Of the last service.
  Services& Backend(const std::string& address, std::uint16_t port, std::uint64_t weight = 1,
                    ipvs::ForwardMethod forward = ipvs::ForwardMethod::kRoute) {
    ipvs::Backend backend;
    backend.key = {Ip(address), port};
    backend.weight = weight;
    backend.forward = forward;
    backend.persistence_templates = 0;
    table_.services.back().backends.push_back(backend);
    return *this;
  }
  // What netlink says of the last backend.
  Services& Holds(std::uint64_t active, std::uint64_t inactive, std::uint64_t templates = 0) {
    ipvs::Backend& backend = table_.services.back().backends.back();
    backend.active_connections = active;
    backend.inactive_connections = inactive;
    backend.persistence_templates = templates;
    return *this;
  }

  const ipvs::Table& table() const { return table_; }
  ipvs::Table& table() { return table_; }
  std::shared_ptr<const ipvs::Table> Share() const {
    return std::make_shared<const ipvs::Table>(table_);
  }

 private:
  ipvs::Table table_;
};

// A row of ip_vs_conn_sync; text that is none throws.
inline connections::Row RowOf(std::string_view line) {
  return connections::ParseRow(line, connections::Format::kSync).value();
}

}  // namespace lvs::fake
