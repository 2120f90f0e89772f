// Numbers of connections and templates by what they are: what a pass over the table counts, and
// what is told of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "collectors/connections/classifier.h"
#include "collectors/connections/row.h"

namespace lvs::connections {

enum class ProtocolClass : std::uint8_t { kTcp, kUdp, kSctp, kOther };
inline constexpr std::string_view kProtocolNames[] = {"TCP", "UDP", "SCTP", "other"};
inline constexpr std::size_t kProtocols = std::size(kProtocolNames);

constexpr ProtocolClass ClassOf(std::uint8_t protocol) {
  if (protocol == kTcpNumber) return ProtocolClass::kTcp;
  if (protocol == kUdpNumber) return ProtocolClass::kUdp;
  return protocol == kSctpNumber ? ProtocolClass::kSctp : ProtocolClass::kOther;
}

using StateCounts = std::array<std::uint64_t, kStates>;
using OriginCounts = std::array<std::uint64_t, kOrigins>;
using StatusCounts = std::array<std::uint64_t, kTemplateStatuses>;
using TypeCounts = std::array<std::uint64_t, kTemplateTypes>;

template <class Index>
constexpr std::size_t Position(Index index) {
  return static_cast<std::size_t>(index);
}

// Connections by protocol, state and origin; flat, so that all of it can be scaled in one go.
struct ConnectionCounts {
  std::array<std::uint64_t, kProtocols * kStates * kOrigins> all{};

  static constexpr std::size_t At(ProtocolClass protocol, State state, Origin origin) {
    return (Position(protocol) * kStates + Position(state)) * kOrigins + Position(origin);
  }
};

// Templates of one type by status and origin.
struct TemplateCounts {
  std::array<std::uint64_t, kTemplateStatuses * kOrigins> all{};

  static constexpr std::size_t At(TemplateStatus status, Origin origin) {
    return Position(status) * kOrigins + Position(origin);
  }
};

// Upper bounds of ipvs_service_persistence_template_remaining_seconds; one more bucket is above
// all. 60 is what the kernel gives a template that connections still hang on, 300 ipvsadm's
// default.
inline constexpr std::array kRemainingBounds = {
    15.0, 30.0, 60.0, 120.0, 180.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 10800.0, 43200.0, 86400.0};

// Templates by the seconds they have left.
struct RemainingCounts {
  std::array<std::uint64_t, kRemainingBounds.size() + 1> buckets{};
  double sum = 0;  // seconds
};

}  // namespace lvs::connections
