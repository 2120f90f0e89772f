// What a row of the connection table is, and to which service and backend it belongs.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "collectors/connections/row.h"
#include "collectors/connections/service_index.h"

namespace lvs::connections {

enum class TemplateStatus : std::uint8_t {
  kAssured,      // a connection of the client has been established
  kUnassured,    // none yet; UDP without replies through the director stays so
  kInvalidated,  // given up: the client has come back and was bound anew
};
inline constexpr std::string_view kTemplateStatusNames[] = {"assured", "unassured", "invalidated"};
inline constexpr std::size_t kTemplateStatuses = std::size(kTemplateStatusNames);

enum class Binding : std::uint8_t {
  kBound,      // to a backend of a configured service
  kOrphan,     // to nothing that is configured: backend or service removed, or synchronised unbound
  kAmbiguous,  // several services may be meant, or one and a backend that is not there any more
};

struct Classification {
  bool is_template = false;
  TemplateType type = TemplateType::kOrphan;  // of a template
  TemplateStatus status = TemplateStatus::kUnassured;
  bool drained = false;  // a template whose backend has weight 0
  Binding binding = Binding::kOrphan;
  // Where one can be named, else kNone. An orphan may have the service that its backend was removed
  // from, never a backend.
  std::uint32_t service = kNone;
  std::uint32_t backend = kNone;
  // Of a connection that belongs to one of several backends and does not show to which: numbers for
  // ServiceIndex::candidates(), among which it is.
  std::array<std::uint32_t, 2> among = {kNone, kNone};
};

// What differs between machines.
struct ClassifierRules {
  // Before Linux 4.19 templates of UDP services have the state UDP, too.
  enum class TemplateStates : std::uint8_t { kAssuredOrNone, kAlsoUdp };
  TemplateStates template_states = TemplateStates::kAssuredOrNone;
  // net.ipv4.ip_unprivileged_port_start: from here on TCP ports may be data of an FTP service.
  std::uint16_t first_unprivileged_port = 1024;
};

// What cannot be seen in a row stays unknown: an ordinary connection never shows its mark, so where
// a virtual address and port have a service of their own, a marked connection counts there; and an
// entry that was synchronised before its service was made looks bound.
Classification Classify(const Row& row, const ServiceIndex& index, const ClassifierRules& rules);

}  // namespace lvs::connections
