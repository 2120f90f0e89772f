// What probing costs: the checker's engine with many real targets on loopback, answered by nginx in
// another process. Prints, for each scenario, processor time for a run, the share of one core, how
// late runs started, memory, and what was lost or changed.
//
//     checker_bench [SECONDS of each scenario, 30 [NAME]]
//
// With a name only the scenarios that contain it run, in this very process, for profilers.
//
// Needs nginx and openssl, and about 20,000 file descriptors.

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "collectors/checker/engine.h"
#include "collectors/descriptor.h"
#include "tests/support/checker_world.h"

namespace lvs {
namespace {

using namespace std::chrono_literals;
using probes::Outcome;
using probes::ProbeType;

constexpr std::uint16_t kHttpPort = 28'080;
constexpr std::uint16_t kHttpsPort = 28'443;

// nginx on every loopback address, in a folder of its own, until the object ends.
class Nginx {
 public:
  Nginx() {
    std::filesystem::create_directories(folder_);
    const std::string make_certificate =
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=bench.test -addext "
        "subjectAltName=DNS:bench.test -keyout " +
        folder_ + "/key.pem -out " + certificate() + " 2>/dev/null";
    if (std::system(make_certificate.c_str()) != 0) std::abort();
    std::ofstream(folder_ + "/nginx.conf")
        << "daemon off; master_process off; error_log stderr crit; pid " << folder_
        << "/pid; worker_rlimit_nofile 60000;\n"
           "events {worker_connections 30000;}\n"
           "http {access_log off; keepalive_timeout 0;\n"
           " ssl_certificate "
        << certificate() << "; ssl_certificate_key " << folder_
        << "/key.pem; ssl_session_cache shared:s:20m;\n"
           " server {listen 0.0.0.0:"
        << kHttpPort << " backlog=4096; listen 0.0.0.0:" << kHttpsPort
        << " ssl backlog=4096; location / {return 200 \"works\";}}}\n";
    process_ = fork();
    if (process_ == 0) {
      execlp("nginx", "nginx", "-e", "stderr", "-p", folder_.c_str(), "-c",
             (folder_ + "/nginx.conf").c_str(), nullptr);
      _exit(127);
    }
    std::this_thread::sleep_for(1s);
  }
  ~Nginx() {
    kill(process_, SIGTERM);
    waitpid(process_, nullptr, 0);
    std::filesystem::remove_all(folder_);
  }
  Nginx(const Nginx&) = delete;
  Nginx& operator=(const Nginx&) = delete;

  std::string certificate() const { return folder_ + "/cert.pem"; }

 private:
  const std::string folder_ =
      std::filesystem::temp_directory_path() / ("checker_bench." + std::to_string(getpid()));
  pid_t process_ = 0;
};

// A listener that never accepts and whose queue is full: the kernel drops every further SYN.
class BlackHole {
 public:
  BlackHole() : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    listen(listener_.get(), 0);
    socklen_t size = sizeof address;
    getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (Descriptor& filler : fillers_) {
      filler = Descriptor(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      connect(filler.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
  }
  std::uint16_t port() const { return port_; }

 private:
  Descriptor listener_;
  std::array<Descriptor, 4> fillers_;
  std::uint16_t port_ = 0;
};

struct Scenario {
  const char* name;
  ProbeType type;
  int targets;
  std::chrono::milliseconds interval;
  std::uint16_t port;
  std::string ca_file;
};

std::shared_ptr<const checker::Configuration> ConfigurationOf(const Scenario& scenario) {
  probes::Probe probe;
  probe.name = "tcp";
  probe.type = scenario.type;
  probe.interval = probe.down_interval = scenario.interval;
  probe.fast_interval = std::min<std::chrono::milliseconds>(1s, scenario.interval);
  probe.timeout = probe.connect_timeout =
      std::min<std::chrono::milliseconds>(2s, scenario.interval);
  probe.stale_after = 3 * probe.interval + probe.timeout;
  probe.close =
      scenario.type == ProbeType::kTcp ? probes::CloseMode::kRst : probes::CloseMode::kFin;
  probe.http.host = "bench.test";
  probe.tls.ca_file = scenario.ca_file;
  auto configuration = std::make_shared<checker::Configuration>(checker::Configuration::Default());
  configuration->default_tcp = fake::Prepared(probe);
  configuration->arp_leak_interval = 0ms;
  return configuration;
}

// Services of 20 backends, each with an address of its own.
fake::KernelTable TableOf(const Scenario& scenario) {
  fake::KernelTable table;
  for (int i = 0; i < scenario.targets; ++i) {
    if (i % 20 == 0) {
      table.Service(fake::Tcp(
          "10." + std::to_string(i / 20 / 250) + "." + std::to_string(i / 20 % 250) + ".1", 80));
    }
    table.Backend("127." + std::to_string(1 + i / 62500) + "." + std::to_string(i / 250 % 250) +
                      "." + std::to_string(1 + i % 250),
                  scenario.port);
  }
  return table;
}

double ProcessorSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double ResidentMegabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::atof(line.c_str() + 6) / 1024;
  }
  return 0;
}

// The bound below which the share of all starts lies, in milliseconds.
double Quantile(const checker::LoopFacts& facts, double share) {
  std::uint64_t total = 0;
  for (const std::uint64_t count : facts.start_delay.counts) total += count;
  double below = 0;
  for (std::size_t i = 0; i < checker::kDelayBounds.size(); ++i) {
    below += static_cast<double>(facts.start_delay.counts[i]);
    if (below >= share * static_cast<double>(total)) return checker::kDelayBounds[i] * 1000;
  }
  return 1e9;
}

checker::LoopFacts Minus(checker::LoopFacts after, const checker::LoopFacts& before) {
  for (std::size_t i = 0; i < after.start_delay.counts.size(); ++i) {
    after.start_delay.counts[i] -= before.start_delay.counts[i];
  }
  after.skipped_late -= before.skipped_late;
  after.skipped_throttled -= before.skipped_throttled;
  return after;
}

struct Sums {
  std::uint64_t success = 0;
  std::uint64_t failure = 0;
  std::uint64_t inconclusive = 0;
  std::uint64_t transitions = 0;
  std::uint64_t down = 0;
};

Sums SumsOf(const checker::Snapshot& snapshot) {
  Sums sums;
  for (const auto& state : snapshot.targets) {
    sums.success += state->results[static_cast<std::size_t>(Outcome::kSuccess)];
    sums.failure += state->results[static_cast<std::size_t>(Outcome::kFailure)];
    sums.inconclusive += state->results[static_cast<std::size_t>(Outcome::kInconclusive)];
  }
  for (const checker::BackendHealth& health : snapshot.backends) {
    sums.transitions += health.transitions_up + health.transitions_down;
    sums.down += health.verdict == checker::Verdict::kDown;
  }
  return sums;
}

// One scenario, in this process. The first interval, in which everything is new, does not count.
void Measure(const Scenario& scenario, std::chrono::seconds time) {
  Published<checker::Configuration> configuration;
  Published<ipvs::LatestReading> table;
  Published<checker::Snapshot> published;
  configuration.Set(ConfigurationOf(scenario));
  ipvs::LatestReading latest;
  latest.table = TableOf(scenario).Share();
  latest.current = true;
  table.Set(std::make_shared<const ipvs::LatestReading>(latest));
  checker::Engine engine({.table = table,
                          .configuration = configuration,
                          .on_event = {},
                          .on_note = {},
                          .make_runner = {},
                          .table_patience = std::chrono::hours(24)},
                         published);
  std::this_thread::sleep_for(2 * scenario.interval + 2s);
  const double processor_before = ProcessorSeconds();
  const auto before = published.Get();
  const auto begin = Clock::now();
  std::this_thread::sleep_for(time);
  const double processor = ProcessorSeconds() - processor_before;
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  const auto after = published.Get();
  const Sums a = SumsOf(*before);
  const Sums b = SumsOf(*after);
  const checker::LoopFacts facts = Minus(after->loop, before->loop);
  const auto runs = static_cast<double>(b.success + b.failure - a.success - a.failure);
  std::printf(
      "%-26s %7.0f runs/s  %5.1f us/run  %4.2f core  start delay p50<%.2g p99<%.3g ms  %5.1f MB\n"
      "%26s failed %lu, inconclusive %lu, skipped late %lu throttled %lu, transitions %lu, "
      "down %lu, in flight %lu\n",
      scenario.name, runs / seconds, processor / runs * 1e6, processor / seconds,
      Quantile(facts, 0.5), Quantile(facts, 0.99), ResidentMegabytes(), "", b.failure - a.failure,
      b.inconclusive - a.inconclusive, facts.skipped_late, facts.skipped_throttled,
      b.transitions - a.transitions, b.down, after->loop.in_flight);
  std::fflush(stdout);
}

// Each scenario has a process of its own, so that memory is its own, too.
void RunApart(const Scenario& scenario, std::chrono::seconds time) {
  const pid_t process = fork();
  if (process == 0) {
    Measure(scenario, time);
    _exit(0);
  }
  waitpid(process, nullptr, 0);
}

}  // namespace
}  // namespace lvs

int main(int argc, char** argv) {
  using lvs::ProbeType;
  using namespace std::chrono_literals;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const std::chrono::seconds time(argc > 1 ? std::atoi(argv[1]) : 30);
  const lvs::Nginx nginx;
  const lvs::BlackHole black_hole;
  const std::string ca = nginx.certificate();
  for (const lvs::Scenario& scenario : std::initializer_list<lvs::Scenario>{
           {"10,000 tcp every 5 s", ProbeType::kTcp, 10'000, 5s, lvs::kHttpPort, ""},
           {"10,000 http every 5 s", ProbeType::kHttp, 10'000, 5s, lvs::kHttpPort, ""},
           {"1,000 https every 10 s", ProbeType::kHttps, 1'000, 10s, lvs::kHttpsPort, ca},
           {"10,000 tcp, black hole", ProbeType::kTcp, 10'000, 5s, black_hole.port(), ""},
           {"10,000 http every 0.5 s", ProbeType::kHttp, 10'000, 500ms, lvs::kHttpPort, ""},
           {"100,000 tcp every 5 s", ProbeType::kTcp, 100'000, 5s, lvs::kHttpPort, ""},
       }) {
    if (argc <= 2) lvs::RunApart(scenario, time);
    if (argc > 2 && std::string(scenario.name).find(argv[2]) != std::string::npos) {
      lvs::Measure(scenario, time);
    }
  }
  return 0;
}
