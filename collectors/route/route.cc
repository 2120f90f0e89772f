#include "collectors/route/route.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <utility>

namespace lvs::route {
namespace {

constexpr auto kPatience = std::chrono::milliseconds(50);
constexpr int kDumpTries = 3;
// The kernel builds no larger datagram (netlink_recvmsg in net/netlink/af_netlink.c, Linux 6.1).
constexpr std::size_t kDatagramSize = 32768;

constexpr std::uint16_t kSingle = NLM_F_REQUEST | NLM_F_ACK;
constexpr std::uint16_t kDump = NLM_F_REQUEST | NLM_F_DUMP;

Error Prefixed(const std::string& step, const Error& error) {
  return {error.code, "route: " + step + ": " + error.message};
}

}  // namespace

Result<void> RouteReader::Open() {
  Descriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  if (!socket.valid()) return KernelError(errno);
  sockaddr_nl own{};
  own.nl_family = AF_NETLINK;
  socklen_t length = sizeof own;
  if (bind(socket.get(), reinterpret_cast<sockaddr*>(&own), sizeof own) != 0 ||
      getsockname(socket.get(), reinterpret_cast<sockaddr*>(&own), &length) != 0) {
    return KernelError(errno);
  }
  own_port_ = own.nl_pid;
  buffer_.resize(kDatagramSize);
  socket_ = std::move(socket);
  return {};
}

// A socket with an unfinished exchange could give its rest to the next one: it goes with the error.
Result<void> RouteReader::Exchange(const Question& question, const OnMessage& on_message) {
  if (!socket_.valid()) {
    if (Result<void> opened = Open(); !opened.ok()) return opened;
  }
  const Deadline deadline = Clock::now() + kPatience;
  ++sequence_;
  Result<void> done = Send(question);
  if (done.ok()) done = ReceiveAll(question, deadline, on_message);
  if (!done.ok() && done.error().code != ErrorCode::kNotFound) socket_ = Descriptor();
  return done;
}

Result<void> RouteReader::Send(const Question& question) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(sizeof header + question.body.size());
  header.nlmsg_type = question.type;
  header.nlmsg_flags = question.flags;
  header.nlmsg_seq = sequence_;
  header.nlmsg_pid = own_port_;
  const Bytes head = std::as_bytes(std::span(&header, 1));
  std::vector<std::byte> datagram(head.begin(), head.end());
  datagram.insert(datagram.end(), question.body.begin(), question.body.end());
  while (send(socket_.get(), datagram.data(), datagram.size(), 0) < 0) {
    if (errno != EINTR) return KernelError(errno);
  }
  return {};
}

// The kernel has put the answer, or the first part of a dump, into the socket before send()
// returns; poll() is for the day it does not. What is there is read however late it is: it may be
// this process that was stopped, or send() that waited for the lock of the kernel's interfaces.
Result<void> RouteReader::ReceiveAll(const Question& question, Deadline deadline,
                                     const OnMessage& on_message) {
  Answer answer({.type = question.answer, .sequence = sequence_, .own_port = own_port_});
  while (true) {
    sockaddr_nl sender{};
    socklen_t sender_length = sizeof sender;
    const ssize_t length =
        recvfrom(socket_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT | MSG_TRUNC,
                 reinterpret_cast<sockaddr*>(&sender), &sender_length);
    if (length < 0 && errno != EINTR && errno != EAGAIN) return KernelError(errno);
    if (length > static_cast<ssize_t>(buffer_.size())) {
      return Error{ErrorCode::kConnection, "a datagram was longer than the receive buffer"};
    }
    if (length > 0 && sender.nl_pid == 0) {  // others than the kernel may send here, unasked
      const Bytes datagram = Bytes(buffer_).first(static_cast<std::size_t>(length));
      const Result<Progress> progress = answer.Receive(datagram, on_message);
      if (!progress.ok()) return progress.error();
      if (progress.value() == Progress::kDone) return {};
      continue;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return Error{ErrorCode::kTimeout, "timed out after 50 ms"};
    if (length > 0) continue;
    pollfd waiting{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, static_cast<int>(left.count())) < 0 && errno != EINTR) {
      return KernelError(errno);
    }
  }
}

template <class Value, class Decode>
Result<std::vector<Value>> RouteReader::Dump(const Question& question, const char* what,
                                             Decode decode) {
  std::vector<Value> values;
  const OnMessage take = [&](Bytes payload) -> Result<void> {
    Value value;
    const Result<bool> taken = decode(payload, value);
    if (!taken.ok()) return taken.error();
    if (taken.value()) values.push_back(std::move(value));
    return {};
  };
  Result<void> done = Exchange(question, take);
  for (int i = 1; i < kDumpTries && !done.ok() && done.error().code == ErrorCode::kInterrupted;
       ++i) {
    values.clear();
    done = Exchange(question, take);
  }
  if (!done.ok()) return Prefixed(what, done.error());
  return values;
}

Result<Route> RouteReader::Lookup(const Address& destination) {
  std::optional<Route> route;
  const std::vector<std::byte> body = EncodeRouteRequest(destination);
  const Result<void> done =
      Exchange({RTM_GETROUTE, RTM_NEWROUTE, kSingle, body},
               [&](Bytes payload) { return DecodeRoute(payload, route.emplace()); });
  if (!done.ok()) return Prefixed("look up " + ToString(destination), done.error());
  if (!route) {
    return Prefixed("look up " + ToString(destination),
                    {ErrorCode::kMalformed, "the kernel's answer has no route"});
  }
  return *route;
}

Result<std::optional<Neighbour>> RouteReader::FindNeighbour(int interface, const Address& address) {
  std::optional<Neighbour> found;
  const std::vector<std::byte> body = EncodeNeighbourRequest(interface, address);
  const Result<void> done =
      Exchange({RTM_GETNEIGH, RTM_NEWNEIGH, kSingle, body}, [&](Bytes payload) -> Result<void> {
        NeighbourEntry entry;
        const Result<bool> taken = DecodeNeighbour(payload, entry);
        if (!taken.ok()) return taken.error();
        if (taken.value()) found = entry.neighbour;
        return {};
      });
  if (!done.ok() && done.error().code != ErrorCode::kNotFound) {
    return Prefixed("neighbour " + ToString(address), done.error());
  }
  return found;
}

Result<std::vector<Interface>> RouteReader::Interfaces() {
  const std::vector<std::byte> body = EncodeInterfaceDump();
  return Dump<Interface>({RTM_GETLINK, RTM_NEWLINK, kDump, body}, "list interfaces",
                         [](Bytes payload, Interface& interface) -> Result<bool> {
                           Result<void> decoded = DecodeInterface(payload, interface);
                           if (!decoded.ok()) return decoded.error();
                           return true;
                         });
}

Result<std::vector<InterfaceAddress>> RouteReader::Addresses() {
  const std::vector<std::byte> body = EncodeAddressDump();
  return Dump<InterfaceAddress>({RTM_GETADDR, RTM_NEWADDR, kDump, body}, "list addresses",
                                [](Bytes payload, InterfaceAddress& address) -> Result<bool> {
                                  Result<void> decoded = DecodeAddress(payload, address);
                                  if (!decoded.ok()) return decoded.error();
                                  return true;
                                });
}

Result<std::vector<NeighbourEntry>> RouteReader::Neighbours(int interface) {
  const std::vector<std::byte> body = EncodeNeighbourDump(interface);
  return Dump<NeighbourEntry>({RTM_GETNEIGH, RTM_NEWNEIGH, kDump, body}, "list neighbours",
                              DecodeNeighbour);
}

}  // namespace lvs::route
