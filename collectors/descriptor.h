// A file descriptor that closes itself.
#pragma once

#include <unistd.h>

#include <utility>

namespace lvs {

// Owns a descriptor from the line that makes it; -1 is none.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  Descriptor(Descriptor&& other) noexcept : descriptor_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) Reset(other.Release());
    return *this;
  }
  ~Descriptor() { Reset(-1); }

  bool valid() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }
  // Gives the descriptor away.
  int Release() { return std::exchange(descriptor_, -1); }

 private:
  void Reset(int descriptor) {
    if (valid()) close(descriptor_);
    descriptor_ = descriptor;
  }

  int descriptor_ = -1;
};

}  // namespace lvs
