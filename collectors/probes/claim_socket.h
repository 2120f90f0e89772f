// The socket through which one interface is asked who has an address, in one family's protocol, and
// is listened to for claims.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "collectors/address.h"
#include "collectors/descriptor.h"
#include "collectors/probes/address_claim.h"
#include "collectors/probes/socket.h"
#include "collectors/route/types.h"

namespace lvs::probes {

// A packet socket whose filter passes claims of the virtual addresses only. Lives on the loop's
// thread and is closed, which ends its waits, with the last shared_ptr.
class ClaimSocket : public std::enable_shared_from_this<ClaimSocket> {
 public:
  using Opened = std::variant<std::shared_ptr<ClaimSocket>, SocketFault>;
  // The interface must have a MAC.
  static Opened Open(boost::asio::io_context& loop, const route::Interface& interface,
                     AddressFamily family, const std::set<Address>& vips);
  ClaimSocket(boost::asio::io_context& loop, Descriptor socket, const route::Interface& interface,
              AddressFamily family);

  // What the interface is like now and what to listen for. One that was down for a while is
  // forgiven. After a fault the socket must go.
  std::optional<SocketFault> Update(const route::Interface& interface,
                                    const std::set<Address>& vips);
  // The interface is no more; another one may get its index.
  bool IsGone();

  // Calls ready whenever there may be claims.
  void Listen(std::function<void(ClaimSocket&)> ready);
  // Those that arrived, some at most.
  std::vector<AddressClaim> Receive();
  // Sends the question who has the address.
  std::optional<SocketFault> Ask(const Address& address, const std::optional<Address>& sender);

  int interface() const { return interface_; }
  const std::string& name() const { return name_; }  // the interface's

 private:
  SocketFault Fault(const char* step, int error_number) const;

  const AddressFamily family_;
  const int interface_;
  std::string name_;
  route::Mac mac_;
  boost::asio::posix::stream_descriptor descriptor_;
};

}  // namespace lvs::probes
