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

void AppendBackend(std::string& text, const BackendKey& backend) {
  AppendLabel(text, "remote_address", ToString(backend.address));
  AppendLabel(text, "remote_port", std::to_string(backend.port));
}

}  // namespace

std::string ServiceLabelValue(std::string_view label, const ServiceKey& key) {
  if (label == "local_address") return IsMark(key) ? "" : ToString(key.address);
  if (label == "local_port") return std::to_string(key.port);
  if (label == "proto") return std::string(Name(key.protocol));
  if (label == "local_mark") return IsMark(key) ? MarkText(key.fwmark) : "";
  return Name(key.address.family);
}

std::string BackendLabelValue(std::string_view label, const ServiceKey& service,
                              const BackendKey& backend) {
  if (label == "remote_address") return ToString(backend.address);
  if (label == "remote_port") return std::to_string(backend.port);
  return ServiceLabelValue(label, service);
}

std::string ServiceLabelText(const ServiceKey& service) {
  std::string text;
  for (const std::string_view label : kServiceLabels) {
    AppendLabel(text, label, ServiceLabelValue(label, service));
  }
  return text;
}

std::string BackendLabelText(const ServiceKey& service, const BackendKey& backend) {
  std::string text = ServiceLabelText(service);
  AppendBackend(text, backend);
  return text;
}

TableLabels::TableLabels(const Table& table) {
  std::string text;
  for (const Service& service : table.services) {
    const std::string service_text = ServiceLabelText(service.key);
    services_.push_back(
        {service.key, Keep(service_text), backends_.size(), service.backends.size()});
    for (const Backend& backend : service.backends) {
      text = service_text;
      AppendBackend(text, backend.key);
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
