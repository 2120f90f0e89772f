// Feeds bytes to the framing of datagrams and to every decoder of the IPVS family. The first byte
// chooses; the rest is a datagram (the answer to the request that its first header names) or the
// attributes of one message.
#include <linux/netlink.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "collectors/ipvs/decode.h"
#include "collectors/netlink/framing.h"

namespace {

using namespace lvs;        // NOLINT: this file is the whole program
using namespace lvs::ipvs;  // NOLINT

void Demand(bool truth) {
  if (!truth) std::abort();
}

// What labels and lists rely on.
void DemandCanonical(const Address& address) {
  if (address.family != AddressFamily::kIpv4) return;
  for (std::size_t i = 4; i < address.bytes.size(); ++i) Demand(address.bytes[i] == 0);
}

Result<void> TakeService(Bytes attributes) {
  static Service service;  // as the reader does it: over the content of earlier messages
  Result<void> decoded = DecodeService(attributes, service);
  if (!decoded.ok()) return decoded;
  DemandCanonical(service.key.address);
  Demand(service.scheduler.size() <= 15);
  Demand(Name(service.key.protocol) != "unknown");
  Demand((service.flags & kServiceHashed) == 0);
  return decoded;
}

Result<void> TakeBackend(Bytes attributes, AddressFamily family) {
  Backend backend;
  Result<void> decoded = DecodeBackend(attributes, family, backend);
  if (!decoded.ok()) return decoded;
  DemandCanonical(backend.key.address);
  Demand(static_cast<int>(backend.forward) <= 7);
  return decoded;
}

Result<void> Take(int choice, Bytes attributes) {
  Info info;
  Timeouts timeouts;
  SyncDaemon daemon;
  switch (choice % 6) {
    case 0:
      return TakeService(attributes);
    case 1:
      return TakeBackend(attributes, AddressFamily::kIpv4);
    case 2:
      return TakeBackend(attributes, AddressFamily::kIpv6);
    case 3:
      return DecodeInfo(attributes, info);
    case 4:
      return DecodeTimeouts(attributes, timeouts);
    default:
      return DecodeSyncDaemon(attributes, daemon);
  }
}

void Receive(int choice, Bytes bytes) {
  nlmsghdr header{};
  if (bytes.size() >= sizeof header) std::memcpy(&header, bytes.data(), sizeof header);
  netlink::Conversation conversation(
      {.family = header.nlmsg_type, .sequence = header.nlmsg_seq, .own_port = header.nlmsg_pid});
  const auto progress =
      conversation.Receive({bytes}, [&](Bytes attributes) { return Take(choice, attributes); });
  Demand(progress.ok() || !progress.error().message.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes rest = std::as_bytes(std::span(data, size)).subspan(1);
  if (data[0] < 128) {
    const Result<void> decoded = Take(data[0], rest);
    Demand(decoded.ok() || !decoded.error().message.empty());
  } else {
    Receive(data[0], rest);
  }
  return 0;
}
