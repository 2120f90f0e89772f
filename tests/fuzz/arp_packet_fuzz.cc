// Feeds bytes to the reader of ARP packets. What it accepts, it must write again as it was.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "collectors/probes/arp_packet.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const lvs::Bytes bytes = std::as_bytes(std::span(data, size));
  const auto packet = lvs::probes::ParseArp(bytes);
  if (!packet) return 0;
  const auto again = lvs::probes::BuildArp(*packet);
  if (again.size() > size || !std::ranges::equal(again, bytes.first(again.size()))) std::abort();
  return 0;
}
