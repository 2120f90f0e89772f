#include "tests/support/allocations.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

std::optional<std::size_t> lvs::fake::Allocations() { return std::nullopt; }

#else

#include <cstdlib>
#include <new>

namespace {
thread_local std::size_t allocations = 0;
}

// Of the whole test program.
void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size > 0 ? size : 1)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

std::optional<std::size_t> lvs::fake::Allocations() { return allocations; }

#endif
