#include "collectors/probes/socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

namespace lvs::probes {
namespace {

SocketFault Fault(Reason reason, std::string_view step, int error_number) {
  return {reason, std::string(step) + ": " + std::strerror(error_number)};
}

SocketFault FaultOfErrno(std::string_view step) {
  const int error_number = errno;
  return Fault(ReasonOfErrno(error_number), step, error_number);
}

// As ReasonOfErrno, where anything that no resource or right explains is a wrong option.
SocketFault FaultOfOption(std::string_view step) {
  const int error_number = errno;
  const Reason reason = ReasonOfErrno(error_number);
  const bool is_resource = reason == Reason::kLocalFdLimit || reason == Reason::kLocalNoMemory ||
                           reason == Reason::kLocalPermission;
  return Fault(is_resource ? reason : Reason::kLocalConfig, step, error_number);
}

using Opened = std::variant<Descriptor, SocketFault>;

Opened OpenHere(int domain, int type, int protocol) {
  Descriptor made(::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  if (!made.valid()) return FaultOfErrno("socket");
  return made;
}

// A socket stays in the namespace it was made in, so that the rest is done at home.
Opened OpenInNamespace(const std::string& netns, int domain, int type, int protocol) {
  const std::string path = netns.find('/') == std::string::npos ? "/run/netns/" + netns : netns;
  const Descriptor home(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!home.valid()) return FaultOfOption("open /proc/thread-self/ns/net");
  const Descriptor away(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!away.valid()) return FaultOfOption("netns: open " + path);
  if (setns(away.get(), CLONE_NEWNET) != 0) return FaultOfOption("netns: enter " + path);
  Opened opened = OpenHere(domain, type, protocol);
  if (setns(home.get(), CLONE_NEWNET) != 0) {
    // Every later probe would ask from the wrong place and condemn healthy servers.
    std::perror("fatal: checker: cannot return from a network namespace");
    std::abort();
  }
  return opened;
}

template <class T>
bool Set(int descriptor, int level, int name, const T& value) {
  return setsockopt(descriptor, level, name, &value, sizeof value) == 0;
}

std::optional<SocketFault> SetHeaderFields(int descriptor, const SocketOptions& options,
                                           int domain) {
  const bool is_v6 = domain == AF_INET6;
  if (!is_v6 && domain != AF_INET) return std::nullopt;
  const int level = is_v6 ? IPPROTO_IPV6 : IPPROTO_IP;
  if (options.ttl.has_value() &&
      !Set(descriptor, level, is_v6 ? IPV6_UNICAST_HOPS : IP_TTL, int{*options.ttl})) {
    return FaultOfOption("ttl");
  }
  if (options.tos.has_value() &&
      !Set(descriptor, level, is_v6 ? IPV6_TCLASS : IP_TOS, int{*options.tos})) {
    return FaultOfOption("tos");
  }
  return std::nullopt;
}

std::optional<SocketFault> Bind(int descriptor, const Address& source, int domain, int type) {
  const int family = source.family == AddressFamily::kIpv6 ? AF_INET6 : AF_INET;
  if (family != domain) {
    return SocketFault{Reason::kLocalConfig,
                       "source " + ToString(source) + " is of the other address family"};
  }
  // The port is then chosen in connect(), where it need only be free towards this server.
  if (type == SOCK_STREAM && !Set(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, int{1})) {
    return FaultOfOption("IP_BIND_ADDRESS_NO_PORT");
  }
  sockaddr_storage storage{};
  socklen_t size = 0;
  if (family == AF_INET6) {
    auto& name = reinterpret_cast<sockaddr_in6&>(storage);
    name.sin6_family = AF_INET6;
    std::memcpy(&name.sin6_addr, source.bytes.data(), sizeof name.sin6_addr);
    size = sizeof name;
  } else {
    auto& name = reinterpret_cast<sockaddr_in&>(storage);
    name.sin_family = AF_INET;
    std::memcpy(&name.sin_addr, source.bytes.data(), sizeof name.sin_addr);
    size = sizeof name;
  }
  if (bind(descriptor, reinterpret_cast<const sockaddr*>(&storage), size) == 0) return std::nullopt;
  const int error_number = errno;
  const Reason reason = ReasonOfErrno(error_number);
  const bool is_resource = reason == Reason::kLocalNoMemory || reason == Reason::kLocalPermission;
  return Fault(is_resource ? reason : Reason::kLocalBind, "bind to " + ToString(source),
               error_number);
}

std::optional<SocketFault> Apply(int descriptor, const SocketOptions& options, int domain,
                                 int type) {
  // The interface first: a link-local source means nothing without it.
  if (!options.interface.empty() &&
      setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, options.interface.c_str(),
                 static_cast<socklen_t>(options.interface.size() + 1)) != 0) {
    return FaultOfOption("interface " + options.interface);
  }
  if (options.mark.has_value() && !Set(descriptor, SOL_SOCKET, SO_MARK, *options.mark)) {
    return FaultOfOption("mark");
  }
  if (auto fault = SetHeaderFields(descriptor, options, domain)) return fault;
  if (options.source.has_value()) return Bind(descriptor, *options.source, domain, type);
  return std::nullopt;
}

}  // namespace

std::variant<Descriptor, SocketFault> OpenSocket(const SocketOptions& options, int domain, int type,
                                                 int protocol) {
  Opened opened = options.netns.empty() ? OpenHere(domain, type, protocol)
                                        : OpenInNamespace(options.netns, domain, type, protocol);
  const auto* descriptor = std::get_if<Descriptor>(&opened);
  if (descriptor == nullptr) return opened;
  if (auto fault = Apply(descriptor->get(), options, domain, type)) return *std::move(fault);
  return opened;
}

Reason ReasonOfErrno(int error_number) {
  switch (error_number) {
    case EMFILE:
    case ENFILE:
      return Reason::kLocalFdLimit;
    case ENOMEM:
    case ENOBUFS:
      return Reason::kLocalNoMemory;
    case EADDRNOTAVAIL:  // connect() without a free port
      return Reason::kLocalNoPort;
    case EADDRINUSE:
      return Reason::kLocalBind;
    case EPERM:
    case EACCES:
      return Reason::kLocalPermission;
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENONET:  // ICMP "source host isolated"
      return Reason::kHostUnreachable;
    case ENETUNREACH:
    case ENETDOWN:
      return Reason::kNetUnreachable;
    case ETIMEDOUT:
      return Reason::kConnectTimeout;
    case ECONNREFUSED:
    case ENOPROTOOPT:  // ICMP "protocol unreachable": there is no TCP over there
      return Reason::kConnectRefused;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
      return Reason::kConnectReset;
    default:
      return Reason::kLocalConfig;
  }
}

}  // namespace lvs::probes
