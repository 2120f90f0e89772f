// A server on the loopback that does to each connection what a test says: answers, trickles, stalls
// or breaks.
//
//     fake::TcpServer server([](fake::Peer& peer) {
//       peer.ReadRequest();
//       peer.Send("HTTP/1.1 200 OK\r\n\r\n");
//     });
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "collectors/address.h"
#include "collectors/descriptor.h"
#include "tests/support/certificate_authority.h"

namespace lvs::fake {

// The server's side of a TLS connection: what all connections of a server share.
class TlsSide {
 public:
  explicit TlsSide(const Identity& identity);

  // While no connection is in its handshake. Sessions that clients hold stay good.
  void Present(const Identity& identity);
  // Clients must show a certificate of the authority in the file.
  void WantClientCertificate(const std::string& authority_file);
  void AtMost(int protocol) { SSL_CTX_set_max_proto_version(context_.get(), protocol); }
  // The protocol that is chosen if the client offers it.
  void Alpn(std::string protocol);

  SSL_CTX* native() const { return context_.get(); }

 private:
  std::shared_ptr<SSL_CTX> context_;
  std::string alpn_;
};

// One accepted connection, in the thread that serves it. Every wait ends when the client goes away
// or the server stops; what is called afterwards does nothing.
class Peer {
 public:
  Peer(Descriptor socket, int stop) : socket_(std::move(socket)), stop_(stop) {}
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // What the client sent so far, up to an empty line.
  std::string ReadRequest();
  bool Send(std::string_view bytes);
  // One byte at a time, each after a pause.
  void Trickle(std::string_view bytes, std::chrono::milliseconds pause);
  // Waits for the client to close, and gives how it did.
  enum class End { kFin, kRst, kStopped };
  End WaitForEnd();
  void Stall() { WaitForEnd(); }
  // Closes with a RST.
  void Reset();
  // The handshake; from here on everything goes over TLS. False: it failed.
  bool StartTls(const TlsSide& side);
  // Whether the handshake resumed a session.
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  // What the client's hello says: SNI, and the protocol that ALPN chose. Empty: none.
  std::string server_name() const;
  std::string alpn() const;
  // Says close_notify before the end, unlike a server that just goes.
  void EndTls() { SSL_shutdown(ssl_.get()); }

 private:
  bool Wait(short events, int milliseconds = -1);
  bool Again(int result);  // after an SSL call: waited for what it wants
  // As read() and write(), waiting; 0 or less: over.
  long ReadSome(char* into, std::size_t size);

  Descriptor socket_;
  const int stop_;
  std::shared_ptr<SSL> ssl_;
};

// Threads: one accepts, one serves each connection; all are joined by the destructor.
class TcpServer {
 public:
  using Script = std::function<void(Peer&)>;

  explicit TcpServer(Script script, AddressFamily family = AddressFamily::kIpv4);
  ~TcpServer();
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;

  // The loopback address of the family.
  const Address& address() const { return address_; }
  std::uint16_t port() const { return port_; }
  int connections() const { return connections_; }

 private:
  void Accept();

  const Script script_;
  Address address_;
  std::uint16_t port_ = 0;
  Descriptor listener_;
  Descriptor stop_;  // an eventfd that stays readable
  std::atomic<int> connections_ = 0;
  std::list<std::thread> serving_;  // of the accepting thread
  std::thread accepting_;
};

// 127.0.0.1 or ::1.
Address Loopback(AddressFamily family);
bool HasIpv6Loopback();
// A port of 127.0.0.1 where nobody listens; it stays taken as long as the descriptor lives.
std::uint16_t ClosedPort(Descriptor& holder);

}  // namespace lvs::fake
