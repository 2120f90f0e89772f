#include "exporter/http/port_sockets.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <string_view>
#include <system_error>

namespace lvs {
namespace {

enum class Kind { kListener, kConnection };

// A second descriptor for somebody else's socket, so that the socket we looked at is the one we act
// on even if its owner closes it and the number is used again meanwhile.
class Duplicate {
 public:
  explicit Duplicate(int fd) : fd_(fcntl(fd, F_DUPFD_CLOEXEC, 0)) {}
  ~Duplicate() {
    if (fd_ >= 0) close(fd_);
  }
  Duplicate(const Duplicate&) = delete;
  Duplicate& operator=(const Duplicate&) = delete;

  int fd() const { return fd_; }

 private:
  const int fd_;
};

int Option(int fd, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

bool IsBoundTo(int fd, const std::vector<ListenAddress>& addresses) {
  sockaddr_in bound{};
  socklen_t size = sizeof(bound);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return false;
  return std::any_of(addresses.begin(), addresses.end(), [&](const ListenAddress& address) {
    const in_addr_t host = inet_addr(address.address.c_str());
    return ntohs(bound.sin_port) == address.port &&
           (host == INADDR_ANY || host == bound.sin_addr.s_addr);
  });
}

// A listener that was shut down is neither: it no longer listens and has no peer.
bool Is(int fd, Kind kind) {
  if (kind == Kind::kListener) return Option(fd, SO_ACCEPTCONN) == 1;
  sockaddr_in peer{};
  socklen_t size = sizeof(peer);
  return getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
}

bool Matches(int fd, Kind kind, const std::vector<ListenAddress>& addresses) {
  return Option(fd, SO_DOMAIN) == AF_INET && Option(fd, SO_TYPE) == SOCK_STREAM && Is(fd, kind) &&
         IsBoundTo(fd, addresses);
}

// The open descriptors of this process. Empty where /proc is missing or no descriptor is free to
// read it: then nothing is shut down, and stopping takes as long as civetweb takes.
std::vector<int> OpenDescriptors() {
  std::vector<int> descriptors;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"), &closedir);
  if (folder == nullptr) return descriptors;
  while (const dirent* entry = readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    int fd = -1;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), fd);
    if (error == std::errc() && end == name.data() + name.size()) descriptors.push_back(fd);
  }
  return descriptors;
}

int ShutDown(Kind kind, const std::vector<ListenAddress>& addresses) {
  int count = 0;
  for (const int fd : OpenDescriptors()) {
    const Duplicate socket(fd);
    if (socket.fd() < 0 || !Matches(socket.fd(), kind, addresses)) continue;
    shutdown(socket.fd(), SHUT_RDWR);
    ++count;
  }
  return count;
}

}  // namespace

int ShutDownListeners(const std::vector<ListenAddress>& addresses) {
  return ShutDown(Kind::kListener, addresses);
}

int ShutDownConnections(const std::vector<ListenAddress>& addresses) {
  return ShutDown(Kind::kConnection, addresses);
}

}  // namespace lvs
