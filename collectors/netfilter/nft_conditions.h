// What comparisons of nf_tables registers demand of a packet.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "collectors/bytes.h"
#include "collectors/netfilter/chains.h"
#include "collectors/netfilter/nft_messages.h"
#include "collectors/netfilter/nft_registers.h"

namespace lvs::netfilter {

// The fields of a packet that conditions of ours are about.
enum class NftField : std::uint8_t { kDestination4, kDestination6, kProtocol, kPort };

// The field that the value is, whole and as it was; absent if it is something else. family: of the
// packet, where it is known, without which the bytes of its header mean nothing.
std::optional<NftField> FieldOf(const NftValue& value, std::optional<AddressFamily> family);

// An interval of keys as the kernel keeps them, in network order and of one length, both ends
// included.
struct KeyInterval {
  std::vector<std::uint8_t> first;
  std::vector<std::uint8_t> last;
};

// Each adds what is demanded, and `narrowed` for what cannot be said in Conditions.
// The expressions cmp (op: NFT_CMP_EQ and its like) and range:
void RequireComparison(const NftValue& value, std::uint32_t op, Bytes data, Conditions& conditions);
void RequireRange(const NftValue& value, Bytes from, Bytes to, Conditions& conditions);
// One of the intervals. Keys of another length than the field's: narrowed.
void RequireIntervals(NftField field, const std::vector<KeyInterval>& intervals,
                      Conditions& conditions);

// The elements of a set as intervals. Absent if they are none (concatenations, an element for
// everything else, a set that changes by itself) or more than Conditions::kMaxRanges.
std::optional<std::vector<KeyInterval>> IntervalsOf(std::uint32_t set_flags,
                                                    std::vector<NftElement> elements);

}  // namespace lvs::netfilter
