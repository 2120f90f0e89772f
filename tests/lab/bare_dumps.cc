// The yardstick of the lab benchmark: the netlink dumps that a full reading of the IPVS table
// needs, and nothing else.
//
// One socket, kept; one service dump, then for each service one send and two receives (the second
// for the end marker). Nothing is decoded but the keys that the next requests need. Each line on
// standard input starts one round; the answer is one line: seconds, services, datagrams, bytes.

#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t kReceiveBytes = 64 * 1024;

[[noreturn]] void Fail(const char* step) {
  std::perror(step);
  std::exit(1);
}

template <class Value>
Value At(std::string_view bytes, std::size_t position) {
  Value value;
  if (position + sizeof value > bytes.size()) std::abort();
  std::memcpy(&value, bytes.data() + position, sizeof value);
  return value;
}

std::string Attribute(std::uint16_t type, std::string_view value) {
  const nlattr head = {static_cast<std::uint16_t>(NLA_HDRLEN + value.size()), type};
  std::string bytes(reinterpret_cast<const char*>(&head), sizeof head);
  bytes.append(value);
  bytes.resize(NLA_ALIGN(bytes.size()));
  return bytes;
}

// Calls visit(type, whole attribute, value) for each attribute.
template <class Visit>
void EachAttribute(std::string_view bytes, const Visit& visit) {
  while (bytes.size() >= NLA_HDRLEN) {
    const auto head = At<nlattr>(bytes, 0);
    const std::size_t whole = NLA_ALIGN(head.nla_len);
    if (head.nla_len < NLA_HDRLEN || whole > bytes.size()) std::abort();
    visit(head.nla_type & NLA_TYPE_MASK, bytes.substr(0, whole),
          bytes.substr(NLA_HDRLEN, head.nla_len - NLA_HDRLEN));
    bytes.remove_prefix(whole);
  }
}

class Socket {
 public:
  Socket()
      : fd_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC)),
        buffer_(kReceiveBytes, '\0') {
    sockaddr_nl any = {};
    any.nl_family = AF_NETLINK;
    if (fd_ < 0 || bind(fd_, reinterpret_cast<sockaddr*>(&any), sizeof any) < 0) Fail("socket");
  }
  ~Socket() { close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // Sends a request and calls visit(payload after the generic header) for each message of the
  // answer.
  template <class Visit>
  void Ask(std::uint16_t family, std::uint8_t command, std::uint16_t flags,
           std::string_view attributes, const Visit& visit) {
    Send(family, command, flags, attributes);
    for (bool done = false; !done;) {
      const ssize_t received = recv(fd_, buffer_.data(), buffer_.size(), 0);
      if (received < 0) Fail("recv");
      ++datagrams;
      bytes += received;
      done = EndsAnswer(std::string_view(buffer_.data(), received), flags, visit);
    }
  }

  std::uint64_t datagrams = 0;
  std::uint64_t bytes = 0;

 private:
  void Send(std::uint16_t family, std::uint8_t command, std::uint16_t flags,
            std::string_view attributes) {
    const std::size_t length = NLMSG_HDRLEN + GENL_HDRLEN + attributes.size();
    const nlmsghdr head = {static_cast<std::uint32_t>(length), family,
                           static_cast<std::uint16_t>(NLM_F_REQUEST | flags), ++sequence_, 0};
    const genlmsghdr generic = {command, 1, 0};
    request_.assign(reinterpret_cast<const char*>(&head), sizeof head);
    request_.append(reinterpret_cast<const char*>(&generic), sizeof generic);
    request_.append(attributes);
    if (send(fd_, request_.data(), request_.size(), 0) < 0) Fail("send");
  }

  template <class Visit>
  bool EndsAnswer(std::string_view datagram, std::uint16_t flags, const Visit& visit) {
    while (datagram.size() >= NLMSG_HDRLEN) {
      const auto head = At<nlmsghdr>(datagram, 0);
      if (head.nlmsg_type == NLMSG_DONE) return true;
      if (head.nlmsg_type == NLMSG_ERROR) {
        errno = -At<int>(datagram, NLMSG_HDRLEN);
        Fail("answer");
      }
      visit(
          datagram.substr(NLMSG_HDRLEN + GENL_HDRLEN, head.nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN));
      if ((flags & NLM_F_DUMP) == 0) return true;
      datagram.remove_prefix(std::min<std::size_t>(NLMSG_ALIGN(head.nlmsg_len), datagram.size()));
    }
    return false;
  }

  const int fd_;
  std::uint32_t sequence_ = 0;
  std::string request_;
  std::string buffer_;
};

std::uint16_t FindFamily(Socket& kernel) {
  std::uint16_t family = 0;
  const std::string name =
      Attribute(CTRL_ATTR_FAMILY_NAME, std::string_view(IPVS_GENL_NAME, sizeof IPVS_GENL_NAME));
  kernel.Ask(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0, name, [&](std::string_view attributes) {
    EachAttribute(attributes, [&](int type, std::string_view, std::string_view value) {
      if (type == CTRL_ATTR_FAMILY_ID) family = At<std::uint16_t>(value, 0);
    });
  });
  return family;
}

// A service message as the request for its backends: its nest with nothing but the attributes that
// name the service.
std::string BackendRequest(std::string_view message) {
  std::string key;
  EachAttribute(message, [&](int nest, std::string_view, std::string_view service) {
    if (nest != IPVS_CMD_ATTR_SERVICE) return;
    EachAttribute(service, [&](int type, std::string_view whole, std::string_view) {
      if (type <= IPVS_SVC_ATTR_FWMARK) key.append(whole);
    });
  });
  return Attribute(NLA_F_NESTED | IPVS_CMD_ATTR_SERVICE, key);
}

std::size_t DumpEverything(Socket& kernel, std::uint16_t family) {
  std::vector<std::string> requests;
  kernel.Ask(family, IPVS_CMD_GET_SERVICE, NLM_F_DUMP, {},
             [&](std::string_view message) { requests.push_back(BackendRequest(message)); });
  for (const std::string& request : requests) {
    kernel.Ask(family, IPVS_CMD_GET_DEST, NLM_F_DUMP, request, [](std::string_view) {});
  }
  return requests.size();
}

}  // namespace

int main() {
  Socket kernel;
  const std::uint16_t family = FindFamily(kernel);
  for (std::string line; std::getline(std::cin, line);) {
    kernel.datagrams = kernel.bytes = 0;
    const auto start = std::chrono::steady_clock::now();
    const std::size_t services = DumpEverything(kernel, family);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::cout << took.count() << ' ' << services << ' ' << kernel.datagrams << ' ' << kernel.bytes
              << std::endl;
  }
}
