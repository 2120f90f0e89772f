#include "collectors/probes/claim_socket.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "collectors/probes/claim_filter.h"
#include "collectors/probes/packet_socket.h"
#include "collectors/probes/raw_socket.h"

namespace lvs::probes {

namespace asio = boost::asio;

ClaimSocket::Opened ClaimSocket::Open(asio::io_context& loop, const route::Interface& interface,
                                      AddressFamily family, const std::set<Address>& vips) {
  auto opened = OpenPacketSocket(interface.index, EtherTypeOf(family), ClaimFilter(family, vips));
  if (const auto* fault = std::get_if<SocketFault>(&opened)) {
    return SocketFault{fault->reason, interface.name + ": " + fault->detail};
  }
  return std::make_shared<ClaimSocket>(loop, std::get<Descriptor>(std::move(opened)), interface,
                                       family);
}

ClaimSocket::ClaimSocket(asio::io_context& loop, Descriptor socket,
                         const route::Interface& interface, AddressFamily family)
    : family_(family),
      interface_(interface.index),
      name_(interface.name),
      mac_(interface.mac.value()),
      descriptor_(loop, socket.get()) {
  socket.Release();  // the stream descriptor's now
}

std::optional<SocketFault> ClaimSocket::Update(const route::Interface& interface,
                                               const std::set<Address>& vips) {
  name_ = interface.name;
  mac_ = interface.mac.value();
  int error_number = 0;  // read, so that it is not in the way of what arrives
  socklen_t length = sizeof error_number;
  getsockopt(descriptor_.native_handle(), SOL_SOCKET, SO_ERROR, &error_number, &length);
  if (AttachFilter(descriptor_.native_handle(), ClaimFilter(family_, vips))) return {};
  return Fault("attach a packet filter", errno);
}

bool ClaimSocket::IsGone() { return LinkOf(descriptor_.native_handle()) == LinkState::kGone; }

// The wait does not keep the socket, or it would never end.
void ClaimSocket::Listen(std::function<void(ClaimSocket&)> ready) {
  descriptor_.async_wait(
      asio::posix::stream_descriptor::wait_read,
      [weak = weak_from_this(), ready = std::move(ready)](boost::system::error_code error) {
        const std::shared_ptr<ClaimSocket> open = weak.lock();
        if (error || !open) return;
        open->Listen(ready);
        ready(*open);
      });
}

std::vector<AddressClaim> ClaimSocket::Receive() {
  std::array<std::byte, 1500> buffer;  // what is longer is cut, and refused for it
  ReceivedPacket packet;
  std::vector<AddressClaim> claims;
  for (int i = 0; i < kPacketsPerWakeUp; ++i) {
    const Received received = ReceivePacket(descriptor_.native_handle(), buffer, packet);
    if (received == Received::kNothing) break;
    if (received != Received::kPacket) continue;
    const std::optional<FrameSender> frame = SenderOf(packet);
    if (!frame) continue;
    if (const auto claim = ParseClaim(family_, packet.bytes, *frame)) claims.push_back(*claim);
  }
  return claims;
}

std::optional<SocketFault> ClaimSocket::Ask(const Address& address,
                                            const std::optional<Address>& sender) {
  const std::optional<Frame> question = BuildQuestion(address, sender, mac_);
  if (!question) {
    return SocketFault{Reason::kLocalConfig,
                       name_ + ": no address to ask from for " + ToString(address)};
  }
  const int error_number = SendFrame(descriptor_.native_handle(), interface_, EtherTypeOf(family_),
                                     question->to, question->packet);
  if (error_number == 0) return {};
  return Fault("send", error_number);
}

SocketFault ClaimSocket::Fault(const char* step, int error_number) const {
  return {ReasonOfErrno(error_number), name_ + ": " + step + ": " + strerror(error_number)};
}

}  // namespace lvs::probes
