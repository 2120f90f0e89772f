#include "tests/support/tcp_server.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace lvs::fake {
namespace {

struct Name {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Name NameOf(const Address& address) {
  Name name;
  if (address.family == AddressFamily::kIpv6) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(name.storage);
    v6.sin6_family = AF_INET6;
    std::memcpy(&v6.sin6_addr, address.bytes.data(), sizeof v6.sin6_addr);
    name.size = sizeof v6;
  } else {
    auto& v4 = reinterpret_cast<sockaddr_in&>(name.storage);
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, address.bytes.data(), sizeof v4.sin_addr);
    name.size = sizeof v4;
  }
  return name;
}

// A socket bound to a free port of the address, and that port.
std::pair<Descriptor, std::uint16_t> Bound(const Address& address) {
  Name name = NameOf(address);
  Descriptor bound(socket(name.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (bind(bound.get(), name.get(), name.size) != 0) throw std::runtime_error("bind");
  getsockname(bound.get(), name.get(), &name.size);
  // The port is at the same place in both families.
  return {std::move(bound), ntohs(reinterpret_cast<sockaddr_in&>(name.storage).sin_port)};
}

}  // namespace

Address Loopback(AddressFamily family) {
  Address address{.family = family, .bytes = {}};
  if (family == AddressFamily::kIpv6) {
    address.bytes[15] = 1;
  } else {
    address.bytes = {127, 0, 0, 1};
  }
  return address;
}

bool HasIpv6Loopback() {
  Name name = NameOf(Loopback(AddressFamily::kIpv6));
  const Descriptor probe(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return probe.valid() && bind(probe.get(), name.get(), name.size) == 0;
}

std::uint16_t ClosedPort(Descriptor& holder) {
  auto [bound, port] = Bound(Loopback(AddressFamily::kIpv4));
  holder = std::move(bound);
  return port;
}

TlsSide::TlsSide(const Identity& identity)
    : context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free) {
  SSL_CTX_set_security_level(native(), 0);  // so that weak certificates can be shown
  static constexpr std::array<unsigned char, 4> kContext = {'t', 'e', 's', 't'};
  SSL_CTX_set_session_id_context(native(), kContext.data(), kContext.size());
  Present(identity);
}

void TlsSide::Present(const Identity& identity) {
  SSL_CTX_use_certificate(native(), identity.certificate.get());
  SSL_CTX_use_PrivateKey(native(), identity.key.get());
}

void TlsSide::WantClientCertificate(const std::string& authority_file) {
  SSL_CTX_load_verify_file(native(), authority_file.c_str());
  SSL_CTX_set_verify(native(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

void TlsSide::Alpn(std::string protocol) {
  alpn_ = std::move(protocol);
  const auto choose = [](SSL*, const unsigned char** out, unsigned char* out_size,
                         const unsigned char* in, unsigned in_size, void* self) {
    const std::string& wanted = static_cast<TlsSide*>(self)->alpn_;
    for (unsigned at = 0; at < in_size; at += in[at] + 1u) {
      if (std::string_view(reinterpret_cast<const char*>(in + at + 1), in[at]) != wanted) continue;
      *out = in + at + 1;
      *out_size = in[at];
      return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  };
  SSL_CTX_set_alpn_select_cb(native(), choose, this);
}

Peer::~Peer() {
  if (ssl_ != nullptr) SSL_set_quiet_shutdown(ssl_.get(), 1);
}

bool Peer::Wait(short events, int milliseconds) {
  if (!socket_.valid()) return false;
  std::array<pollfd, 2> waited = {pollfd{socket_.get(), events, 0}, pollfd{stop_, POLLIN, 0}};
  return poll(waited.data(), waited.size(), milliseconds) > 0 && waited[1].revents == 0;
}

bool Peer::Again(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Wait(POLLIN);
    case SSL_ERROR_WANT_WRITE:
      return Wait(POLLOUT);
    default:
      return false;
  }
}

long Peer::ReadSome(char* into, std::size_t size) {
  if (ssl_ != nullptr) {
    int got = 0;
    do {
      got = SSL_read(ssl_.get(), into, static_cast<int>(size));
    } while (got <= 0 && Again(got));
    return got;
  }
  return Wait(POLLIN) ? recv(socket_.get(), into, size, 0) : 0;
}

std::string Peer::ReadRequest() {
  std::string request;
  char c = 0;
  while (!request.ends_with("\r\n\r\n") && ReadSome(&c, 1) == 1) request += c;
  return request;
}

bool Peer::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    long sent = 0;
    if (ssl_ != nullptr) {
      sent = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
      if (sent <= 0 && !Again(static_cast<int>(sent))) return false;
    } else {
      if (!Wait(POLLOUT)) return false;
      sent = send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) return false;
    }
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void Peer::Trickle(std::string_view bytes, std::chrono::milliseconds pause) {
  for (const char c : bytes) {
    if (!Send({&c, 1})) return;
    // Nobody writes to it: this is the pause, unless the server stops.
    pollfd waited{stop_, POLLIN, 0};
    if (poll(&waited, 1, static_cast<int>(pause.count())) != 0) return;
  }
}

Peer::End Peer::WaitForEnd() {
  char discarded[256];
  while (Wait(POLLIN)) {
    const long got = recv(socket_.get(), discarded, sizeof discarded, 0);
    if (got == 0) return End::kFin;
    if (got < 0) return End::kRst;
  }
  return End::kStopped;
}

void Peer::Reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  socket_ = Descriptor();
}

bool Peer::StartTls(const TlsSide& side) {
  ssl_.reset(SSL_new(side.native()), SSL_free);
  SSL_set_fd(ssl_.get(), socket_.get());
  int done = 0;
  do {
    done = SSL_accept(ssl_.get());
  } while (done <= 0 && Again(done));
  return done == 1;
}

std::string Peer::server_name() const {
  const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? "" : name;
}

std::string Peer::alpn() const {
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &chosen, &size);
  return {reinterpret_cast<const char*>(chosen), size};
}

TcpServer::TcpServer(Script script, AddressFamily family)
    : script_(std::move(script)),
      address_(Loopback(family)),
      stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  // A peer that is gone must not end the tests: OpenSSL writes without MSG_NOSIGNAL.
  signal(SIGPIPE, SIG_IGN);
  std::tie(listener_, port_) = Bound(address_);
  if (listen(listener_.get(), 512) != 0) throw std::runtime_error("listen");
  accepting_ = std::thread([this] { Accept(); });
}

TcpServer::~TcpServer() {
  eventfd_write(stop_.get(), 1);
  accepting_.join();
  for (std::thread& thread : serving_) thread.join();
}

void TcpServer::Accept() {
  for (;;) {
    std::array<pollfd, 2> waited = {pollfd{listener_.get(), POLLIN, 0},
                                    pollfd{stop_.get(), POLLIN, 0}};
    if (poll(waited.data(), waited.size(), -1) <= 0 || waited[1].revents != 0) return;
    Descriptor accepted(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!accepted.valid()) continue;
    ++connections_;
    serving_.emplace_back([this, socket = std::move(accepted)]() mutable {
      Peer peer(std::move(socket), stop_.get());
      script_(peer);
    });
  }
}

}  // namespace lvs::fake
