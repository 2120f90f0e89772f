// What the status page is about: the kernel's table and what the checker knows of it, put side by
// side. Only pointers into both, which must outlive it; so a large table costs little.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/checker/snapshot.h"
#include "collectors/connections/snapshot.h"
#include "collectors/ipvs/table.h"

namespace lvs::status {

// How much attention something wants, least first. Red, amber, grey and no colour of the page.
enum class Level : std::uint8_t { kFine, kUnknown, kWarning, kCritical };
// "fine", "unknown", "warning", "critical".
std::string_view Name(Level level);

struct BackendView {
  ipvs::BackendKey key;
  const ipvs::Backend* kernel = nullptr;             // null: the table does not have it
  const checker::PlannedBackend* planned = nullptr;  // null: the checker does not know it
  const checker::BackendHealth* health = nullptr;    // exactly with planned
  std::optional<checker::Disagreement> disagreement = {};
  Level level = Level::kFine;
};

struct ServiceView {
  ipvs::ServiceKey key;
  const ipvs::Service* kernel = nullptr;             // null: the table does not have it
  const checker::PlannedService* planned = nullptr;  // null: the checker does not know it
  const checker::ServiceHealth* health = nullptr;    // exactly with planned
  // Null where the connection table was not read, or not for services.
  const connections::ServiceSummary* connections = nullptr;
  std::vector<BackendView> backends = {};  // the kernel's in its order, then the others
  Level level = Level::kFine;              // of itself and of what is worst in it
};

struct StatusView {
  const ipvs::Table* table = nullptr;                  // null: none was read yet
  const checker::Snapshot* snapshot = nullptr;         // null: the checker is off or has not begun
  const connections::Snapshot* connections = nullptr;  // null: not read, or that failed
  std::vector<ServiceView> services;  // in the order of their keys, then the absent ones
};

StatusView MakeView(const ipvs::Table* table, const checker::Snapshot* snapshot,
                    const connections::Snapshot* connections);

// What its service's state is judged by, with the weight that the page shows.
checker::Member MemberOf(const BackendView& backend);

// The words of the states, and "unchecked" where there is no health.
std::string_view StateName(const ServiceView& service);
std::string_view StateName(const BackendView& backend);

// The name that the configuration gives; empty where it gives none.
std::string GivenName(const ServiceView& service);
// "192.168.1.111:80/TCP"; marks as people type them: "mark 10 ipv4".
std::string KernelName(const ipvs::ServiceKey& key);
// What a link to the service on this page names, without the "#".
std::string AnchorOf(const ipvs::ServiceKey& key);

}  // namespace lvs::status
