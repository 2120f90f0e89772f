#include "tests/support/raw_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "exporter/http/ascii.h"

namespace lvs {

RawConnection::RawConnection(std::uint16_t port)
    : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval wait{.tv_sec = 20, .tv_usec = 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
  sockaddr_in server{};
  server.sin_family = AF_INET;
  server.sin_port = htons(port);
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&server), sizeof(server)) != 0) {
    close(std::exchange(fd_, -1));
  }
}

RawConnection::~RawConnection() {
  if (fd_ >= 0) close(fd_);
}

RawConnection::RawConnection(RawConnection&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

bool RawConnection::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void RawConnection::FinishSending() { shutdown(fd_, SHUT_WR); }

std::string RawConnection::ReceiveSome(std::size_t max_bytes) {
  std::string bytes(max_bytes, '\0');
  const ssize_t received = recv(fd_, bytes.data(), bytes.size(), 0);
  bytes.resize(received > 0 ? static_cast<std::size_t>(received) : 0);
  return bytes;
}

std::string RawConnection::ReceiveAll() {
  std::string bytes;
  for (std::string piece = ReceiveSome(65536); !piece.empty(); piece = ReceiveSome(65536)) {
    bytes += piece;
  }
  return bytes;
}

std::string RawResponse::Header(std::string_view name) const {
  std::string values;
  std::string_view rest = head;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(std::min(line.size() + 2, rest.size()));
    const std::size_t colon = line.find(':');
    if (colon == line.npos || !EqualIgnoringCase(line.substr(0, colon), name)) continue;
    if (!values.empty()) values += '|';
    values += TrimBlanks(line.substr(colon + 1));
  }
  return values;
}

RawResponse ParseResponse(std::string_view bytes) {
  RawResponse response;
  const std::size_t end = bytes.find("\r\n\r\n");
  if (!bytes.starts_with("HTTP/1.1 ") || end == bytes.npos) return response;
  std::from_chars(bytes.data() + 9, bytes.data() + 12, response.status);
  response.head = bytes.substr(0, end + 4);
  response.body = bytes.substr(end + 4);
  return response;
}

RawResponse Exchange(std::uint16_t port, std::string_view bytes) {
  RawConnection connection(port);
  connection.Send(bytes);
  return ParseResponse(connection.ReceiveAll());
}

RawResponse Get(std::uint16_t port, std::string_view target, std::string_view headers) {
  return Exchange(port, "GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n" +
                            std::string(headers) + "\r\n");
}

RawConnection HalfOpen(std::uint16_t port) {
  RawConnection connection(port);
  connection.Send("GET /metrics HTTP/1.1\r\nHost: local");
  return connection;
}

}  // namespace lvs
