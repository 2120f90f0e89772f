// Reads the configuration file again while the program runs.
#pragma once

#include <mutex>
#include <string>

#include "collectors/all.h"
#include "collectors/result.h"
#include "exporter/configuration/configuration.h"
#include "exporter/log.h"
#include "exporter/own_metrics.h"

namespace lvs {

// Owned by main. Any thread may call; calls wait for each other.
class Reloader {
 public:
  // path: of --config.file, empty for none. All references must outlive this.
  Reloader(std::string path, Configurations& published, OwnMetrics& own_metrics, Log& log)
      : path_(std::move(path)), published_(published), own_metrics_(own_metrics), log_(log) {}

  // Makes what was read at the start the configuration that holds.
  void Publish(const Configuration& configuration);

  // Reads the file and publishes it, all of it or nothing: when it is refused the configuration
  // before goes on, and the error says why, here and in the log. Without a file there is nothing
  // to do.
  Result<void> Reload();

 private:
  const std::string path_;
  Configurations& published_;
  OwnMetrics& own_metrics_;
  Log& log_;
  std::mutex mutex_;
};

}  // namespace lvs
