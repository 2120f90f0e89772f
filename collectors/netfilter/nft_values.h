// What is known of a value that an nf_tables rule computes with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "collectors/bytes.h"
#include "collectors/netfilter/xtables_extensions.h"

namespace lvs::netfilter {

// The content of a register.
struct NftValue {
  enum class Kind : std::uint8_t {
    kOther,            // something that no condition of ours is about
    kPayload,          // bytes of the packet
    kProtocol,         // of the transport: meta l4proto
    kNetfilterFamily,  // meta nfproto
    kEthertype,        // meta protocol
    kMark,             // the packet's mark, after `and` and `exclusive_or`
    kConstant,
  };

  Kind kind = Kind::kOther;
  std::size_t length = 0;                  // bytes
  std::uint32_t base = 0;                  // of kPayload: NFT_PAYLOAD_NETWORK_HEADER and its like
  std::size_t offset = 0;                  // of kPayload
  std::vector<std::byte> bytes;            // of kConstant; of kPayload: a mask, empty for none
  std::uint32_t mark_and = 0;              // of kMark: the value is (mark & mark_and) ^ mark_xor
  std::uint32_t mark_xor = 0;              // of kMark
  const char* reason = "a computed mark";  // of kOther: what a mark from here would be
};

// A value of which nothing is known. reason: a literal, as in NftValue.
NftValue OtherValue(const char* reason = "a computed mark");

// What the expression meta loads. key: NFT_META_MARK and its like.
NftValue MetaValue(std::uint32_t key);

// (value & mask) ^ exclusive_or, of the packet's mark or, without exclusive_or, of its bytes; of
// others nothing is known.
NftValue Masked(NftValue value, Bytes mask, Bytes exclusive_or);

// What it means to make the value the packet's mark.
MarkEffect EffectOf(const NftValue& value);

}  // namespace lvs::netfilter
