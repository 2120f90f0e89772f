// Feeds bytes to the reader of what may answer a DR proof. The first byte chooses the family.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <variant>

#include "collectors/probes/tcp_packet.h"

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
  const DrMessage message = ParseDr(family, bytes);
  if (const auto* answer = std::get_if<TcpAnswer>(&message)) {
    Demand(bytes.size() >= 40 && answer->path.source.family == family);
    Demand(answer->kind != TcpAnswer::Kind::kSynAck || answer->acknowledges);
    // A segment of ours along the same path reads back as it was written.
    const DrMessage own = ParseDr(family, BuildTcp({.path = answer->path,
                                                    .kind = TcpSegment::Kind::kReset,
                                                    .sequence = answer->acknowledgement,
                                                    .ttl = 1,
                                                    .tos = 0}));
    const auto* reset = std::get_if<TcpAnswer>(&own);
    Demand(reset != nullptr && reset->path == answer->path &&
           reset->kind == TcpAnswer::Kind::kReset);
  }
  if (const auto* error = std::get_if<TcpError>(&message)) {
    Demand(error->reporter.family == family && error->path.destination.family == family);
  }
  return 0;
}
