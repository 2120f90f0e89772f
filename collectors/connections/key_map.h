// A hash map of small keys to numbers that is filled once and then asked for every row of the
// connection table: one probe of neighbouring memory, nothing allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "collectors/address.h"

namespace lvs::connections {

// An address, and everything else that belongs to the key in one number.
struct Key {
  Key() = default;
  // number: below 2^63.
  Key(const Address& address, std::uint64_t number)
      : rest(number << 1 | (address.family == AddressFamily::kIpv6 ? 1 : 0)) {
    std::memcpy(&high, address.bytes.data(), sizeof high);
    std::memcpy(&low, address.bytes.data() + sizeof high, sizeof low);
  }

  bool operator==(const Key&) const = default;

  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::uint64_t rest = 0;
};

// Keys come from the kernel's list of services, which only its administrator writes: nobody can
// choose them to collide.
class KeyMap {
 public:
  static constexpr std::uint32_t kAbsent = UINT32_MAX;

  // The number of a key, kAbsent where there is none.
  std::uint32_t Find(const Key& key) const {
    if (slots_.empty()) return kAbsent;
    return slots_[Place(key)].number;
  }

  // A reference to the number of a key, which is kAbsent when the key is new. Valid until the next
  // call.
  std::uint32_t& operator[](const Key& key) {
    if (2 * (used_ + 1) > slots_.size()) Grow();
    Slot& slot = slots_[Place(key)];
    if (!slot.used) {
      slot = {key, kAbsent, true};
      ++used_;
    }
    return slot.number;
  }

 private:
  struct Slot {
    Key key;
    std::uint32_t number = kAbsent;
    bool used = false;
  };

  // Where the key is, or where it would go. At most half of the slots are used, so there is an end.
  std::size_t Place(const Key& key) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = Hash(key) & mask;
    while (slots_[at].used && !(slots_[at].key == key)) at = (at + 1) & mask;
    return at;
  }

  static std::size_t Hash(const Key& key) {
    constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;  // 2^64 divided by the golden ratio
    std::uint64_t hash = key.high * kOdd;
    hash = (hash ^ (hash >> 32) ^ key.low) * kOdd;
    hash = (hash ^ (hash >> 32) ^ key.rest) * kOdd;
    return hash ^ (hash >> 32);
  }

  void Grow() {
    std::vector<Slot> old(slots_.empty() ? 16 : 2 * slots_.size());
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.used) slots_[Place(slot.key)] = slot;
    }
  }

  std::vector<Slot> slots_;  // a power of two
  std::size_t used_ = 0;
};

}  // namespace lvs::connections
