// Sockets of probes: made with the options of a probe, and errors of system calls as reasons.
#pragma once

#include <string>
#include <variant>

#include "collectors/descriptor.h"
#include "collectors/probes/probe.h"
#include "collectors/probes/reason.h"

namespace lvs::probes {

struct SocketFault {
  Reason reason = Reason::kLocalConfig;
  std::string detail;
};

// A non-blocking, close-on-exec socket (socket(2): domain, type, protocol) with all options set and
// bound to the source where one is given. With netns, this thread visits that namespace for the
// call; if the way back fails the process ends. Errors are always our own trouble.
std::variant<Descriptor, SocketFault> OpenSocket(const SocketOptions& options, int domain, int type,
                                                 int protocol);

// What an error number (errno.h) of socket(), bind(), connect(), send() or recv() on a probe's
// socket means. Local for what our process or host lacks; kHostUnreachable, kNetUnreachable,
// kConnectRefused, kConnectReset, kConnectTimeout for the rest.
Reason ReasonOfErrno(int error_number);

}  // namespace lvs::probes
