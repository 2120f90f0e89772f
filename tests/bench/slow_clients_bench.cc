// What slow clients do to a scrape and to stopping, with this program's HTTP server and with
// prometheus-cpp's Exposer on the same machine in one run. Prints Markdown tables.
//   slow_clients_bench            everything, about two and a half minutes
//   slow_clients_bench server     only our server, about one and a half minutes
// All traffic stays on 127.0.0.1. Numbers are wall time of one run: compare them, do not assert
// them.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <prometheus/exposer.h>
#include <prometheus/registry.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "collectors/clock.h"
#include "exporter/http/http_server.h"

namespace {

using lvs::Clock;
using Seconds = std::chrono::duration<double>;

constexpr std::chrono::seconds kPatience(40);  // of a scrape; longer counts as an outage
constexpr std::size_t kLargePage = 24 << 20;

class Socket {
 public:
  explicit Socket(int flags = 0) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0)) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int fd() const { return fd_; }

  bool Connect(std::uint16_t port) {
    sockaddr_in server{};
    server.sin_family = AF_INET;
    server.sin_port = htons(port);
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect(fd_, reinterpret_cast<const sockaddr*>(&server), sizeof(server)) == 0;
  }

  bool Send(std::string_view bytes) {
    return send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }

  std::size_t Receive(char* buffer, std::size_t size) {
    const ssize_t received = recv(fd_, buffer, size, 0);
    return received > 0 ? static_cast<std::size_t>(received) : 0;
  }

 private:
  int fd_;
};

double Measure(const std::function<void()>& work) {
  const Clock::time_point start = Clock::now();
  work();
  return Seconds(Clock::now() - start).count();
}

std::string Format(double seconds) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f s", seconds);
  return text.data();
}

// Clients that send half a head and wait. Connecting does not wait: beyond the backlog the kernel
// lets them in when there is room, as it would an attacker.
std::vector<Socket> HalfOpen(std::uint16_t port, int count) {
  std::vector<Socket> clients;
  for (int i = 0; i < count; ++i) clients.emplace_back(SOCK_NONBLOCK).Connect(port);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  for (Socket& client : clients) client.Send("GET /metrics HTTP/1.1\r\nHost: local");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  return clients;
}

// One scrape from connecting to the last byte, as a sentence.
std::string Scrape(std::uint16_t port) {
  std::string head;
  const double seconds = Measure([&] {
    Socket client;
    const timeval wait{.tv_sec = kPatience.count(), .tv_usec = 0};
    setsockopt(client.fd(), SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    setsockopt(client.fd(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    if (!client.Connect(port)) return;
    client.Send("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    std::array<char, 65536> buffer{};
    while (const std::size_t received = client.Receive(buffer.data(), buffer.size())) {
      head.append(buffer.data(), std::min<std::size_t>(received, 100));
    }
  });
  if (head.starts_with("HTTP/1.1 200")) return Format(seconds);
  return "no answer in " + Format(seconds);
}

// Tells when the last of count requests is finished.
class Finisher : public lvs::HttpObserver {
 public:
  void RequestFinished(std::string_view, int) override {
    const std::lock_guard lock(mutex_);
    ++finished_;
    changed_.notify_all();
  }
  void WaitFor(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kPatience, [&] { return finished_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int finished_ = 0;
};

struct Server {
  explicit Server(std::size_t page_bytes) {
    const auto page = std::make_shared<const std::string>(page_bytes, '#');
    const auto handler = [page](const lvs::HttpRequest&) {
      return lvs::HttpResponse{.content_type = "text/plain", .headers = {}, .body = page};
    };
    auto started = lvs::HttpServer::Start({.listen = {{.address = "127.0.0.1", .port = 0}}},
                                          {{.path = "/metrics", .handler = handler}}, finisher);
    if (!started.ok()) {
      std::fprintf(stderr, "%s\n", started.error().message.c_str());
      std::exit(1);
    }
    server = std::move(started.value());
    port = server->addresses().at(0).port;
  }

  Finisher finisher;
  std::unique_ptr<lvs::HttpServer> server;
  std::uint16_t port = 0;
};

struct Exposer {
  Exposer() : registry(std::make_shared<prometheus::Registry>()), exposer("127.0.0.1:0") {
    exposer.RegisterCollectable(registry);
    port = static_cast<std::uint16_t>(exposer.GetListeningPorts().at(0));
  }

  std::shared_ptr<prometheus::Registry> registry;
  prometheus::Exposer exposer;
  std::uint16_t port = 0;
};

template <class Peer>
void ScrapeRow(const char* name, std::unique_ptr<Peer> peer, int clients) {
  const std::vector<Socket> held = HalfOpen(peer->port, clients);
  std::printf("| %s | %d | %s |\n", name, clients, Scrape(peer->port).c_str());
  std::fflush(stdout);
}

template <class Peer>
void StopRow(const char* name, std::unique_ptr<Peer> peer, int clients) {
  const std::vector<Socket> held = HalfOpen(peer->port, clients);
  const double seconds = Measure([&] { peer.reset(); });
  std::printf("| %s | %d half-open heads | %s |\n", name, clients, Format(seconds).c_str());
  std::fflush(stdout);
}

constexpr std::string_view kRequest = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

void StopWithStalledReaders() {
  auto server = std::make_unique<Server>(kLargePage);
  std::vector<Socket> readers(4);
  for (Socket& reader : readers) {
    reader.Connect(server->port);
    reader.Send(kRequest);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const double seconds = Measure([&] { server.reset(); });
  std::printf("| ours | 4 readers of a 24 MiB page that read nothing | %s |\n",
              Format(seconds).c_str());
}

void StalledReadersRow() {
  Server server(kLargePage);
  std::vector<Socket> readers(4);
  const double seconds = Measure([&] {
    for (Socket& reader : readers) {
      reader.Connect(server.port);
      reader.Send(kRequest);
    }
    server.finisher.WaitFor(4);
  });
  std::printf("| 4 that read nothing | all threads free after %s |\n", Format(seconds).c_str());
}

void PacedReaderRow(const char* name, std::size_t bytes_per_second) {
  Server server(kLargePage);
  std::size_t total = 0;
  const double seconds = Measure([&] {
    Socket reader;
    reader.Connect(server.port);
    reader.Send(kRequest);
    std::vector<char> buffer(bytes_per_second / 20);
    Clock::time_point next = Clock::now();
    while (const std::size_t received = reader.Receive(buffer.data(), buffer.size())) {
      total += received;
      next += std::chrono::nanoseconds(received * 1'000'000'000 / bytes_per_second);
      std::this_thread::sleep_until(next);
    }
  });
  std::printf("| %s | %.1f of 24.0 MiB, closed after %s |\n", name,
              static_cast<double>(total) / (1 << 20), Format(seconds).c_str());
  std::fflush(stdout);
}

void AllowManyDescriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  const bool with_exposer = argc < 2 || std::strcmp(argv[1], "server") != 0;
  AllowManyDescriptors();
  const char* ours = "ours: 64 threads, 2 s, backlog 64";
  const char* theirs = "prometheus-cpp Exposer: 2 threads, 30 s";

  std::printf("| server | clients that send half a head | a scrape meanwhile |\n|---|---|---|\n");
  for (const int clients : {0, 63, 150, 250, 500}) {
    ScrapeRow(ours, std::make_unique<Server>(1000), clients);
  }
  for (const int clients : {0, 2, 63}) {
    if (with_exposer) ScrapeRow(theirs, std::make_unique<Exposer>(), clients);
  }

  std::printf("\n| readers of a 24 MiB page | ours |\n|---|---|\n");
  StalledReadersRow();
  PacedReaderRow("2 MB/s", 2'000'000);
  PacedReaderRow("100 kB/s", 100'000);

  std::printf("\n| stopping | with | takes |\n|---|---|---|\n");
  for (const int clients : {0, 8, 63, 150, 500}) {
    StopRow("ours", std::make_unique<Server>(1000), clients);
  }
  StopWithStalledReaders();
  for (const int clients : {0, 2, 8}) {
    if (with_exposer) StopRow("Exposer", std::make_unique<Exposer>(), clients);
  }
  return 0;
}
