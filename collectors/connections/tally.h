// What a pass over the connection table has counted so far.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "collectors/connections/classifier.h"
#include "collectors/connections/counts.h"
#include "collectors/connections/row.h"
#include "collectors/connections/service_index.h"
#include "collectors/connections/settings.h"

namespace lvs::connections {

struct ServiceTally {
  StateCounts states{};       // connections of its backends
  bool has_unsure = false;    // there are connections that are its own or another service's
  TypeCounts templates{};     // orphans are those whose backend is no longer its own
  StatusCounts drained{};     // templates of backends with weight 0
  RemainingCounts remaining;  // of templates without orphans
};

struct BackendTally {
  StateCounts states{};
  bool has_unsure = false;  // there are connections that are its own or another backend's
};

// Rows of one pass, as they were read: nothing is scaled here.
struct Tally {
  // level decides for what single counts are kept; the rest stays empty. index must outlive it.
  Tally(const ServiceIndex& index, Level level);

  void Add(const Row& row, const Classification& found);

  ConnectionCounts connections;         // bound to a backend
  ConnectionCounts orphan_connections;  // bound to none
  std::array<TemplateCounts, kTemplateTypes> templates;
  std::vector<ServiceTally> services;
  std::vector<BackendTally> backends;

 private:
  void AddConnection(const Row& row, const Classification& found);
  void AddTemplate(const Row& row, const Classification& found);
  void NoteUnsure(const Classification& found);

  const ServiceIndex* index_;
  std::vector<bool> noted_;  // by candidates of the index
};

}  // namespace lvs::connections
