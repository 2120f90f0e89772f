// Lets the Debian 12 user-mode kernel run on processors with AMX.
//
// The kernel keeps a guest's vector registers in a buffer that ends after AVX-512 and PKRU, and
// hands exactly that to ptrace(PTRACE_SETREGSET, NT_X86_XSTATE). The host accepts nothing but its
// full size, which the AMX tiles make larger: EFAULT, and the guest panics before its first
// instruction ("ptrace set fp regs failed, errno = 14"). Preloaded into linux.uml, this pads the
// buffer to the full size. The padding stays in its initial state: no guest process can use the
// tiles, since the guest kernel knows no way to permit them.

#define _GNU_SOURCE
#include <cpuid.h>
#include <elf.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
  kXsaveLeaf = 0xd,
  kComponentsInUse = 512,
  kFirstExtended = 2,
  kComponents = 63,
  kRoom = 65536
};

// The components that lie wholly inside the first `length` bytes of the standard save area, as the
// bits of its header.
static uint64_t ComponentsWithin(size_t length) {
  uint64_t components = 3;  // x87 and SSE: always there
  for (unsigned i = kFirstExtended; i < kComponents; ++i) {
    unsigned size, offset, unused1, unused2;
    __cpuid_count(kXsaveLeaf, i, size, offset, unused1, unused2);
    if (size != 0 && offset != 0 && offset + size <= length) components |= UINT64_C(1) << i;
  }
  return components;
}

static size_t FullSize(pid_t pid) {
  static char buffer[kRoom];
  struct iovec all = {buffer, sizeof buffer};
  return syscall(SYS_ptrace, PTRACE_GETREGSET, pid, NT_X86_XSTATE, &all) < 0 ? 0 : all.iov_len;
}

static long SetWideRegisters(pid_t pid, const struct iovec* given) {
  static char buffer[kRoom];
  static size_t full_size;
  static uint64_t components;
  if (full_size == 0) {
    full_size = FullSize(pid);
    components = ComponentsWithin(given->iov_len);
  }
  if (given->iov_len >= full_size)
    return syscall(SYS_ptrace, PTRACE_SETREGSET, pid, NT_X86_XSTATE, given);
  memcpy(buffer, given->iov_base, given->iov_len);
  uint64_t in_use;
  memcpy(&in_use, buffer + kComponentsInUse, sizeof in_use);
  in_use &= components;
  memcpy(buffer + kComponentsInUse, &in_use, sizeof in_use);
  struct iovec padded = {buffer, full_size};
  return syscall(SYS_ptrace, PTRACE_SETREGSET, pid, NT_X86_XSTATE, &padded);
}

// Stands in front of the C library's function. The kernel returns a PEEK's word through a pointer.
long ptrace(enum __ptrace_request request, ...) {
  va_list arguments;
  va_start(arguments, request);
  pid_t pid = va_arg(arguments, pid_t);
  void* address = va_arg(arguments, void*);
  void* data = va_arg(arguments, void*);
  va_end(arguments);
  if (request == PTRACE_SETREGSET && (uintptr_t)address == NT_X86_XSTATE)
    return SetWideRegisters(pid, data);
  if (request != PTRACE_PEEKTEXT && request != PTRACE_PEEKDATA && request != PTRACE_PEEKUSER)
    return syscall(SYS_ptrace, request, pid, address, data);
  long word;
  return syscall(SYS_ptrace, request, pid, address, &word) < 0 ? -1 : word;
}
