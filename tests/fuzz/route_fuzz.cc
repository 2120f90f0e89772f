// Feeds bytes to the framing of route netlink and to its decoders. The first byte chooses; the rest
// is a datagram (the answer to the request that its first header names) or one message.
#include <linux/netlink.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

#include "collectors/netlink/answer.h"
#include "collectors/route/decode.h"

namespace {

using namespace lvs;         // NOLINT: this file is the whole program
using namespace lvs::route;  // NOLINT

void Demand(bool truth) {
  if (!truth) std::abort();
}

// What comparisons rely on.
void DemandCanonical(const Address& address) {
  if (address.family != AddressFamily::kIpv4) return;
  for (std::size_t i = 4; i < address.bytes.size(); ++i) Demand(address.bytes[i] == 0);
}

Result<void> Take(int choice, Bytes payload) {
  switch (choice % 4) {
    case 0: {
      Route route;
      Result<void> decoded = DecodeRoute(payload, route);
      if (!decoded.ok()) return decoded;
      Demand(route.on_link == !route.gateway.has_value());
      if (route.source) DemandCanonical(*route.source);
      if (route.gateway) DemandCanonical(*route.gateway);
      return decoded;
    }
    case 1: {
      Interface interface;
      Result<void> decoded = DecodeInterface(payload, interface);
      Demand(interface.name.size() <= 15);
      return decoded;
    }
    case 2: {
      InterfaceAddress address;
      Result<void> decoded = DecodeAddress(payload, address);
      DemandCanonical(address.address);
      return decoded;
    }
    default: {
      NeighbourEntry entry;
      const Result<bool> decoded = DecodeNeighbour(payload, entry);
      if (!decoded.ok()) return decoded.error();
      DemandCanonical(entry.address);
      Demand(!entry.neighbour.resolved || !entry.neighbour.failed || decoded.value());
      return {};
    }
  }
}

void Receive(int choice, Bytes datagram) {
  nlmsghdr header{};
  if (datagram.size() >= sizeof header) std::memcpy(&header, datagram.data(), sizeof header);
  netlink::Answer answer(
      {.type = header.nlmsg_type, .sequence = header.nlmsg_seq, .own_port = header.nlmsg_pid},
      ExplainError);
  const Result<netlink::Progress> progress =
      answer.Receive(datagram, [&](Bytes payload) { return Take(choice, payload); });
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
