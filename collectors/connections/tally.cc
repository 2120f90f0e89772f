#include "collectors/connections/tally.h"

namespace lvs::connections {
namespace {

void AddRemaining(RemainingCounts& remaining, std::uint32_t seconds) {
  std::size_t bucket = 0;
  while (bucket < kRemainingBounds.size() && seconds > kRemainingBounds[bucket]) ++bucket;
  ++remaining.buckets[bucket];
  remaining.sum += seconds;
}

}  // namespace

Tally::Tally(const ServiceIndex& index, Level level)
    : services(level >= Level::kService ? index.service_count() : 0),
      backends(level >= Level::kBackend ? index.backend_count() : 0),
      index_(&index),
      noted_(index.candidates_count()) {}

void Tally::Add(const Row& row, const Classification& found) {
  if (found.is_template) {
    AddTemplate(row, found);
  } else {
    AddConnection(row, found);
  }
}

void Tally::AddConnection(const Row& row, const Classification& found) {
  const std::size_t at = ConnectionCounts::At(ClassOf(row.protocol), row.state, row.origin);
  if (found.binding == Binding::kOrphan) {
    ++orphan_connections.all[at];
    return;
  }
  ++connections.all[at];
  if (found.service < services.size()) ++services[found.service].states[Position(row.state)];
  if (found.backend < backends.size()) ++backends[found.backend].states[Position(row.state)];
  NoteUnsure(found);
}

// Once for all rows of the same candidates.
void Tally::NoteUnsure(const Classification& found) {
  for (const std::uint32_t number : found.among) {
    if (number == kNone || noted_[number]) continue;
    noted_[number] = true;
    for (const std::uint32_t backend : index_->BackendsOf(number)) {
      const std::uint32_t service = index_->backend(backend).service;
      if (found.binding == Binding::kAmbiguous && service < services.size()) {
        services[service].has_unsure = true;
      }
      if (backend < backends.size()) backends[backend].has_unsure = true;
    }
  }
}

void Tally::AddTemplate(const Row& row, const Classification& found) {
  ++templates[Position(found.type)].all[TemplateCounts::At(found.status, row.origin)];
  if (found.service >= services.size()) return;
  ServiceTally& service = services[found.service];
  ++service.templates[Position(found.type)];
  if (found.binding != Binding::kBound) return;
  if (found.drained) ++service.drained[Position(found.status)];
  AddRemaining(service.remaining, row.expires);
}

}  // namespace lvs::connections
