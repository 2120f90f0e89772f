#include "collectors/probes/reason.h"

#include <array>
#include <cassert>
#include <cstddef>

namespace lvs::probes {
namespace {

enum class Kind : std::uint8_t { kPlain, kTimeout, kHangUp };

struct Row {
  Reason reason;
  std::string_view name;
  std::optional<Layer> layer;
  Kind kind = Kind::kPlain;
};

// In the order of the enum, which a test checks.
constexpr std::array kRows = {
    Row{Reason::kNone, "none", std::nullopt},
    Row{Reason::kIcmpTimeout, "icmp_timeout", Layer::kL3, Kind::kTimeout},
    Row{Reason::kIcmpUnreachable, "icmp_unreachable", Layer::kL3},
    Row{Reason::kIcmpProhibited, "icmp_prohibited", Layer::kL3},
    Row{Reason::kIcmpBadReply, "icmp_bad_reply", Layer::kL3},
    Row{Reason::kHostUnreachable, "host_unreachable", Layer::kL3},
    Row{Reason::kNetUnreachable, "net_unreachable", Layer::kL3},
    Row{Reason::kConnectTimeout, "connect_timeout", Layer::kL4, Kind::kTimeout},
    Row{Reason::kConnectRefused, "connect_refused", Layer::kL4},
    Row{Reason::kConnectProhibited, "connect_prohibited", Layer::kL4},
    Row{Reason::kConnectReset, "connect_reset", Layer::kL4, Kind::kHangUp},
    Row{Reason::kTlsTimeout, "tls_timeout", Layer::kL6, Kind::kTimeout},
    Row{Reason::kTlsReset, "tls_reset", Layer::kL6, Kind::kHangUp},
    Row{Reason::kTlsProtocol, "tls_protocol", Layer::kL6},
    Row{Reason::kTlsAlert, "tls_alert", Layer::kL6},
    Row{Reason::kTlsCertExpired, "tls_cert_expired", Layer::kL6},
    Row{Reason::kTlsCertNotYetValid, "tls_cert_not_yet_valid", Layer::kL6},
    Row{Reason::kTlsCertUntrusted, "tls_cert_untrusted", Layer::kL6},
    Row{Reason::kTlsCertWeak, "tls_cert_weak", Layer::kL6},
    Row{Reason::kTlsNameMismatch, "tls_name_mismatch", Layer::kL6},
    Row{Reason::kHttpTimeoutWrite, "http_timeout_write", Layer::kL7, Kind::kTimeout},
    Row{Reason::kHttpTimeoutFirstByte, "http_timeout_first_byte", Layer::kL7, Kind::kTimeout},
    Row{Reason::kHttpTimeoutBody, "http_timeout_body", Layer::kL7, Kind::kTimeout},
    Row{Reason::kHttpReset, "http_reset", Layer::kL7, Kind::kHangUp},
    Row{Reason::kHttpEmpty, "http_empty", Layer::kL7, Kind::kHangUp},
    Row{Reason::kHttpProtocol, "http_protocol", Layer::kL7},
    Row{Reason::kHttpStatus, "http_status", Layer::kL7},
    Row{Reason::kHttpHeaderMismatch, "http_header_mismatch", Layer::kL7},
    Row{Reason::kHttpBodyMismatch, "http_body_mismatch", Layer::kL7},
    Row{Reason::kHttpBodyTooLarge, "http_body_too_large", Layer::kL7},
    Row{Reason::kDrNoReply, "dr_no_reply", Layer::kDr, Kind::kTimeout},
    Row{Reason::kDrPortClosed, "dr_port_closed", Layer::kDr},
    Row{Reason::kDrForwarded, "dr_forwarded", Layer::kDr},
    Row{Reason::kDrWrongMac, "dr_wrong_mac", Layer::kDr},
    Row{Reason::kDrNeighbourUnresolved, "dr_neighbour_unresolved", Layer::kDr, Kind::kTimeout},
    Row{Reason::kDrNotAdjacent, "dr_not_adjacent", Layer::kDr},
    Row{Reason::kLocalFdLimit, "local_fd_limit", std::nullopt},
    Row{Reason::kLocalNoMemory, "local_no_memory", std::nullopt},
    Row{Reason::kLocalNoPort, "local_no_port", std::nullopt},
    Row{Reason::kLocalBind, "local_bind", std::nullopt},
    Row{Reason::kLocalPermission, "local_permission", std::nullopt},
    Row{Reason::kLocalOverload, "local_overload", std::nullopt},
    Row{Reason::kLocalThrottled, "local_throttled", std::nullopt},
    Row{Reason::kLocalConfig, "local_config", std::nullopt},
};

static_assert(kRows.size() == static_cast<std::size_t>(kLastReason) + 1, "one row for each reason");

const Row& RowOf(Reason reason) {
  const auto index = static_cast<std::size_t>(reason);
  assert(index < kRows.size() && kRows[index].reason == reason && "rows in the enum's order");
  return kRows[index];
}

}  // namespace

std::string_view Name(Layer layer) {
  constexpr std::array<std::string_view, 5> kNames = {"l3", "l4", "l6", "l7", "dr"};
  return kNames[static_cast<std::size_t>(layer)];
}

std::string_view Name(Reason reason) { return RowOf(reason).name; }

std::optional<Layer> LayerOf(Reason reason) { return RowOf(reason).layer; }

bool IsLocal(Reason reason) { return reason >= Reason::kLocalFdLimit; }

bool IsTimeout(Reason reason) { return RowOf(reason).kind == Kind::kTimeout; }

bool MayComeOfAStall(Reason reason) { return RowOf(reason).kind != Kind::kPlain; }

}  // namespace lvs::probes
