// The registers of nf_tables while a rule is followed, each with what is known of its content.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "collectors/netfilter/nft_values.h"

namespace lvs::netfilter {

// Sixteen registers of 4 bytes; the four old ones of 16 bytes are the same memory
// (nft_parse_register in net/netfilter/nf_tables_api.c).
class NftRegisters {
 public:
  // number: NFT_REG_1 to NFT_REG_4, or NFT_REG32_00 to NFT_REG32_15; a write to others is lost.
  void Write(std::uint32_t number, NftValue value);
  // What was last written there as a whole; kOther for anything else.
  NftValue Read(std::uint32_t number) const;
  void Clear();

 private:
  static constexpr std::size_t kCount = 16;

  std::array<std::optional<NftValue>, kCount> slots_;  // by the first one of a value
};

}  // namespace lvs::netfilter
