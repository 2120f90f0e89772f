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

// Two implementations: the kernel's (kernel.h), and in tests a function that answers with built
// messages, an error, damage or silence. Not thread-safe: one owner, one thread.
class Transport {
 public:
  virtual ~Transport() = default;

  // Sends the request and gives every reply message to on_message, until the kernel's end marker
  // or acknowledgement. Never takes longer than the deadline.
  // Errors: kModuleAbsent (family not there), kNoPermission, kNotFound (ESRCH, ENOENT), kTimeout,
  // kConnection (lost messages, a foreign or cut datagram, a wrong sequence), kMalformed, kSystem.
  // After a failure the transport is as good as new: the implementation replaces what broke.
  virtual Result<void> Exchange(const Request& request, Deadline deadline,
                                const OnMessage& on_message) = 0;
};

}  // namespace lvs::netlink
