#include "collectors/netfilter/nft_values.h"

#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace lvs::netfilter {
namespace {

using Kind = NftValue::Kind;

std::optional<std::uint32_t> NumberOf(Bytes bytes) {
  std::uint32_t number = 0;
  if (bytes.size() != sizeof number) return {};
  std::memcpy(&number, bytes.data(), sizeof number);
  return number;
}

}  // namespace

NftValue OtherValue(const char* reason) {
  NftValue value;
  value.length = sizeof(std::uint32_t);
  value.reason = reason;
  return value;
}

NftValue MetaValue(std::uint32_t key) {
  NftValue value = OtherValue();
  switch (key) {
    case NFT_META_MARK:
      value.kind = Kind::kMark;
      value.mark_and = 0xffffffff;
      break;
    case NFT_META_L4PROTO:
      value.kind = Kind::kProtocol;
      value.length = 1;
      break;
    case NFT_META_NFPROTO:
      value.kind = Kind::kNetfilterFamily;
      value.length = 1;
      break;
    case NFT_META_PROTOCOL:
      value.kind = Kind::kEthertype;
      value.length = 2;
      break;
    default:
      break;
  }
  return value;
}

NftValue Masked(NftValue value, Bytes mask, Bytes exclusive_or) {
  const auto and_number = NumberOf(mask);
  const auto xor_number = NumberOf(exclusive_or);
  if (value.kind == Kind::kMark && and_number && xor_number) {
    value.mark_and &= *and_number;
    value.mark_xor = (value.mark_xor & *and_number) ^ *xor_number;
    return value;
  }
  const bool masks_only =
      std::ranges::all_of(exclusive_or, [](std::byte byte) { return byte == std::byte{0}; });
  if (value.kind == Kind::kPayload && value.bytes.empty() && masks_only &&
      mask.size() == value.length) {
    value.bytes.assign(mask.begin(), mask.end());
    return value;
  }
  return OtherValue();
}

MarkEffect EffectOf(const NftValue& value) {
  if (value.kind == Kind::kMark) {
    return {MarkEffect::Kind::kSet, value.mark_xor, ~value.mark_and, nullptr};
  }
  if (value.kind == Kind::kConstant) {
    if (const auto mark = NumberOf(value.bytes)) {
      return {MarkEffect::Kind::kSet, *mark, 0xffffffff, nullptr};
    }
  }
  return {MarkEffect::Kind::kUnclear, 0, 0, value.reason};
}

}  // namespace lvs::netfilter
