// The seam to the kernel: one generic netlink request in, its messages out.
#pragma once

#include <cstdint>
#include <functional>

#include "collectors/bytes.h"
#include "collectors/clock.h"
#include "collectors/result.h"

namespace lvs::netlink {

// One request to the family that the transport was made for.
struct Request {
  enum class Kind { kSingle, kDump };
  std::uint8_t command = 0;
  Kind kind = Kind::kSingle;
  Bytes attributes;  // the attributes behind the generic netlink header, already encoded
};

// Called with the attributes of one reply message (what follows its generic netlink header). The
// bytes are gone when it returns. A returned Error ends the exchange and is the exchange's result.
using OnMessage = std::function<Result<void>(Bytes attributes)>;

// How long an exchange may take.
struct Patience {
  Deadline deadline;  // of the whole exchange
  // The longest wait for a datagram, counted from the request or from the datagram before. A reply
  // that keeps coming is not cut before the deadline.
  Clock::duration silence = Clock::duration::max();
};

// Two implementations: the kernel's (kernel.h), and in tests a function that answers with built
// messages, an error, damage or silence. One owner, one thread, except for Stop().
class Transport {
 public:
  virtual ~Transport() = default;

  // Sends the request and gives every reply message to on_message, until the kernel's end marker
  // or acknowledgement. Waits no longer for answers than patience allows, nor after Stop(). The
  // request itself cannot be bounded or woken: the kernel serves it inside send(), where it may
  // wait for the mutexes of generic netlink and of IPVS.
  // Errors: kModuleAbsent (family not there), kNoPermission, kNotFound (ESRCH, ENOENT), kTimeout,
  // kConnection (lost messages, a foreign or cut datagram, a wrong sequence), kMalformed, kStopped,
  // kSystem.
  // After a failure the transport is as good as new: the implementation replaces what broke.
  virtual Result<void> Exchange(const Request& request, const Patience& patience,
                                const OnMessage& on_message) = 0;

  // Ends an Exchange() that waits, and every later one, with kStopped. From any thread.
  virtual void Stop() = 0;
};

}  // namespace lvs::netlink
