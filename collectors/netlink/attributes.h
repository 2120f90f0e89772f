// Netlink attributes: a bounded reader for what the kernel sends, and a writer for what we send.
//
// An attribute is a header of two 16-bit numbers in host order, length (header included) and type,
// then the value, then padding to a multiple of 4 (linux/netlink.h, struct nlattr).
#pragma once

#include <linux/netlink.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "collectors/bytes.h"
#include "collectors/result.h"

namespace lvs::netlink {

// Walks the attributes of one level, in the order they come:
//
//     AttributeReader reader(bytes);
//     while (reader.Next()) {
//       switch (reader.type()) {
//         case IPVS_SVC_ATTR_PORT: port = reader.NetworkU16(); break;
//         case IPVS_SVC_ATTR_STATS64: ReadStats(reader.Nested()); break;
//       }                                    // an attribute that nobody asks for is skipped
//     }
//     return reader.result();
//
// The first error sticks, in the reader and in all readers nested in it: from then on Next() is
// false and values are zero or empty, so it is enough to ask once at the end. Never reads outside
// bytes, whatever is in them. A value, not shared between threads; a nested reader and the views
// it gives must not outlive the bytes, nor a nested reader the one it came from.
class AttributeReader {
 public:
  // Levels of nesting; Nested() below the last is an error.
  static constexpr std::size_t kMaxDepth = 4;

  explicit AttributeReader(Bytes bytes) : rest_(bytes), fault_(&own_fault_) {}
  AttributeReader(const AttributeReader&) = delete;
  AttributeReader& operator=(const AttributeReader&) = delete;

  // Goes to the next attribute. False at the end and after an error.
  bool Next();

  // Of the attribute that Next() found: its number without the flag bits NLA_F_NESTED and
  // NLA_F_NET_BYTEORDER, and its value without padding.
  std::uint16_t type() const { return type_; }
  Bytes value() const { return value_; }

  // The value as a number; any other length than the number's own is an error. Host byte order,
  // except NetworkU16, which converts from network order.
  std::uint8_t U8() { return Read<std::uint8_t>(); }
  std::uint16_t U16() { return Read<std::uint16_t>(); }
  std::uint32_t U32() { return Read<std::uint32_t>(); }
  std::uint64_t U64() { return Read<std::uint64_t>(); }
  std::uint16_t NetworkU16();

  // The value up to its first NUL, or whole if it has none. More than max_length bytes before that
  // are an error.
  std::string_view Text(std::size_t max_length);

  // The value, which must have exactly length bytes; empty after an error.
  Bytes Block(std::size_t length);

  // A reader for the attributes inside this one.
  AttributeReader Nested() { return AttributeReader(*this, Nest{}); }

  // Reports a fault of the current attribute that only the caller can see, such as a number out of
  // range. expected is a literal that completes the sentence "attribute 1.2: expected ...".
  void Fail(const char* expected) { Fail(expected, kNoLength, kNoLength); }

  // The error, kMalformed, with the numbers of the attribute from the outermost level inwards:
  // "attribute 1.9: expected 4 bytes, got 3".
  bool ok() const { return fault_->expected == nullptr; }
  Result<void> result() const;

 private:
  static constexpr std::size_t kNoLength = ~std::size_t{0};

  struct Nest {};
  struct Fault {
    const char* expected = nullptr;  // a literal; null: no fault
    std::size_t expected_length = kNoLength;
    std::size_t length = kNoLength;
    std::array<std::uint16_t, kMaxDepth> path{};
    std::size_t depth = 0;
  };

  AttributeReader(AttributeReader& parent, Nest);

  template <class T>
  T Read();
  void Fail(const char* expected, std::size_t expected_length, std::size_t length);

  Bytes rest_;
  Bytes value_;
  std::uint16_t type_ = 0;
  std::size_t depth_ = 0;
  const AttributeReader* parent_ = nullptr;
  Fault own_fault_;
  Fault* fault_;  // the outermost reader's
};

// Inline: a reading of 20,000 backends asks this a million times.
inline bool AttributeReader::Next() {
  value_ = {};
  type_ = 0;
  if (rest_.empty() || !ok()) return false;
  nlattr header{};
  if (rest_.size() < sizeof header) {
    Fail("an attribute header of 4 bytes", kNoLength, rest_.size());
    return false;
  }
  std::memcpy(&header, rest_.data(), sizeof header);
  type_ = header.nla_type & NLA_TYPE_MASK;
  if (header.nla_len < sizeof header || header.nla_len > rest_.size()) {
    Fail("a length that fits into the message", kNoLength, header.nla_len);
    return false;
  }
  value_ = rest_.subspan(sizeof header, header.nla_len - sizeof header);
  // The padding of the last attribute may be missing.
  const std::size_t padded = NLA_ALIGN(std::size_t{header.nla_len});
  rest_ = rest_.subspan(std::min(padded, rest_.size()));
  return true;
}

template <class T>
T AttributeReader::Read() {
  T number{};
  if (!ok()) return number;
  if (value_.size() != sizeof number) {
    Fail("bytes", sizeof number, value_.size());
    return number;
  }
  std::memcpy(&number, value_.data(), sizeof number);
  return number;
}

// Builds the attributes of a message in one growing buffer. Clear() keeps the buffer's memory.
class AttributeWriter {
 public:
  // Values up to 65,531 bytes; longer ones are a mistake of the caller (assert).
  void Add(std::uint16_t type, Bytes value);
  void AddU8(std::uint16_t type, std::uint8_t value);
  void AddU16(std::uint16_t type, std::uint16_t value);
  void AddU32(std::uint16_t type, std::uint32_t value);
  void AddU64(std::uint16_t type, std::uint64_t value);
  void AddNetworkU16(std::uint16_t type, std::uint16_t value);
  // With the NUL that the kernel's strings carry.
  void AddText(std::uint16_t type, std::string_view value);

  // What is added between the two is the value of one attribute. End takes what Begin gave.
  std::size_t BeginNest(std::uint16_t type);
  void EndNest(std::size_t begin);

  void Clear() { buffer_.clear(); }
  // Valid until the next change.
  Bytes bytes() const { return buffer_; }

 private:
  void AddHeader(std::uint16_t type, std::size_t value_length);

  std::vector<std::byte> buffer_;
};

}  // namespace lvs::netlink
