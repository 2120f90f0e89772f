// The program: reads its flags, starts every thread there is, and waits to be told to stop.

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "collectors/all.h"
#include "exporter/build_info.h"
#include "exporter/event_log.h"
#include "exporter/http/http_server.h"
#include "exporter/log.h"
#include "exporter/options.h"
#include "exporter/own_metrics.h"
#include "exporter/pages.h"
#include "exporter/reloader.h"
#include "exporter/scraper.h"

namespace lvs {
namespace {

// Connections that are slow to send their request must not take the threads of scrapes.
constexpr unsigned kThreadsBesideScrapes = 24;

// How long the end waits for a collector.
constexpr std::chrono::milliseconds kPatience{400};

// Turns what the server does into metrics and log lines.
class ServerWatch : public HttpObserver {
 public:
  ServerWatch(OwnMetrics& metrics, Log& log) : metrics_(metrics), log_(log) {}

  void RequestStarted() override { metrics_.RequestStarted(); }
  void RequestFinished(std::string_view route, int status) override {
    metrics_.RequestFinished(route, status);
  }
  void HandlerFailed(std::string_view route, std::string_view reason) override {
    log_.Error("request failed", {{"route", std::string(route)}, {"err", std::string(reason)}});
  }
  void EngineMessage(std::string_view line) override {
    log_.Debug("http server", {{"detail", std::string(line)}});
  }

 private:
  OwnMetrics& metrics_;
  Log& log_;
};

// Blocked before any thread starts, so that only main receives them.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

int WaitForEnd(const sigset_t& signals, Reloader& reloader) {
  while (true) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    if (signal != SIGHUP) return signal;
    // The log and a metric say how it went.
    static_cast<void>(reloader.Reload());
  }
}

// Probes hold a socket each while they run: take what the system allows.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// A descriptor of 0 to 2 that is closed would be given to the next socket, and what is written to
// standard error would go there.
void FillStandardDescriptors() {
  for (int fd = open("/dev/null", O_RDWR); fd >= 0; fd = open("/dev/null", O_RDWR)) {
    if (fd <= STDERR_FILENO) continue;
    close(fd);
    return;
  }
}

int Run(const Options& options) {
  const sigset_t signals = BlockSignals();
  RaiseDescriptorLimit();
  Log log(options.log_level, options.log_format,
          std::make_shared<DescriptorSink>(STDERR_FILENO));  // thread: log writer
  const BuildInfo build = ThisBuild();
  OwnMetrics own_metrics(build);
  Exchange exchange;
  exchange.on_event = [&log](const checker::Event& event) { LogEvent(log, event); };
  exchange.on_note = [&log](const std::string& note) { log.Warn("not checked", {{"note", note}}); };
  Reloader reloader(options.config_file, exchange.configuration, own_metrics, log);
  reloader.Publish(options.configuration);

  CollectorSettings settings = options.settings;
  const auto is_on = [&options](std::string_view name) {
    return std::ranges::find(options.collectors, name, &CollectorEntry::name) !=
           options.collectors.end();
  };
  settings.has_director = is_on("director");
  settings.ipvs.keep_fresh =
      settings.has_director || is_on("checker") || is_on("connections") || is_on("audit");
  std::vector<std::unique_ptr<Collector>> collectors;
  for (const CollectorEntry* entry : options.collectors) {
    collectors.push_back(
        entry->make(settings, exchange));  // threads: the checker's loop, the scanner, the auditor
  }
  Scraper scraper(std::move(collectors), own_metrics, log);  // threads: one for each collector

  ServerWatch watch(own_metrics, log);
  HttpServerOptions http;
  http.listen = options.listen_addresses;
  http.max_requests = options.max_requests;
  http.threads = std::max(http.threads, options.max_requests + kThreadsBesideScrapes);
  auto server = HttpServer::Start(  // threads: civetweb's
      http,
      MakeRoutes({scraper, exchange, reloader, options.telemetry_path, options.enable_lifecycle}),
      watch);
  if (!server.ok()) {
    log.Error("cannot serve", {{"err", server.error().message}});
    return 1;
  }
  log.Info("started", {{"version", build.version}, {"revision", build.revision}});
  for (const ListenAddress& address : server.value()->addresses()) {
    log.Info("listening", {{"address", ToString(address)}});
  }
  // So that trouble is in the log before the first scrape; others live on what they publish.
  for (const char* const collector : {"ipvs", "director"}) scraper.StartReading(collector);

  const int signal = WaitForEnd(signals, reloader);
  log.Info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
  scraper.Stop();  // the server waits for running requests: let them go
  server.value().reset();
  if (!scraper.WaitUntilStopped(Clock::now() + kPatience)) {
    // Something in the kernel does not let go of a thread; it must not keep the process.
    log.Warn("a collector is stuck in the kernel; ending without it");
    log.Flush();
    std::_Exit(0);
  }
  return 0;
}

}  // namespace
}  // namespace lvs

int main(int argc, char** argv) {
  lvs::FillStandardDescriptors();
  mallopt(M_ARENA_MAX, 2);  // threads that mostly sleep need no heaps of their own
  const auto parsed = lvs::ParseOptions({argv + 1, argv + argc});
  if (const auto* exit = std::get_if<lvs::Exit>(&parsed)) {
    std::fputs(exit->error.c_str(), stderr);
    const bool written = std::fputs(exit->output.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
    return written ? exit->status : 1;
  }
  try {
    return lvs::Run(std::get<lvs::Options>(parsed));
  } catch (const std::exception& e) {  // no memory, or no thread could be started
    std::fprintf(stderr, "ipvs_exporter: cannot start: %s\n", e.what());
    return 1;
  }
}
