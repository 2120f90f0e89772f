// Why a run of a probe did not succeed: a closed list, each with the layer it belongs to.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace lvs::probes {

// Lowest first: what the layer label says.
enum class Layer : std::uint8_t { kL3, kL4, kL6, kL7, kDr };

// "l3", "l4", "l6", "l7", "dr".
std::string_view Name(Layer layer);

enum class Reason : std::uint8_t {
  kNone,  // the run succeeded
  kIcmpTimeout,
  kIcmpUnreachable,
  kIcmpProhibited,
  kIcmpBadReply,
  kHostUnreachable,  // also: nobody answers ARP or ND for the address
  kNetUnreachable,
  kConnectTimeout,
  kConnectRefused,
  kConnectProhibited,  // an ICMP error from a packet filter
  kConnectReset,
  kTlsTimeout,
  kTlsReset,
  kTlsProtocol,  // also: an answer that is not TLS
  kTlsAlert,
  kTlsCertExpired,
  kTlsCertNotYetValid,
  kTlsCertUntrusted,
  kTlsCertWeak,
  kTlsNameMismatch,
  kHttpTimeoutWrite,
  kHttpTimeoutFirstByte,
  kHttpTimeoutBody,  // header or body unfinished
  kHttpReset,
  kHttpEmpty,
  kHttpProtocol,
  kHttpStatus,
  kHttpHeaderMismatch,
  kHttpBodyMismatch,
  kHttpBodyTooLarge,  // no match within max_body
  kDrNoReply,
  kDrPortClosed,
  kDrForwarded,
  kDrWrongMac,
  kDrNeighbourUnresolved,
  kDrNotAdjacent,
  // Our own trouble: the run is inconclusive.
  kLocalFdLimit,
  kLocalNoMemory,
  kLocalNoPort,
  kLocalBind,
  kLocalPermission,
  kLocalOverload,
  kLocalThrottled,
  kLocalConfig,
};

inline constexpr Reason kLastReason = Reason::kLocalConfig;

// "connect_refused": what the reason label says. "none" for kNone.
std::string_view Name(Reason reason);

// The layer that the reason belongs to; absent for kNone and for our own trouble.
std::optional<Layer> LayerOf(Reason reason);

// Whether a run that ends with it is inconclusive: what our process or host lacks, never what the
// network or the server did.
bool IsLocal(Reason reason);

// Whether it means that something did not come in time.
bool IsTimeout(Reason reason);

// Whether it may come of our own standing still: a time-out, and the end of a connection by the
// server, which does not wait for a silent client for ever.
bool MayComeOfAStall(Reason reason);

}  // namespace lvs::probes
