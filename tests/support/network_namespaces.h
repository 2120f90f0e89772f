// A small Ethernet of real hosts: network namespaces whose cards hang on one bridge. Nothing of the
// machine is touched, and everything disappears with the object.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/address.h"
#include "collectors/descriptor.h"
#include "collectors/result.h"
#include "collectors/route/types.h"
#include "tests/support/ip.h"

namespace lvs::fake {

// Calls function while the calling thread does without CAP_NET_RAW.
void WithoutCapNetRaw(const std::function<void()>& function);

// Each host has an interface eth0, up, with the MAC 02:00:00:00:00:NN where NN is its place in the
// list, from 01; and lo, up. No addresses but IPv6 link-local ones; add others with "nodad", or
// they are useless for a moment. Owned by one thread, which lives on the first host from Make() to
// the destructor: its sockets are made there, and so are the processes that it starts. A command
// that fails throws std::runtime_error.
class NetworkNamespaces {
 public:
  // The sentence of the error says what is not permitted or not there: reason enough to skip.
  static Result<std::unique_ptr<NetworkNamespaces>> Make(const std::vector<std::string>& hosts);
  ~NetworkNamespaces();
  NetworkNamespaces(const NetworkNamespaces&) = delete;
  NetworkNamespaces& operator=(const NetworkNamespaces&) = delete;

  // Returns when the host's IPv6 addresses are in use. One or more lines as `ip -batch` takes them:
  // "addr add 192.168.1.2/24 dev eth0".
  void Ip(const std::string& host, const std::string& lines);
  // A setting below /proc/sys/net, such as "ipv4/ip_forward".
  void Set(const std::string& host, const std::string& setting, const std::string& value);
  // Any other command, by the shell; false if it fails.
  bool Try(const std::string& host, const std::string& command);

  // A TCP socket that accepts connections, without anybody who takes them.
  Descriptor Listen(const std::string& host, const std::string& address, std::uint16_t port);

  // What function gives, called while the thread is on the host.
  template <class Function>
  auto On(const std::string& host, Function function) {
    const Visit visit(*this, host);
    return function();
  }

  route::Mac MacOf(const std::string& host) const;

 private:
  // While it lives the thread is on the host.
  class Visit {
   public:
    Visit(NetworkNamespaces& network, const std::string& host);
    ~Visit();
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

   private:
    NetworkNamespaces& network_;
  };

  NetworkNamespaces() = default;
  Result<void> Build(const std::vector<std::string>& hosts);

  Descriptor home_;
  bool away_ = false;
  Descriptor switch_;  // the namespace of the bridge
  std::vector<std::string> names_;
  std::map<std::string, Descriptor> hosts_;
};

}  // namespace lvs::fake
