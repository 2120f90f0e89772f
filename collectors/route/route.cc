#include "collectors/route/route.h"

#include <linux/rtnetlink.h>

#include <cstddef>
#include <string>
#include <utility>

namespace lvs::route {
namespace {

using netlink::OnMessage;
using netlink::Question;

constexpr int kDumpTries = 3;

Error Prefixed(const std::string& step, const Error& error) {
  return {error.code, "route: " + step + ": " + error.message};
}

}  // namespace

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
  Result<void> done = socket_.Exchange(question, take);
  for (int i = 1; i < kDumpTries && !done.ok() && done.error().code == ErrorCode::kInterrupted;
       ++i) {
    values.clear();
    done = socket_.Exchange(question, take);
  }
  if (!done.ok()) return Prefixed(what, done.error());
  return values;
}

Result<Route> RouteReader::Lookup(const Address& destination, std::uint32_t mark) {
  std::optional<Route> route;
  const std::vector<std::byte> body = EncodeRouteRequest(destination, mark);
  const Result<void> done =
      socket_.Exchange({RTM_GETROUTE, RTM_NEWROUTE, Question::kSingle, body},
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
  const Result<void> done = socket_.Exchange(
      {RTM_GETNEIGH, RTM_NEWNEIGH, Question::kSingle, body}, [&](Bytes payload) -> Result<void> {
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
  return Dump<Interface>({RTM_GETLINK, RTM_NEWLINK, Question::kDump, body}, "list interfaces",
                         [](Bytes payload, Interface& interface) -> Result<bool> {
                           Result<void> decoded = DecodeInterface(payload, interface);
                           if (!decoded.ok()) return decoded.error();
                           return true;
                         });
}

// An address that takes no packets is none of this host: what asks here wants to know whose packets
// are delivered, and a duplicate one is another host's.
Result<std::vector<InterfaceAddress>> RouteReader::Addresses() {
  const std::vector<std::byte> body = EncodeAddressDump();
  return Dump<InterfaceAddress>({RTM_GETADDR, RTM_NEWADDR, Question::kDump, body}, "list addresses",
                                [](Bytes payload, InterfaceAddress& address) -> Result<bool> {
                                  Result<void> decoded = DecodeAddress(payload, address);
                                  if (!decoded.ok()) return decoded.error();
                                  return address.delivered;
                                });
}

Result<std::vector<NeighbourEntry>> RouteReader::Neighbours(int interface) {
  const std::vector<std::byte> body = EncodeNeighbourDump(interface);
  return Dump<NeighbourEntry>({RTM_GETNEIGH, RTM_NEWNEIGH, Question::kDump, body},
                              "list neighbours", DecodeNeighbour);
}

}  // namespace lvs::route
