// A probe made ready to run: patterns compiled, certificates and keys loaded. Files are read here
// and never while a run is on.
#pragma once

#include <memory>
#include <string>

#include "collectors/probes/probe.h"
#include "collectors/result.h"

namespace lvs::probes {

class TlsContext;    // tls_context.h
class HttpPatterns;  // http_patterns.h

// Immutable once made; runs and the configuration share it.
class PreparedProbe {
 public:
  // Errors (kInvalidInput): a pattern that RE2 rejects, a file that cannot be read or used. The
  // message is "KEY: sentence", where KEY is the key inside the probe, such as "tls.ca_file".
  static Result<std::shared_ptr<const PreparedProbe>> Prepare(Probe probe);

  const Probe& probe() const { return probe_; }
  const TlsContext* tls() const { return tls_.get(); }          // null without TLS
  const HttpPatterns* http() const { return patterns_.get(); }  // null without HTTP

 private:
  explicit PreparedProbe(Probe probe) : probe_(std::move(probe)) {}

  const Probe probe_;
  std::shared_ptr<const TlsContext> tls_;
  std::shared_ptr<const HttpPatterns> patterns_;
};

}  // namespace lvs::probes
