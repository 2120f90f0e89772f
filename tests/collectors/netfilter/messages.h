// Messages of nf_tables in the words of tests.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
// After <netinet/in.h>, or both would define its types.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "collectors/netlink/attributes.h"
#include "tests/collectors/netfilter/recorded.h"

namespace lvs::netfilter {

// Messages as the kernel builds them, for what the tools at hand do not make.
class Message {
 public:
  explicit Message(std::string kind, std::uint8_t family = NFPROTO_IPV4)
      : kind_(std::move(kind)), family_(family) {}

  Message& Text(std::uint16_t type, const char* text) {
    attributes_.AddText(type, text);
    return *this;
  }
  Message& Number(std::uint16_t type, std::uint32_t number) {
    attributes_.AddU32(type, htonl(number));
    return *this;
  }
  template <class Inside>
  Message& Nest(std::uint16_t type, Inside inside) {
    const std::size_t begin = attributes_.BeginNest(type);
    inside(*this);
    attributes_.EndNest(begin);
    return *this;
  }
  template <class Inside>
  Message& Expression(const char* name, Inside inside) {
    return Nest(NFTA_LIST_ELEM,
                [&](Message& m) { m.Text(NFTA_EXPR_NAME, name).Nest(NFTA_EXPR_DATA, inside); });
  }
  Message& Data(std::uint16_t type, const std::vector<std::uint8_t>& bytes) {
    return Nest(type, [&](Message& m) {
      m.attributes_.Add(NFTA_DATA_VALUE, std::as_bytes(std::span(bytes)));
    });
  }

  RecordedMessage Done() const {
    const nfgenmsg header{family_, 0, 0};
    const Bytes attributes = attributes_.bytes();
    RecordedMessage message{kind_, std::vector<std::byte>(sizeof header + attributes.size())};
    std::memcpy(message.payload.data(), &header, sizeof header);
    std::ranges::copy(attributes, message.payload.begin() + sizeof header);
    return message;
  }

 private:
  std::string kind_;
  std::uint8_t family_;
  netlink::AttributeWriter attributes_;
};

// The table that the other messages are of.
inline RecordedMessage Table(std::uint32_t flags, std::uint8_t family = NFPROTO_IPV4) {
  return Message("table", family).Text(NFTA_TABLE_NAME, "t").Number(NFTA_TABLE_FLAGS, flags).Done();
}

inline RecordedMessage BaseChain(std::uint32_t hook = NF_INET_PRE_ROUTING,
                                 std::int32_t priority = -150, std::uint8_t family = NFPROTO_IPV4) {
  return Message("chain", family)
      .Text(NFTA_CHAIN_TABLE, "t")
      .Text(NFTA_CHAIN_NAME, "c")
      .Nest(NFTA_CHAIN_HOOK,
            [&](Message& m) {
              m.Number(NFTA_HOOK_HOOKNUM, hook);
              m.Number(NFTA_HOOK_PRIORITY, static_cast<std::uint32_t>(priority));
            })
      .Done();
}

template <class Inside>
RecordedMessage RuleWith(Inside expressions, std::uint8_t family = NFPROTO_IPV4) {
  return Message("rule", family)
      .Text(NFTA_RULE_TABLE, "t")
      .Text(NFTA_RULE_CHAIN, "c")
      .Nest(NFTA_RULE_EXPRESSIONS, expressions)
      .Done();
}

inline void Load(Message& m, std::uint32_t base, std::uint32_t offset, std::uint32_t length) {
  m.Expression("payload", [&](Message& e) {
    e.Number(NFTA_PAYLOAD_DREG, NFT_REG_1).Number(NFTA_PAYLOAD_BASE, base);
    e.Number(NFTA_PAYLOAD_OFFSET, offset).Number(NFTA_PAYLOAD_LEN, length);
  });
}

inline void Compare(Message& m, std::uint32_t op, const std::vector<std::uint8_t>& data) {
  m.Expression("cmp", [&](Message& e) {
    e.Number(NFTA_CMP_SREG, NFT_REG_1).Number(NFTA_CMP_OP, op).Data(NFTA_CMP_DATA, data);
  });
}

inline void SetMark(Message& m, std::uint8_t mark) {
  m.Expression("immediate", [&](Message& e) {
    e.Number(NFTA_IMMEDIATE_DREG, NFT_REG32_15);
    e.Data(NFTA_IMMEDIATE_DATA, {mark, 0, 0, 0});
  });
  m.Expression("meta", [&](Message& e) {
    e.Number(NFTA_META_KEY, NFT_META_MARK).Number(NFTA_META_SREG, NFT_REG32_15);
  });
}

}  // namespace lvs::netfilter
