// Filters that the kernel runs on received packets, written as alternatives of conditions and
// compiled to classic BPF (Linux Documentation/networking/filter.rst). Pure.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <vector>

namespace lvs::probes {

// A number in the packet, in network byte order, and what it must be.
struct FilterCondition {
  enum class Width : std::uint8_t { kU8, kU16, kU32 };
  // Where offset counts from: what the socket receives first, or the end of the IPv4 header, which
  // must then begin at byte 0.
  enum class Base : std::uint8_t { kStart, kBehindIpv4 };

  Width width = Width::kU8;
  Base base = Base::kStart;
  std::uint32_t offset = 0;
  std::uint32_t value = 0;
  std::uint32_t mask = 0xffffffff;  // value is compared with what the mask leaves
};

// All of its conditions, in this order.
using FilterAlternative = std::vector<FilterCondition>;

// A program that accepts the packets that meet any alternative and drops the rest. A condition
// outside a packet drops it at once, so that a condition for the length of packet must come first.
// An alternative may
// have 80 conditions (assert). The kernel refuses what is larger than net.core.optmem_max once it
// is translated; 20 KB, the default before Linux 6.8, have room for some 150 alternatives of one
// condition (measured).
std::vector<sock_filter> CompileFilter(const std::vector<FilterAlternative>& alternatives);

}  // namespace lvs::probes
