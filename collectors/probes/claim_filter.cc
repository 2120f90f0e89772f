#include "collectors/probes/claim_filter.h"

#include <linux/if_ether.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>

#include "collectors/bytes.h"
#include "collectors/probes/packet.h"
#include "collectors/probes/packet_filter.h"

namespace lvs::probes {
namespace {

constexpr std::size_t kMostVips = 100;  // see CompileFilter
constexpr std::uint32_t kWholePacket = 0xffffffff;

// Offsets in an ARP packet of Ethernet and IPv4.
constexpr std::uint32_t kArpProtocol = 2;
constexpr std::uint32_t kArpSender = 14;

// Offsets in an IPv6 packet, of its last four bytes where it is an address.
constexpr std::uint32_t kNextHeader = 6;
constexpr std::uint32_t kSourceEnd = 20;
constexpr std::uint32_t kIcmpType = 40;
constexpr std::uint32_t kTargetEnd = 60;

// The last four bytes of the address as a number.
std::uint32_t EndOf(const Address& address) {
  const std::size_t length = AddressLength(address.family);
  return U32At(std::as_bytes(std::span(address.bytes)), length - 4);
}

std::vector<std::uint32_t> EndsOf(AddressFamily family, const std::set<Address>& vips) {
  std::vector<std::uint32_t> ends;
  for (const Address& vip : vips) {
    if (vip.family == family) ends.push_back(EndOf(vip));
  }
  return ends;
}

std::vector<sock_filter> ArpFilter(const std::vector<std::uint32_t>& vips) {
  using Width = FilterCondition::Width;
  using Base = FilterCondition::Base;
  if (vips.size() > kMostVips) {
    return CompileFilter({{{Width::kU16, Base::kStart, kArpProtocol, ETH_P_IP}}});
  }
  std::vector<FilterAlternative> alternatives;
  for (const std::uint32_t vip : vips) {
    alternatives.push_back({{Width::kU32, Base::kStart, kArpSender, vip}});
  }
  return CompileFilter(alternatives);
}

// By hand: on a director nearly every IPv6 packet is none of these and must be dropped at once,
// and it is one address that all are compared with.
std::vector<sock_filter> NdFilter(const std::vector<std::uint32_t>& vips) {
  std::vector<sock_filter> program = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kNextHeader),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, 0),
      // X is where the claimed address ends.
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kIcmpType),
      BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, kTargetEnd),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_ADVERT, 3, 0),
      BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, kSourceEnd),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_SOLICIT, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0),
  };
  const bool any = vips.size() > kMostVips;
  for (const std::uint32_t vip : any ? std::vector<std::uint32_t>() : vips) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, vip, 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, kWholePacket));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, any ? kWholePacket : 0));
  return program;
}

}  // namespace

std::vector<sock_filter> ClaimFilter(AddressFamily family, const std::set<Address>& vips) {
  const std::vector<std::uint32_t> ends = EndsOf(family, vips);
  return family == AddressFamily::kIpv4 ? ArpFilter(ends) : NdFilter(ends);
}

}  // namespace lvs::probes
