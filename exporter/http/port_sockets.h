// The sockets of this process that belong to listening addresses, found without the help of whoever
// opened them. civetweb 1.15 gives no access to its sockets, and stops only when every thread has
// seen its own wait of up to two seconds end; a socket that is shut down ends that wait at once.
#pragma once

#include <vector>

#include "exporter/http/listen_address.h"

namespace lvs {

// Shuts down every TCP socket of this process that listens on one of the addresses: waiting and new
// connections are reset. Returns how many there were. Their owner still has to close them.
int ShutDownListeners(const std::vector<ListenAddress>& addresses);

// Shuts down both directions of every TCP connection that was accepted on one of the addresses.
// What is already in the kernel's send buffer still goes out. Returns how many there were, those
// included that were shut down before and still say goodbye.
int ShutDownConnections(const std::vector<ListenAddress>& addresses);

}  // namespace lvs
