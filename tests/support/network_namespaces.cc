#include "tests/support/network_namespaces.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "collectors/clock.h"
#include "collectors/probes/raw_socket.h"
#include "collectors/route/route.h"

namespace lvs::fake {
namespace {

constexpr const char* kThisNamespace = "/proc/thread-self/ns/net";

Descriptor ThisNamespace() { return Descriptor(open(kThisNamespace, O_RDONLY | O_CLOEXEC)); }

void GoTo(const Descriptor& place) {
  if (setns(place.get(), CLONE_NEWNET) == 0) return;
  std::perror("cannot change the network namespace");
  std::abort();  // the rest would happen on the wrong host
}

// The complaint of `ip`, or nothing.
std::string RunIp(const std::string& lines) {
  const std::string command = "ip -batch - 2>&1 <<'END'\n" + lines + "\nEND\n";
  FILE* pipe = popen(command.c_str(), "re");
  if (pipe == nullptr) return "cannot start ip";
  std::string said;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe))
    said.push_back(static_cast<char>(c));
  const int status = pclose(pipe);
  if (status == 0) return {};
  return said.empty() ? "ip: exit status " + std::to_string(status) : said;
}

void Write(const std::string& setting, const std::string& value) {
  std::ofstream file("/proc/sys/net/" + setting);
  file << value << std::endl;
  if (!file) throw std::runtime_error("cannot set " + setting + " to " + value);
}

// The kernel takes a new IPv6 address into use a moment after `ip` has ended (addrconf_dad_work in
// net/ipv6/addrconf.c). Waits for those of this host.
void WaitForIpv6Addresses() {
  route::RouteReader routes;
  const auto addresses = routes.Addresses();
  if (!addresses.ok()) return;
  const Deadline deadline = Clock::now() + std::chrono::seconds(2);
  for (const route::InterfaceAddress& own : addresses.value()) {
    constexpr std::uint8_t kLinkLocal = 0xfe;
    if (own.address.family == AddressFamily::kIpv4 || own.address.bytes[0] == kLinkLocal) continue;
    while (Clock::now() < deadline) {
      const auto route = routes.Lookup(own.address);
      if (route.ok() && route.value().local) break;
      std::this_thread::yield();
    }
  }
}

}  // namespace

void WithoutCapNetRaw(const std::function<void()>& function) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> before{};
  const auto set = [&](auto& sets) {
    if (syscall(SYS_capset, &header, sets.data()) != 0) throw std::runtime_error("capset");
  };
  if (syscall(SYS_capget, &header, before.data()) != 0) throw std::runtime_error("capget");
  auto without = before;
  without[0].effective &= ~(1u << CAP_NET_RAW);
  set(without);
  function();
  set(before);
}

Result<std::unique_ptr<NetworkNamespaces>> NetworkNamespaces::Make(
    const std::vector<std::string>& hosts) {
  std::unique_ptr<NetworkNamespaces> network(new NetworkNamespaces);
  try {
    if (Result<void> built = network->Build(hosts); !built.ok()) return built.error();
  } catch (const std::runtime_error& error) {
    return Error{ErrorCode::kNotSupported, error.what()};
  }
  return network;
}

Result<void> NetworkNamespaces::Build(const std::vector<std::string>& hosts) {
  home_ = ThisNamespace();
  names_ = hosts;
  const auto denied = [](const char* what) {
    return Error{ErrorCode::kNoPermission,
                 std::string(what) + " needs CAP_SYS_ADMIN: " + strerror(errno)};
  };
  for (const std::string& name : hosts) {
    if (unshare(CLONE_NEWNET) != 0) return denied("a network namespace");
    away_ = true;
    hosts_[name] = ThisNamespace();
    for (const char* setting : {"all", "default"}) {
      Write(std::string("ipv6/conf/") + setting + "/accept_dad", "0");
      Write(std::string("ipv6/conf/") + setting + "/accept_ra", "0");
    }
  }
  if (unshare(CLONE_NEWNET) != 0) return denied("a network namespace");
  switch_ = ThisNamespace();
  std::string lines = "link add br0 type bridge forward_delay 0\nlink set br0 up";
  const std::string own_files = "/proc/" + std::to_string(getpid()) + "/fd/";
  for (const std::string& name : hosts) {
    lines += "\nlink add " + name + " type veth peer name eth0 address " +
             route::ToString(MacOf(name)) + " netns " + own_files +
             std::to_string(hosts_[name].get());
    lines += "\nlink set " + name + " master br0 up";
  }
  if (const std::string said = RunIp(lines); !said.empty()) {
    return Error{ErrorCode::kNotSupported, "no bridge of virtual cards: " + said};
  }
  // Where this module is there, the packet filter would judge what the bridge passes.
  if (access("/proc/sys/net/bridge/bridge-nf-call-iptables", W_OK) == 0) {
    Write("bridge/bridge-nf-call-iptables", "0");
    Write("bridge/bridge-nf-call-ip6tables", "0");
    Write("bridge/bridge-nf-call-arptables", "0");
  }
  for (const std::string& name : hosts) {
    GoTo(hosts_[name]);
    const std::string said = RunIp("link set lo up\nlink set eth0 up");
    if (!said.empty()) return Error{ErrorCode::kSystem, said};
  }
  GoTo(hosts_[hosts.front()]);
  return {};
}

NetworkNamespaces::~NetworkNamespaces() {
  if (away_) GoTo(home_);
}

NetworkNamespaces::Visit::Visit(NetworkNamespaces& network, const std::string& host)
    : network_(network) {
  GoTo(network_.hosts_.at(host));
}

NetworkNamespaces::Visit::~Visit() { GoTo(network_.hosts_.at(network_.names_.front())); }

void NetworkNamespaces::Ip(const std::string& host, const std::string& lines) {
  const std::string said = On(host, [&] { return RunIp(lines); });
  if (!said.empty()) throw std::runtime_error(host + ": ip: " + said);
  On(host, WaitForIpv6Addresses);
}

void NetworkNamespaces::Set(const std::string& host, const std::string& setting,
                            const std::string& value) {
  On(host, [&] { Write(setting, value); });
}

bool NetworkNamespaces::Try(const std::string& host, const std::string& command) {
  return On(host, [&] { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; });
}

Descriptor NetworkNamespaces::Listen(const std::string& host, const std::string& address,
                                     std::uint16_t port) {
  return On(host, [&] {
    const Address own = fake::Ip(address);
    const int domain = own.family == AddressFamily::kIpv4 ? AF_INET : AF_INET6;
    Descriptor listener(socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage name;
    const socklen_t length = probes::ToSocketAddress(own, port, 0, name);
    if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&name), length) != 0 ||
        listen(listener.get(), 16) != 0) {
      throw std::runtime_error(host + ": cannot listen on " + address + ": " + strerror(errno));
    }
    return listener;
  });
}

route::Mac NetworkNamespaces::MacOf(const std::string& host) const {
  const auto place = std::ranges::find(names_, host) - names_.begin();
  return {2, 0, 0, 0, 0, static_cast<std::uint8_t>(place + 1)};
}

}  // namespace lvs::fake
