#include "exporter/status_page/words.h"

#include <cassert>
#include <cstddef>
#include <iterator>

namespace lvs::status {
namespace {

using checker::Disagreement;
using checker::ServiceState;
using probes::Reason;

template <class Value, class Words = std::string_view>
struct Row {
  Value value;
  Words words;
};

constexpr Row<Reason> kReasons[] = {
    {Reason::kNone, "no reason"},
    {Reason::kIcmpTimeout, "no reply to ping"},
    {Reason::kIcmpUnreachable, "ping is answered with: unreachable"},
    {Reason::kIcmpProhibited, "a packet filter refuses ping"},
    {Reason::kIcmpBadReply, "the reply to ping is not what was sent"},
    {Reason::kHostUnreachable, "no host answers for the address"},
    {Reason::kNetUnreachable, "there is no route to it"},
    {Reason::kConnectTimeout, "connecting gets no answer"},
    {Reason::kConnectRefused, "connection refused: nobody listens on the port"},
    {Reason::kConnectProhibited, "a packet filter refuses the connection"},
    {Reason::kConnectReset, "the connection is reset"},
    {Reason::kTlsTimeout, "the TLS handshake does not end in time"},
    {Reason::kTlsReset, "the connection is reset in the TLS handshake"},
    {Reason::kTlsProtocol, "it does not speak TLS"},
    {Reason::kTlsAlert, "it refuses the TLS handshake"},
    {Reason::kTlsCertExpired, "its certificate has expired"},
    {Reason::kTlsCertNotYetValid, "its certificate is not valid yet"},
    {Reason::kTlsCertUntrusted, "its certificate is not trusted"},
    {Reason::kTlsCertWeak, "its certificate is too weak"},
    {Reason::kTlsNameMismatch, "its certificate is for another name"},
    {Reason::kHttpTimeoutWrite, "it does not take the request"},
    {Reason::kHttpTimeoutFirstByte, "it takes the request and does not answer"},
    {Reason::kHttpTimeoutBody, "its answer does not end in time"},
    {Reason::kHttpReset, "the connection is reset instead of an answer"},
    {Reason::kHttpEmpty, "it closes without an answer"},
    {Reason::kHttpProtocol, "its answer is not HTTP"},
    {Reason::kHttpStatus, "it answers with another status than expected"},
    {Reason::kHttpHeaderMismatch, "a header of its answer is not as expected"},
    {Reason::kHttpBodyMismatch, "the content of its answer is not as expected"},
    {Reason::kHttpBodyTooLarge, "what is expected is not in the beginning of its answer"},
    {Reason::kDrNoReply, "it does not answer for the VIP: the VIP is missing there"},
    {Reason::kDrPortClosed, "it has the VIP, and nobody listens there"},
    {Reason::kDrForwarded, "it does not have the VIP and passes its packets on"},
    {Reason::kDrWrongMac, "somebody else answers for the VIP"},
    {Reason::kDrNeighbourUnresolved, "nobody answers ARP for its address"},
    {Reason::kDrNotAdjacent, "it is not in this director's network"},
    {Reason::kLocalFdLimit, "this exporter has no free file descriptor"},
    {Reason::kLocalNoMemory, "this exporter has no memory"},
    {Reason::kLocalNoPort, "this host has no free port"},
    {Reason::kLocalBind, "this host lacks the address or device to ask from"},
    {Reason::kLocalPermission, "this exporter may not ask: a capability is missing"},
    {Reason::kLocalOverload, "this exporter is overloaded"},
    {Reason::kLocalThrottled, "this exporter's own limits keep it from asking"},
    {Reason::kLocalConfig, "the probe cannot be used as it is configured"},
};
static_assert(std::size(kReasons) == static_cast<std::size_t>(probes::kLastReason) + 1,
              "one row for each reason");

constexpr Row<ServiceState, OneAndMany> kServices[] = {
    {ServiceState::kOk, {"works", "work"}},
    {ServiceState::kDegraded,
     {"has lost a part of its servers", "have lost a part of their servers"}},
    {ServiceState::kSpof, {"hangs on a single server", "hang on a single server"}},
    {ServiceState::kBackup, {"runs on its backup server", "run on their backup servers"}},
    {ServiceState::kSorry, {"only says sorry to its clients", "only say sorry to their clients"}},
    {ServiceState::kDown, {"is down", "are down"}},
    {ServiceState::kUnknown, {"is not fully judged yet", "are not fully judged yet"}},
};
static_assert(std::size(kServices) == std::size(checker::kServiceStates));

constexpr Row<Disagreement> kDisagreementWords[] = {
    {Disagreement::kHealthyAbsent, "works, but is not in the kernel's table"},
    {Disagreement::kHealthyWeight0, "works, but its weight is 0: it gets no new clients"},
    {Disagreement::kUnhealthyActive, "its weight is not 0: clients are still sent to it"},
};
static_assert(std::size(kDisagreementWords) == std::size(checker::kDisagreements));

template <class Value, class Words, std::size_t kSize>
Words Find(const Row<Value, Words> (&rows)[kSize], Value value) {
  const auto index = static_cast<std::size_t>(value);
  assert(index < kSize && rows[index].value == value && "rows in the enum's order");
  return rows[index].words;
}

}  // namespace

std::string_view InWords(Reason reason) { return Find(kReasons, reason); }
OneAndMany InWords(ServiceState state) { return Find(kServices, state); }
std::string_view InWords(Disagreement disagreement) {
  return Find(kDisagreementWords, disagreement);
}

}  // namespace lvs::status
