// A finished, constant value that one thread hands to all others.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace lvs {

// One writer, any number of readers; neither ever waits for work, only for a pointer to be swapped.
// A mutex and not std::atomic<std::shared_ptr>: GCC 12's is reported as a race by ThreadSanitizer.
template <class T>
class Published {
 public:
  void Set(std::shared_ptr<const T> next) {
    const std::scoped_lock lock(mutex_);
    current_.swap(next);
  }

  // Null until the first Set.
  std::shared_ptr<const T> Get() const {
    const std::scoped_lock lock(mutex_);
    return current_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> current_;
};

}  // namespace lvs
