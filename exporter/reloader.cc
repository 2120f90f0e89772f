#include "exporter/reloader.h"

#include <memory>

namespace lvs {

void Reloader::Publish(const Configuration& configuration) {
  published_.director.Set(std::make_shared<const director::Configuration>(configuration.director));
  published_.audit.Set(std::make_shared<const audit::Configuration>(configuration.audit));
  published_.realserver.Set(
      std::make_shared<const realserver::Configuration>(configuration.realserver));
  published_.checker.Set(std::make_shared<const checker::Configuration>(configuration.checker));
  own_metrics_.ConfigurationRead(true);
  for (const std::string& note : configuration.notes) log_.Warn("configuration", {{"note", note}});
}

Result<void> Reloader::Reload() {
  const std::scoped_lock lock(mutex_);
  if (path_.empty()) {
    log_.Info("nothing to reload: there is no --config.file");
    return {};
  }
  const Result<Configuration> read = ReadConfiguration(path_);
  if (!read.ok()) {
    own_metrics_.ConfigurationRead(false);
    log_.Error("configuration refused; the one before goes on", {{"err", read.error().message}});
    return read.error();
  }
  Publish(read.value());
  log_.Info("configuration reloaded", {{"file", path_}});
  return {};
}

}  // namespace lvs
