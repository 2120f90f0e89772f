// The label text of services and backends, in the form of the exposition format: rendered once and
// kept as long as the same services and backends stand in the kernel's table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/ipvs/table.h"

namespace lvs::ipvs {

// The contract's S and B. Their values are node_exporter's.
inline constexpr std::string_view kServiceLabels[] = {"local_address", "local_port", "proto",
                                                      "local_mark", "address_family"};
inline constexpr std::string_view kBackendLabels[] = {
    "local_address",  "local_port",     "proto",      "local_mark",
    "address_family", "remote_address", "remote_port"};

// The value of one of kServiceLabels for a service.
std::string ServiceLabelValue(std::string_view label, const ServiceKey& key);

// The value of one of kBackendLabels for a backend of a service.
std::string BackendLabelValue(std::string_view label, const ServiceKey& service,
                              const BackendKey& backend);

// All of kServiceLabels or kBackendLabels, as label text.
std::string ServiceLabelText(const ServiceKey& service);
std::string BackendLabelText(const ServiceKey& service, const BackendKey& backend);

// Label text of every service and backend of one table, by position. Immutable once made, so any
// thread may read it.
class TableLabels {
 public:
  explicit TableLabels(const Table& table);

  // True when table has the same services and backends at the same positions.
  bool Match(const Table& table) const;

  // service: index in table.services.
  std::string_view service(std::size_t service) const { return Slice(services_[service].text); }
  // backend: index in that service's backends.
  std::string_view backend(std::size_t service, std::size_t backend) const {
    return Slice(backends_[services_[service].first_backend + backend].text);
  }

 private:
  struct Range {
    std::size_t begin = 0;
    std::size_t size = 0;
  };
  struct ServiceEntry {
    ServiceKey key;
    Range text;
    std::size_t first_backend = 0;
    std::size_t backend_count = 0;
  };
  struct BackendEntry {
    BackendKey key;
    Range text;
  };

  std::string_view Slice(Range range) const {
    return std::string_view(arena_).substr(range.begin, range.size);
  }
  Range Keep(std::string_view text);
  bool Match(const ServiceEntry& entry, const Service& service) const;

  std::string arena_;
  std::vector<ServiceEntry> services_;
  std::vector<BackendEntry> backends_;
};

}  // namespace lvs::ipvs
