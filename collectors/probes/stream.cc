#include "collectors/probes/stream.h"

#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "collectors/probes/connect_error.h"
#include "collectors/probes/http_answer.h"
#include "collectors/probes/http_request.h"
#include "collectors/probes/socket.h"
#include "collectors/probes/tls_attempt.h"
#include "collectors/probes/tls_context.h"

namespace lvs::probes {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// The socket of one run and the one timer that closes it, which may fire while the run is being
// destroyed: the timer's handler shares this.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  explicit Connection(const asio::any_io_executor& loop) : socket_(loop), timer_(loop) {}

  tcp::socket& socket() { return socket_; }
  // Closed by the deadline: whatever an operation then reports is its consequence.
  bool expired() const { return expired_; }

  // Replaces the deadline before it.
  void CloseAt(Deadline deadline) {
    timer_.expires_at(deadline);
    timer_.async_wait([self = weak_from_this()](const error_code& error) {
      const auto connection = self.lock();
      if (error || connection == nullptr) return;
      // A wait that was over just before it was replaced comes here all the same.
      if (Clock::now() < connection->timer_.expiry()) return;
      connection->expired_ = true;
      connection->Close();
    });
  }

  void End() {
    timer_.cancel();
    Close();
  }

 private:
  void Close() {
    error_code ignored;
    socket_.close(ignored);
  }

  tcp::socket socket_;
  asio::steady_timer timer_;
  bool expired_ = false;
};

tcp::endpoint EndpointOf(const Address& address, std::uint16_t port) {
  if (address.family == AddressFamily::kIpv6) {
    return {asio::ip::address_v6(address.bytes), port};
  }
  asio::ip::address_v4::bytes_type bytes;
  std::copy_n(address.bytes.begin(), bytes.size(), bytes.begin());
  return {asio::ip::address_v4(bytes), port};
}

// Measures the steps of a run, each from the end of the one before.
class Stopwatch {
 public:
  explicit Stopwatch(Clock::time_point start) : last_(start) {}
  float Lap() {
    const Clock::time_point now = Clock::now();
    return std::chrono::duration<float>(now - std::exchange(last_, now)).count();
  }

 private:
  Clock::time_point last_;
};

bool IsTlsError(const error_code& error) {
  return error.category() == asio::error::get_ssl_category() ||
         error.category() == asio::ssl::error::get_stream_category();
}

// The alert's own name where the server sent one, else what OpenSSL says.
RunResult TlsFailure(const error_code& error) {
  if (error.category() != asio::error::get_ssl_category()) {
    return Failed(Reason::kTlsReset,
                  error == asio::ssl::error::stream_truncated ? "closed" : error.message());
  }
  const auto code = static_cast<unsigned long>(error.value());
  const int reason = ERR_GET_REASON(code);
  if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    return Failed(Reason::kTlsReset, "closed");
  }
  if (reason >= SSL_AD_REASON_OFFSET) {
    return Failed(Reason::kTlsAlert, SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
  }
  const char* text = ERR_reason_error_string(code);
  return Failed(Reason::kTlsProtocol, text == nullptr ? error.message() : text);
}

// One run. Lives in the frame of RunStream.
class Run {
 public:
  Run(const RunRequest& request, const asio::any_io_executor& loop)
      : request_(request),
        probe_(request.probe->probe()),
        deadline_(request.start + probe_.timeout),
        connection_(std::make_shared<Connection>(loop)),
        stopwatch_(request.start) {}

  // Fills result() step by step, and stops at the first that fails.
  asio::awaitable<void> Perform(AddressGate& gate) {
    const bool connected = co_await Connect(gate);
    if (connected && HasTls(probe_.type)) {
      co_await ExchangeOverTls();
    } else if (connected && HasHttp(probe_.type)) {
      co_await ExchangeHttp(connection_->socket());
    }
    connection_->End();
    ExcuseTimeout();
  }

  RunResult& result() { return result_; }

 private:
  // A step that failed: its reason, beside the facts and phases that are known by now.
  void Fail(const RunResult& failed) {
    result_.outcome = failed.outcome;
    result_.reason = failed.reason;
    result_.detail = failed.detail;
  }
  void Fail(Reason reason, std::string detail = "") { Fail(Failed(reason, std::move(detail))); }

  // A server that was left only a part of the time, because of our own limit, may work.
  void ExcuseTimeout() {
    if (!IsTimeout(result_.reason) || waited_ <= probe_.timeout / 4) return;
    const auto waited = std::chrono::floor<std::chrono::milliseconds>(waited_);
    Fail(Reason::kLocalThrottled, "limits.max_per_address: waited " +
                                      std::to_string(waited.count()) + " of " +
                                      std::to_string(probe_.timeout.count()) +
                                      " ms for a place, then " + std::string(Name(result_.reason)));
  }

  asio::awaitable<bool> Connect(AddressGate& gate) {
    if (!Open()) co_return false;
    tcp::socket& socket = connection_->socket();
    const tcp::endpoint peer = EndpointOf(request_.address, request_.port);
    connection_->CloseAt(std::min(deadline_, request_.start + probe_.connect_timeout));
    const auto [error] = co_await socket.async_connect(peer, kAwait);
    if (connection_->expired()) {
      Fail(Reason::kConnectTimeout);
      co_return false;
    }
    if (error) {
      const SocketFault fault =
          ConnectFault(error.value(), TakeIcmpError(socket.native_handle(), request_.address));
      Fail(fault.reason, fault.detail);
      co_return false;
    }
    result_.phases.connect = stopwatch_.Lap();
    if (IsOwnEcho(socket, peer)) {
      Fail(Reason::kConnectRefused, "nobody listens: the connection met itself");
      co_return false;
    }
    DropIcmpErrors(socket.native_handle(), request_.address);
    if (probe_.close == CloseMode::kRst) {
      error_code ignored;  // now, so that it holds for a close at the deadline, too
      socket.set_option(tcp::socket::linger(true, 0), ignored);
    }
    connection_->CloseAt(deadline_);
    result_.outcome = Outcome::kSuccess;
    if (probe_.type == ProbeType::kTcp) co_return true;
    const Clock::time_point at_the_gate = Clock::now();
    std::optional<AddressGate::Ticket> ticket = co_await gate.Enter(request_.address, deadline_);
    waited_ = Clock::now() - at_the_gate;
    if (!ticket.has_value()) {
      Fail(Reason::kLocalThrottled, "limits.max_per_address: no place in time");
      co_return false;
    }
    ticket_.emplace(*std::move(ticket));
    stopwatch_.Lap();  // waiting for a place is no step
    co_return true;
  }

  bool Open() {
    const bool is_v6 = request_.address.family == AddressFamily::kIpv6;
    if (is_v6 && asio::ip::address_v6(request_.address.bytes).is_link_local() &&
        probe_.socket.interface.empty()) {
      Fail(Reason::kLocalConfig, "a link-local address needs interface");
      return false;
    }
    auto opened = OpenSocket(probe_.socket, is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM, IPPROTO_TCP);
    if (const auto* fault = std::get_if<SocketFault>(&opened)) {
      Fail(fault->reason, fault->detail);
      return false;
    }
    auto& descriptor = std::get<Descriptor>(opened);
    KeepIcmpErrors(descriptor.get(), request_.address);
    error_code error;
    connection_->socket().assign(is_v6 ? tcp::v6() : tcp::v4(), descriptor.get(), error);
    if (error) {
      Fail(Reason::kLocalNoMemory, "epoll: " + error.message());
      return false;
    }
    descriptor.Release();  // Asio's from here
    return true;
  }

  // A connect to a port of our own host that is closed may meet itself, when the kernel picks the
  // very port as the local one (simultaneous open, RFC 9293, section 3.5).
  static bool IsOwnEcho(const tcp::socket& socket, const tcp::endpoint& peer) {
    error_code error;
    return socket.local_endpoint(error) == peer && !error;
  }

  asio::awaitable<void> ExchangeOverTls() {
    const TlsOptions& options = probe_.tls;
    TlsMemory* memory = options.resume ? request_.tls_memory.get() : nullptr;
    TlsAttempt attempt(*request_.probe->tls(), memory, options.full_every, request_.start);
    SSL* ssl = attempt.MakeConnection();
    if (ssl == nullptr) {
      Fail(Reason::kLocalNoMemory, "TLS connection");
      co_return;
    }
    asio::ssl::stream<tcp::socket&> stream(connection_->socket(), ssl);
    const bool trusted = co_await Handshake(stream, attempt);
    if (trusted && HasHttp(probe_.type)) co_await ExchangeHttp(stream);
    TlsAttempt::ShutQuietly(ssl);
    attempt.Conclude(result_.outcome);
  }

  asio::awaitable<bool> Handshake(asio::ssl::stream<tcp::socket&>& stream, TlsAttempt& attempt) {
    const auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::client, kAwait);
    const TlsAttempt::Verdict verdict = attempt.Judge(std::chrono::system_clock::now());
    result_.certificate = verdict.facts;
    if (error) {
      Fail(connection_->expired() ? Failed(Reason::kTlsTimeout) : TlsFailure(error));
      co_return false;
    }
    result_.phases.tls = stopwatch_.Lap();
    if (verdict.reason == Reason::kNone || !request_.probe->tls()->verify()) co_return true;
    Fail(verdict.reason, verdict.detail);
    co_return false;
  }

  template <class Stream>
  asio::awaitable<void> ExchangeHttp(Stream& stream) {
    const error_code write_error = co_await WriteRequest(stream);
    if (write_error && connection_->expired()) {
      Fail(Reason::kHttpTimeoutWrite);
      co_return;
    }
    // Read even so: who refuses a request, or a client without certificate, may say why and hang up
    // before all of it is written.
    HttpAnswer answer(probe_.http, *request_.probe->http());
    co_await ReadAnswer(stream, answer);
    result_.http_status = answer.status();
    if (answer.status().has_value()) result_.http_body_bytes = answer.body_bytes();
    if (!answer.verdict().has_value()) co_return;  // TLS failed underneath
    const HttpVerdict& verdict = *answer.verdict();
    if (write_error && verdict.reason == Reason::kHttpEmpty) {
      Fail(Reason::kHttpReset, "write: " + write_error.message());
    } else if (verdict.reason != Reason::kNone) {
      Fail(verdict.reason, verdict.detail);
    } else {
      result_.drain = verdict.drain;
      result_.phases.body = stopwatch_.Lap();
    }
  }

  template <class Stream>
  asio::awaitable<error_code> WriteRequest(Stream& stream) {
    const std::string text = RequestText(probe_, request_.address, request_.port);
    const auto [error, written] = co_await asio::async_write(stream, asio::buffer(text), kAwait);
    if (!error) result_.phases.write = stopwatch_.Lap();
    co_return error;
  }

  // Until answer has a verdict, or TLS fails underneath it.
  template <class Stream>
  asio::awaitable<void> ReadAnswer(Stream& stream, HttpAnswer& answer) {
    // Small until there is more to read: most runs wait here, some until the deadline.
    std::vector<char> piece(2 * 1024);
    while (!answer.verdict().has_value()) {
      const auto [error, length] = co_await stream.async_read_some(asio::buffer(piece), kAwait);
      if (length > 0 && !result_.phases.first_byte.has_value()) {
        result_.phases.first_byte = stopwatch_.Lap();
      }
      answer.Take({piece.data(), length});
      if (length == piece.size()) piece.resize(16 * 1024);
      if (!error) continue;
      if (connection_->expired()) {
        answer.End(HttpEnding::kTimeout);
      } else if (error == asio::error::eof || error == asio::ssl::error::stream_truncated) {
        answer.End(HttpEnding::kClosed);
      } else if (IsTlsError(error)) {
        Fail(TlsFailure(error));
        co_return;
      } else {
        answer.End(HttpEnding::kReset);
      }
    }
  }

  const RunRequest& request_;
  const Probe& probe_;
  const Deadline deadline_;
  const std::shared_ptr<Connection> connection_;
  std::optional<AddressGate::Ticket> ticket_;
  Stopwatch stopwatch_;
  Clock::duration waited_{};  // for a place at the gate
  RunResult result_;
};

}  // namespace

boost::asio::awaitable<RunResult> RunStream(RunRequest request, AddressGate& gate) {
  const auto loop = co_await asio::this_coro::executor;
  Run run(request, loop);
  co_await run.Perform(gate);
  RunResult result = std::move(run.result());
  result.total = Clock::now() - request.start;
  co_return result;
}

}  // namespace lvs::probes
