#include "collectors/probes/packet_filter.h"

#include <algorithm>
#include <cassert>

namespace lvs::probes {
namespace {

constexpr std::uint32_t kWholePacket = 0xffffffff;

sock_filter Statement(unsigned code, std::uint32_t k) {
  return {.code = static_cast<std::uint16_t>(code), .jt = 0, .jf = 0, .k = k};
}

unsigned SizeOf(FilterCondition::Width width) {
  switch (width) {
    case FilterCondition::Width::kU8:
      return BPF_B;
    case FilterCondition::Width::kU16:
      return BPF_H;
    case FilterCondition::Width::kU32:
      break;
  }
  return BPF_W;
}

// Three instructions at most; where the comparison fails, jf is yet to be filled in.
void Append(const FilterCondition& condition, std::vector<sock_filter>& program) {
  const unsigned mode = condition.base == FilterCondition::Base::kStart ? BPF_ABS : BPF_IND;
  program.push_back(Statement(BPF_LD | SizeOf(condition.width) | mode, condition.offset));
  if (condition.mask != 0xffffffff) {
    program.push_back(Statement(BPF_ALU | BPF_AND | BPF_K, condition.mask));
  }
  program.push_back(Statement(BPF_JMP | BPF_JEQ | BPF_K, condition.value));
}

void Append(const FilterAlternative& alternative, std::vector<sock_filter>& program) {
  assert(alternative.size() <= 80 && "a jump reaches 255 instructions");
  const std::size_t begin = program.size();
  for (const FilterCondition& condition : alternative) Append(condition, program);
  program.push_back(Statement(BPF_RET | BPF_K, kWholePacket));
  for (std::size_t i = begin; i < program.size(); ++i) {
    if (BPF_CLASS(program[i].code) != BPF_JMP) continue;
    program[i].jf = static_cast<std::uint8_t>(program.size() - i - 1);
  }
}

}  // namespace

std::vector<sock_filter> CompileFilter(const std::vector<FilterAlternative>& alternatives) {
  std::vector<sock_filter> program;
  // X = 4 * (byte 0 & 15), the length of the IPv4 header.
  program.push_back(Statement(BPF_LDX | BPF_B | BPF_MSH, 0));
  for (const FilterAlternative& alternative : alternatives) Append(alternative, program);
  program.push_back(Statement(BPF_RET | BPF_K, 0));
  return program;
}

}  // namespace lvs::probes
