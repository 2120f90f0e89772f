// Feeds bytes to the reader of neighbour discovery. What it accepts, it must read again from what
// it writes, and a claim is of one of the packet's addresses.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "collectors/probes/address_claim.h"
#include "collectors/probes/nd_packet.h"
#include "collectors/probes/packet.h"

namespace {

using namespace lvs;          // NOLINT: this file is the whole program
using namespace lvs::probes;  // NOLINT

void Demand(bool truth) {
  if (!truth) std::abort();
}

void Check(Bytes bytes) {
  const auto claim = ParseClaim(AddressFamily::kIpv6, bytes, {{}, FrameTarget::kUs});
  const auto packet = ParseNd(bytes);
  Demand(packet || !claim);
  if (!packet) return;
  Demand(ParseNd(BuildNd(*packet)) == packet);
  const bool advertises = packet->kind == NdPacket::Kind::kAdvertisement;
  Demand(claim || !advertises);
  if (claim) Demand(claim->address == (advertises ? packet->target : packet->source));
}

// The checksum put right, which chance alone would not.
std::vector<std::byte> Mended(Bytes bytes) {
  constexpr std::size_t kHeader = 40;
  std::vector<std::byte> mended(bytes.begin(), bytes.end());
  const std::size_t length = U16At(bytes, 4);
  if (length < 4 || length > bytes.size() - kHeader) return mended;
  mended[kHeader + 2] = mended[kHeader + 3] = std::byte{0};
  const std::uint32_t pseudo = PseudoHeaderSum(AddressAt(bytes, 8, AddressFamily::kIpv6),
                                               AddressAt(bytes, 24, AddressFamily::kIpv6), 58,
                                               static_cast<std::uint32_t>(length));
  const std::uint16_t sum = InternetChecksum(Bytes(mended).subspan(kHeader, length), pseudo);
  mended[kHeader + 2] = std::byte(sum >> 8);
  mended[kHeader + 3] = std::byte(sum & 0xff);
  return mended;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes = std::as_bytes(std::span(data, size));
  Check(bytes);
  if (bytes.size() >= 44) Check(Mended(bytes));
  return 0;
}
