// The program: reads its flags, starts every thread there is, and waits to be told to stop.

#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "collectors/all.h"
#include "exporter/build_info.h"
#include "exporter/http_server.h"
#include "exporter/log.h"
#include "exporter/options.h"
#include "exporter/own_metrics.h"
#include "exporter/pages.h"
#include "exporter/scraper.h"

namespace lvs {
namespace {

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

int WaitForSignal(const sigset_t& signals) {
  int signal = 0;
  while (sigwait(&signals, &signal) != 0 || signal == SIGHUP) {
  }
  return signal;
}

int Run(const Options& options) {
  const sigset_t signals = BlockSignals();
  Log log(options.log_level, options.log_format, StandardErrorSink());  // thread: log writer
  const BuildInfo build = ThisBuild();
  OwnMetrics own_metrics(build);
  Published<ipvs::LatestReading> latest;

  std::vector<std::unique_ptr<Collector>> collectors;
  for (const CollectorEntry* entry : options.collectors) {
    collectors.push_back(entry->make(options.settings, latest));
  }
  Scraper scraper(std::move(collectors), own_metrics, log);  // threads: one for each collector

  ServerWatch watch(own_metrics, log);
  HttpServerOptions http;
  http.listen = options.listen_addresses;
  http.max_requests = options.max_requests;
  auto server = HttpServer::Start(  // threads: civetweb's
      http, MakeRoutes({scraper, latest, options.telemetry_path}), watch);
  if (!server.ok()) {
    log.Error("cannot serve", {{"err", server.error().message}});
    return 1;
  }
  log.Info("started", {{"version", build.version}, {"revision", build.revision}});
  for (const ListenAddress& address : server.value()->addresses()) {
    log.Info("listening", {{"address", ToString(address)}});
  }
  // So that trouble is in the log before the first scrape.
  scraper.Refresh("ipvs", Clock::now() + std::chrono::seconds(2));

  const int signal = WaitForSignal(signals);
  log.Info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
  scraper.Stop();  // the server waits for running requests: let them go
  return 0;
}

}  // namespace
}  // namespace lvs

int main(int argc, char** argv) {
  const auto parsed = lvs::ParseOptions({argv + 1, argv + argc});
  if (const auto* exit = std::get_if<lvs::Exit>(&parsed)) {
    std::fputs(exit->output.c_str(), stdout);
    std::fputs(exit->error.c_str(), stderr);
    return exit->status;
  }
  return lvs::Run(std::get<lvs::Options>(parsed));
}
