#include "exporter/http/http_server.h"

#include <civetweb.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <exception>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <utility>

#include "collectors/clock.h"
#include "exporter/http/http_head.h"
#include "exporter/http/http_router.h"
#include "exporter/http/port_sockets.h"
#include "exporter/http/query.h"

namespace lvs {
namespace {

static_assert(kTooManyHeaders == MG_MAX_HEADERS);

constexpr std::size_t kSliceBytes = 256 * 1024;
constexpr std::size_t kSmallBody = 16 * 1024;  // goes out in one piece with the head
constexpr std::size_t kMaxMessageBytes = 512;

// An answer made beforehand, for when there is no memory to make one.
struct PreparedAnswer {
  int status;
  std::string head;
  std::string body;
};

PreparedAnswer Prepare(const HttpResponse& response) {
  return {response.status, RenderHead(response, std::time(nullptr)), *response.body};
}

PreparedAnswer PrepareOutOfMemory() {
  HttpResponse response = TextResponse(503, "there is not enough memory to answer");
  response.headers.emplace_back("Retry-After", "1");
  return Prepare(response);
}

// Sentences for what civetweb refuses; its own text could repeat the client's.
HttpResponse EngineRefusal(int status) {
  if (status == 505) return TextResponse(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  if (status >= 500) return TextResponse(500, "the request could not be read");
  return TextResponse(400, "the request is malformed, too long or unfinished");
}

std::string_view View(const char* text) { return text == nullptr ? std::string_view() : text; }

RequestHead ReadHead(const mg_request_info& info) {
  RequestHead head{.method = View(info.request_method),
                   .path = View(info.request_uri),
                   .query = View(info.query_string),
                   .headers = {}};
  const std::size_t count = static_cast<std::size_t>(std::max(info.num_headers, 0));
  head.headers.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    head.headers.emplace_back(View(info.http_headers[i].name), View(info.http_headers[i].value));
  }
  return head;
}

// False when the client does not take the bytes: gone, at a standstill, or too slow.
bool Write(mg_connection* connection, std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const std::string_view slice = bytes.substr(0, kSliceBytes);
    const int written = mg_write(connection, slice.data(), slice.size());
    if (written != static_cast<int>(slice.size())) return false;
    bytes.remove_prefix(slice.size());
    if (!bytes.empty() && Clock::now() >= deadline) return false;
  }
  return true;
}

// civetweb counts its users; one per server.
class Library {
 public:
  Library() { mg_init_library(0); }  // never with TLS: it crashes with OpenSSL 3 (civetweb#1334)
  ~Library() { mg_exit_library(); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
};

using Options = std::vector<std::pair<const char*, std::string>>;

Options EngineOptions(const HttpServerOptions& options) {
  std::string ports;
  for (const ListenAddress& address : options.listen) {
    if (!ports.empty()) ports += ',';
    ports += ToString(address);
  }
  return {
      {"listening_ports", ports},
      {"num_threads", std::to_string(options.threads)},
      {"request_timeout_ms", std::to_string(options.request_timeout.count())},
      {"max_request_size", "8192"},
      {"tcp_nodelay", "1"},         // otherwise a large page waits for delayed ACKs
      {"enable_keep_alive", "no"},  // an idle connection would hold a thread
      {"connection_queue", "20"},
      {"listen_backlog", "64"},  // what queues has to be waited for
      {"decode_url", "no"},      // the router decodes, once
      {"enable_directory_listing", "no"},
      {"allow_sendfile_call", "no"},
      {"access_control_allow_origin", ""},
      {"access_control_allow_methods", ""},
      {"access_control_allow_headers", ""},
  };
}

}  // namespace

// The civetweb server and its callbacks. The callbacks are C frames: no exception may leave them.
class HttpServer::Engine {
 public:
  Engine(const HttpServerOptions& options, std::vector<Route> routes, HttpObserver& observer)
      : write_deadline_(options.write_deadline),
        drain_deadline_(options.drain_deadline),
        addresses_(options.listen),
        observer_(observer),
        router_(std::move(routes), options.max_requests) {}
  ~Engine() { Stop(); }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  Result<void> Start(const HttpServerOptions& options);

  const std::vector<ListenAddress>& addresses() const { return addresses_; }
  int in_flight() const { return in_flight_; }

 private:
  // Tells the observer about one request, and keeps in_flight_.
  class Passage {
   public:
    explicit Passage(Engine& engine) : engine_(engine) {
      ++engine_.in_flight_;
      engine_.Tell([this] { engine_.observer_.RequestStarted(); });
    }
    ~Passage() {
      engine_.Tell([this] { engine_.observer_.RequestFinished(route, status); });
      --engine_.in_flight_;
    }
    Passage(const Passage&) = delete;
    Passage& operator=(const Passage&) = delete;

    std::string_view route = kOtherRoute;
    int status = 0;

   private:
    Engine& engine_;
  };

  static Engine& Of(const mg_connection* connection) {
    return *static_cast<Engine*>(mg_get_user_data(mg_get_context(connection)));
  }

  static int BeginRequest(mg_connection* connection) noexcept {
    // Otherwise civetweb waits for the rest of a declared body after the answer.
    mg_disable_connection_keep_alive(connection);
    return Of(connection).Serve(connection, *mg_get_request_info(connection));
  }
  static int HttpError(mg_connection* connection, int status, const char*) noexcept {
    Of(connection).Refuse(connection, status);
    return 0;
  }
  static int LogMessage(const mg_connection* connection, const char* message) noexcept {
    Of(connection).Hear(View(message));
    return 1;
  }

  int Serve(mg_connection* connection, const mg_request_info& info) noexcept;
  void Refuse(mg_connection* connection, int status) noexcept;
  void Hear(std::string_view message) noexcept;
  int Send(mg_connection* connection, const HttpResponse& response, std::string_view method);
  int Send(mg_connection* connection, const PreparedAnswer& answer,
           std::string_view method) noexcept;
  std::vector<std::string> EndOfStart();
  void ReadPorts();
  void Stop();

  template <class Function>
  void Tell(Function function) noexcept {
    try {
      function();
    } catch (...) {  // an observer that breaks its promise costs its own news only
    }
  }

  const std::chrono::milliseconds write_deadline_;
  const std::chrono::milliseconds drain_deadline_;
  std::vector<ListenAddress> addresses_;
  HttpObserver& observer_;
  HttpRouter router_;
  const PreparedAnswer out_of_memory_ = PrepareOutOfMemory();
  const PreparedAnswer failed_ = Prepare(TextResponse(500, "the answer could not be made"));
  std::atomic<int> in_flight_{0};

  std::mutex messages_mutex_;
  bool starting_ = true;               // under messages_mutex_
  std::vector<std::string> messages_;  // while starting: the reasons, under messages_mutex_

  const Library library_;
  mg_context* context_ = nullptr;
};

Result<void> HttpServer::Engine::Start(const HttpServerOptions& options) {
  const Options named = EngineOptions(options);
  std::vector<const char*> list;
  for (const auto& [name, value] : named) list.insert(list.end(), {name, value.c_str()});
  list.push_back(nullptr);

  mg_callbacks callbacks{};
  callbacks.begin_request = &BeginRequest;
  callbacks.http_error = &HttpError;
  callbacks.log_message = &LogMessage;
  std::array<char, 256> text{};
  mg_init_data init{
      .callbacks = &callbacks, .user_data = this, .configuration_options = list.data()};
  mg_error_data error{.code = nullptr, .text = text.data(), .text_buffer_size = text.size()};
  context_ = mg_start2(&init, &error);

  // civetweb says in its error what failed, and in its log why.
  const std::vector<std::string> messages = EndOfStart();
  if (context_ == nullptr) {
    std::string sentence = "http: " + EscapeForEcho(text.data(), kMaxMessageBytes);
    for (const std::string& message : messages) {
      if (message != text.data()) sentence += ": " + message;
    }
    return Error{ErrorCode::kSystem, std::move(sentence)};
  }
  for (const std::string& message : messages) observer_.EngineMessage(message);
  ReadPorts();
  return {};
}

std::vector<std::string> HttpServer::Engine::EndOfStart() {
  const std::lock_guard lock(messages_mutex_);
  starting_ = false;
  return std::exchange(messages_, {});
}

// Puts the ports that the kernel chose in the place of zeros.
void HttpServer::Engine::ReadPorts() {
  std::vector<mg_server_port> ports(addresses_.size());
  const int count = mg_get_server_ports(context_, static_cast<int>(ports.size()), ports.data());
  assert(count == static_cast<int>(ports.size()) && "civetweb listens on all addresses or on none");
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    addresses_[i].port = static_cast<std::uint16_t>(ports[i].port);
  }
}

// Answers one request and returns its status, which tells civetweb that nothing is left to do.
int HttpServer::Engine::Serve(mg_connection* connection, const mg_request_info& info) noexcept {
  Passage passage(*this);
  const std::string_view method = View(info.request_method);
  try {
    passage.status = Send(connection, router_.Answer(ReadHead(info), passage.route), method);
  } catch (const std::bad_alloc&) {
    passage.status = Send(connection, out_of_memory_, method);
  } catch (const std::exception& error) {
    Tell([&] { observer_.HandlerFailed(passage.route, error.what()); });
    passage.status = Send(connection, failed_, method);
  } catch (...) {
    Tell([&] { observer_.HandlerFailed(passage.route, "an exception of unknown type"); });
    passage.status = Send(connection, failed_, method);
  }
  return passage.status;
}

// Answers what civetweb could not read. Nothing of it is looked at: the fields may not be set.
void HttpServer::Engine::Refuse(mg_connection* connection, int status) noexcept {
  Passage passage(*this);
  try {
    passage.status = Send(connection, EngineRefusal(status), "GET");
  } catch (...) {
    passage.status = Send(connection, out_of_memory_, "GET");
  }
}

void HttpServer::Engine::Hear(std::string_view message) noexcept {
  Tell([&] {
    std::string line = EscapeForEcho(message, kMaxMessageBytes);
    {
      const std::lock_guard lock(messages_mutex_);
      if (starting_) return messages_.push_back(std::move(line));
    }
    observer_.EngineMessage(line);
  });
}

// Throws std::bad_alloc only before the first byte is written.
int HttpServer::Engine::Send(mg_connection* connection, const HttpResponse& response,
                             std::string_view method) {
  std::string head = RenderHead(response, std::time(nullptr));
  std::string_view body;
  if (response.body != nullptr && method != "HEAD") body = *response.body;
  if (body.size() <= kSmallBody) head.append(std::exchange(body, {}));
  const Deadline deadline = Clock::now() + write_deadline_;
  if (Write(connection, head, deadline)) Write(connection, body, deadline);
  return response.status;
}

int HttpServer::Engine::Send(mg_connection* connection, const PreparedAnswer& answer,
                             std::string_view method) noexcept {
  const Deadline deadline = Clock::now() + write_deadline_;
  if (Write(connection, answer.head, deadline) && method != "HEAD") {
    Write(connection, answer.body, deadline);
  }
  return answer.status;
}

// mg_stop() alone waits until every thread has waited out its client, up to request_timeout. So the
// threads are made idle first. The steps are short polls because civetweb wakes nobody.
void HttpServer::Engine::Stop() {
  if (context_ == nullptr) return;
  constexpr std::chrono::milliseconds kPoll(2), kCutDeadline(500);
  ShutDownListeners(addresses_);
  const Deadline drained = Clock::now() + drain_deadline_;
  while (in_flight_ > 0 && Clock::now() < drained) std::this_thread::sleep_for(kPoll);
  const Deadline cut = Clock::now() + kCutDeadline;
  while (ShutDownConnections(addresses_) > 0 && Clock::now() < cut) {
    std::this_thread::sleep_for(kPoll);
  }
  mg_stop(context_);
  context_ = nullptr;
}

HttpServer::HttpServer(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}

HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpServerOptions& options,
                                                      std::vector<Route> routes,
                                                      HttpObserver& observer) {
  if (options.listen.empty()) {
    return Error{ErrorCode::kInvalidInput, "http: there is no address to listen on"};
  }
  auto engine = std::make_unique<Engine>(options, std::move(routes), observer);
  const Result<void> started = engine->Start(options);
  if (!started.ok()) return started.error();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(engine)));
}

const std::vector<ListenAddress>& HttpServer::addresses() const { return engine_->addresses(); }

int HttpServer::in_flight() const { return engine_->in_flight(); }

}  // namespace lvs
