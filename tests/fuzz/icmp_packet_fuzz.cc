// Feeds bytes to the reader of what raw ICMP sockets receive. The first byte chooses the family.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <variant>

#include "collectors/probes/icmp_packet.h"

namespace {

using namespace lvs;          // NOLINT: this file is the whole program
using namespace lvs::probes;  // NOLINT

void Demand(bool truth) {
  if (!truth) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes bytes = std::as_bytes(std::span(data, size)).subspan(1);
  const AddressFamily family = data[0] % 2 == 0 ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
  const IcmpMessage message = ParseIcmp(family, bytes);
  if (const auto* reply = std::get_if<EchoReply>(&message)) {
    Demand(reply->payload.size() + 8 <= bytes.size());
    Echo echo{.id = reply->id, .sequence = reply->sequence, .cookie = {}, .payload_size = 56};
    Demand(!IsPayloadOf(echo, reply->payload) || reply->payload.size() == 56);
  }
  if (const auto* error = std::get_if<EchoError>(&message)) {
    Demand(error->destination.family == family && error->from.family == family);
    if (IsHostUnreachable(family, *error)) {
      Demand(KindOf(family, *error) == EchoErrorKind::kUnreachable);
    }
  }
  return 0;
}
