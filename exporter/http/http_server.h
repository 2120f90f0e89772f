// Serves routes over HTTP/1.1 on IPv4, without TLS. The only part that knows the engine below
// (civetweb 1.15 of Debian 12): its types, its options and its oddities end here.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "collectors/result.h"
#include "exporter/http/http.h"
#include "exporter/http/listen_address.h"

namespace lvs {

// Hears what the server does. Calls come from the server's threads, many at once, between Start()
// and the end of the destructor; they must be quick and must not throw.
class HttpObserver {
 public:
  virtual ~HttpObserver() = default;

  // A request began; exactly one RequestFinished follows. Connections that never send a byte, and
  // those that the engine closes without an answer, are not heard of.
  virtual void RequestStarted() {}

  // route is the path of a route or "other", status what was answered, whether or not the client
  // took all of it. After the last byte has been handed to the kernel.
  virtual void RequestFinished(std::string_view /*route*/, int /*status*/) {}

  // A handler threw something else than std::bad_alloc and the client got 500. reason is its
  // what(), not escaped.
  virtual void HandlerFailed(std::string_view /*route*/, std::string_view /*reason*/) {}

  // A message of the engine; one line, control characters escaped, at most 512 bytes before that.
  virtual void EngineMessage(std::string_view /*line*/) {}
};

struct HttpServerOptions {
  std::vector<ListenAddress> listen;  // at least one
  // One connection a thread, all created at the start. More than max_requests: the rest is for
  // clients that are slow to send their request.
  unsigned threads = 64;
  unsigned max_requests = 40;  // handlers with Limit::kScrapes at the same time; 0 is no limit
  // For the whole head of a request, and for each standstill while an answer is written.
  std::chrono::milliseconds request_timeout{2000};
  // For a whole answer; looked at after each 256 KiB.
  std::chrono::milliseconds write_deadline{30000};
  // How long the destructor waits for answers that are on their way before it cuts them.
  std::chrono::milliseconds drain_deadline{500};
};

// Owned by main; Start() and destruction from one thread, the rest from any. Block the signals that
// the program handles before Start(), so that the server's threads never receive them. civetweb
// makes the process ignore SIGPIPE.
//
// Refusals that come from the engine itself, before a route is looked for: 400 for a head that is
// malformed, longer than 8 KiB, uses an unknown method, or is not finished within request_timeout;
// 505 for a version other than HTTP/1.0 and 1.1. They look like all other answers. "OPTIONS *" and
// requests in absolute form are closed without an answer. One request per connection; what follows
// it is not read. Header lines after a folded one are not seen (civetweb ends the list there),
// which can hide nothing that matters to a server that reads no bodies.
class HttpServer {
 public:
  // Listens on all addresses or fails with the engine's reason in one sentence (kSystem;
  // kInvalidInput when listen is empty). observer must outlive the server.
  static Result<std::unique_ptr<HttpServer>> Start(const HttpServerOptions& options,
                                                   std::vector<Route> routes,
                                                   HttpObserver& observer);

  // Refuses new connections, lets running requests finish within drain_deadline, cuts the others
  // and joins all threads. A handler that runs longer is waited for: handlers need deadlines of
  // their own.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Where it really listens, in the order of options.listen, with the port that port 0 became.
  const std::vector<ListenAddress>& addresses() const;

  // Requests between RequestStarted and RequestFinished.
  int in_flight() const;

 private:
  class Engine;

  explicit HttpServer(std::unique_ptr<Engine> engine);

  std::unique_ptr<Engine> engine_;
};

}  // namespace lvs
