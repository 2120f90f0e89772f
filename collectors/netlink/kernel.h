// The transport to the running kernel. The only file of this folder that uses libnl.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "collectors/netlink/framing.h"
#include "collectors/netlink/transport.h"

struct nl_sock;

namespace lvs::netlink {

// Exchanges requests with one generic netlink family over a socket that is opened at the first use
// and kept: the kernel fills its datagrams up to the largest receive a socket has made. One owner,
// one thread. The socket belongs to the network namespace of the thread that opens it, and to the
// capabilities it had then. Stop() is for any thread.
//
// Never makes the kernel load a module: the family's id is looked up in a dump of all families and
// not by name, which would load it (ctrl_getfamily in net/netlink/genetlink.c, Linux 6.1).
//
// A backend dump is two system calls: the send, inside which the kernel builds the first datagram,
// and one recvmmsg that takes data and end marker.
//
// After any failure other than the kernel's plain refusal the socket is closed; the next Exchange
// opens another. When the kernel does not know the id (a module that was reloaded has a new one),
// it is looked up once more and the request is sent again. Other repetitions are the caller's.
class KernelTransport : public Transport {
 public:
  // family: its name, such as "IPVS". version: the one that requests carry.
  KernelTransport(std::string family, std::uint8_t version);
  ~KernelTransport() override;

  Result<void> Exchange(const Request& request, const Patience& patience,
                        const OnMessage& on_message) override;
  void Stop() override;

 private:
  struct CloseSocket {
    void operator()(nl_sock* socket) const;
  };
  class ReceiveBuffers;
  class StopSignal;

  struct Attempt {
    Clock::time_point start;
    Patience patience;
  };

  Result<void> Open();
  Result<void> FindFamily(const Attempt& attempt);
  // Gives the error number with which the kernel ended the exchange, 0 for success. Anything else
  // is an error and closes the socket.
  Result<int> ExchangeOnce(const Request& request, std::uint16_t family, std::uint8_t version,
                           const Attempt& attempt, const OnMessage& on_message);
  Result<int> SendAndReceive(const Expected& expected, const Attempt& attempt,
                             const OnMessage& on_message);
  Result<void> Send();
  Result<std::size_t> Receive(const Attempt& attempt);
  // waiting_since: when the request went or the datagram before was taken.
  Result<void> WaitForData(const Attempt& attempt, Clock::time_point waiting_since);

  const std::string family_name_;
  const std::uint8_t family_version_;
  std::unique_ptr<nl_sock, CloseSocket> socket_;  // null: to be opened
  int fd_ = -1;                                   // of socket_
  std::uint32_t own_port_ = 0;
  std::uint16_t family_ = 0;  // 0: to be looked up
  std::uint32_t sequence_ = 0;
  std::vector<std::byte> request_;
  const std::unique_ptr<ReceiveBuffers> buffers_;
  const std::unique_ptr<StopSignal> stop_;
};

}  // namespace lvs::netlink
