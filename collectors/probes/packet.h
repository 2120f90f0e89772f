// Numbers in network byte order inside a packet, and the checksum of the Internet protocols.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "collectors/address.h"
#include "collectors/bytes.h"

namespace lvs::probes {

// Reading: the number at offset, which must be inside bytes (assert). Check the length first.
inline std::uint8_t U8At(Bytes bytes, std::size_t offset) {
  return static_cast<std::uint8_t>(bytes[offset]);
}
inline std::uint16_t U16At(Bytes bytes, std::size_t offset) {
  return static_cast<std::uint16_t>(U8At(bytes, offset) << 8 | U8At(bytes, offset + 1));
}
inline std::uint32_t U32At(Bytes bytes, std::size_t offset) {
  return std::uint32_t{U16At(bytes, offset)} << 16 | U16At(bytes, offset + 2);
}

// Bytes that an address of the family has in a packet.
constexpr std::size_t AddressLength(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? 4 : 16;
}

// The address at offset; all of it must be inside bytes (assert).
inline Address AddressAt(Bytes bytes, std::size_t offset, AddressFamily family) {
  const Bytes part = bytes.subspan(offset, AddressLength(family));
  Address address{.family = family, .bytes = {}};
  std::memcpy(address.bytes.data(), part.data(), part.size());
  return address;
}

// Writes a packet from front to back.
class PacketWriter {
 public:
  void U8(std::uint8_t value) { packet_.push_back(std::byte{value}); }
  void U16(std::uint16_t value) {
    U8(static_cast<std::uint8_t>(value >> 8));
    U8(static_cast<std::uint8_t>(value));
  }
  void U32(std::uint32_t value) {
    U16(static_cast<std::uint16_t>(value >> 16));
    U16(static_cast<std::uint16_t>(value));
  }
  void Block(Bytes bytes) { packet_.insert(packet_.end(), bytes.begin(), bytes.end()); }
  void Put(const Address& address) {
    Block(std::as_bytes(std::span(address.bytes)).first(AddressLength(address.family)));
  }
  // Overwrites two bytes already written, such as a checksum's.
  void SetU16(std::size_t offset, std::uint16_t value) {
    packet_.at(offset) = std::byte(value >> 8);
    packet_.at(offset + 1) = std::byte(value & 0xff);
  }

  Bytes bytes() const { return packet_; }
  std::vector<std::byte> Take() && { return std::move(packet_); }

 private:
  std::vector<std::byte> packet_;
};

// The one's complement sum of RFC 1071 in its 16 bits, not inverted; sum is that of the bytes
// before, which must have been even in number.
inline std::uint32_t OnesSum(Bytes bytes, std::uint32_t sum = 0) {
  std::uint64_t total = sum;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) total += U16At(bytes, i);
  if (bytes.size() % 2 != 0) total += std::uint64_t{U8At(bytes, bytes.size() - 1)} << 8;
  while (total > 0xffff) total = (total & 0xffff) + (total >> 16);
  return static_cast<std::uint32_t>(total);
}

// What the checksum field must hold for bytes in which that field is 0. 0 for bytes whose field is
// filled in correctly.
inline std::uint16_t InternetChecksum(Bytes bytes, std::uint32_t sum = 0) {
  return static_cast<std::uint16_t>(~OnesSum(bytes, sum));
}

// The sum of the pseudo header that TCP and ICMPv6 have in front (RFC 9293 3.1, RFC 8200 8.1):
// length is that of the protocol's own header and data.
inline std::uint32_t PseudoHeaderSum(const Address& source, const Address& destination,
                                     std::uint8_t protocol, std::uint32_t length) {
  PacketWriter pseudo;
  pseudo.Put(source);
  pseudo.Put(destination);
  pseudo.U32(length);
  pseudo.U32(protocol);
  return OnesSum(pseudo.bytes());
}

}  // namespace lvs::probes
