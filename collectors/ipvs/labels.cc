#include "collectors/ipvs/labels.h"

#include <cstdio>

#include "collectors/metric.h"

namespace lvs::ipvs {
namespace {

bool IsMark(const ServiceKey& key) { return key.protocol == Protocol::kFwmark; }

// 8 upper-case hex digits, as the kernel's own proc files write a mark.
std::string MarkText(std::uint32_t fwmark) {
  char text[9];
  std::snprintf(text, sizeof text, "%08X", fwmark);
  return text;
}

std::string ServiceText(const ServiceKey& key) {
  std::string text;
  for (const std::string_view label : kServiceLabels) {
    AppendLabel(text, label, ServiceLabelValue(label, key));
  }
  return text;
}

}  // namespace

std::string ServiceLabelValue(std::string_view label, const ServiceKey& key) {
  if (label == "local_address") return IsMark(key) ? "" : ToString(key.address);
  if (label == "local_port") return std::to_string(key.port);
  if (label == "proto") return std::string(Name(key.protocol));
  if (label == "local_mark") return IsMark(key) ? MarkText(key.fwmark) : "";
  return Name(key.address.family);
}

std::string BackendLabelValue(std::string_view label, const Service& service,
                              const Backend& backend) {
  if (label == "remote_address") return ToString(backend.key.address);
  if (label == "remote_port") return std::to_string(backend.key.port);
  return ServiceLabelValue(label, service.key);
}

TableLabels::TableLabels(const Table& table) {
  std::string text;
  for (const Service& service : table.services) {
    const std::string service_text = ServiceText(service.key);
    services_.push_back(
        {service.key, Keep(service_text), backends_.size(), service.backends.size()});
    for (const Backend& backend : service.backends) {
      text = service_text;
      AppendLabel(text, "remote_address", ToString(backend.key.address));
      AppendLabel(text, "remote_port", std::to_string(backend.key.port));
      backends_.push_back({backend.key, Keep(text)});
    }
  }
}

TableLabels::Range TableLabels::Keep(std::string_view text) {
  const Range range{arena_.size(), text.size()};
  arena_ += text;
  return range;
}

bool TableLabels::Match(const Table& table) const {
  if (table.services.size() != services_.size()) return false;
  for (std::size_t i = 0; i < services_.size(); ++i) {
    if (!Match(services_[i], table.services[i])) return false;
  }
  return true;
}

bool TableLabels::Match(const ServiceEntry& entry, const Service& service) const {
  if (entry.key != service.key || entry.backend_count != service.backends.size()) return false;
  for (std::size_t i = 0; i < service.backends.size(); ++i) {
    if (backends_[entry.first_backend + i].key != service.backends[i].key) return false;
  }
  return true;
}

}  // namespace lvs::ipvs
