#include "collectors/netfilter/nft_registers.h"

#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <utility>

namespace lvs::netfilter {
namespace {

constexpr std::size_t kWord = NFT_REG32_SIZE;

std::optional<std::size_t> SlotOf(std::uint32_t number) {
  if (number >= NFT_REG_1 && number <= NFT_REG_4) {
    return (number - NFT_REG_1) * (NFT_REG_SIZE / kWord);
  }
  if (number >= NFT_REG32_00 && number <= NFT_REG32_15) return number - NFT_REG32_00;
  return {};
}

std::size_t SlotsFor(std::size_t length) {
  return std::max<std::size_t>((length + kWord - 1) / kWord, 1);
}

}  // namespace

void NftRegisters::Write(std::uint32_t number, NftValue value) {
  const std::optional<std::size_t> slot = SlotOf(number);
  if (!slot) return;
  const std::size_t end = *slot + SlotsFor(value.length);
  for (std::size_t i = 0; i < kCount && i < end; ++i) {
    if (slots_[i] && i + SlotsFor(slots_[i]->length) > *slot) slots_[i].reset();
  }
  slots_[*slot] = std::move(value);
}

NftValue NftRegisters::Read(std::uint32_t number) const {
  const std::optional<std::size_t> slot = SlotOf(number);
  if (!slot || !slots_[*slot]) return {};
  return *slots_[*slot];
}

void NftRegisters::Clear() { slots_ = {}; }

}  // namespace lvs::netfilter
