#include "collectors/probes/prepared.h"

#include <utility>

#include "collectors/probes/http_patterns.h"
#include "collectors/probes/tls_context.h"

namespace lvs::probes {

Result<std::shared_ptr<const PreparedProbe>> PreparedProbe::Prepare(Probe probe) {
  const std::shared_ptr<PreparedProbe> prepared(new PreparedProbe(std::move(probe)));
  const Probe& kept = prepared->probe();
  if (HasTls(kept.type)) {
    auto tls = TlsContext::Make(kept.tls, kept.http.host);
    if (!tls.ok()) return tls.error();
    prepared->tls_ = std::move(tls.value());
  }
  if (HasHttp(kept.type)) {
    auto patterns = HttpPatterns::Compile(kept.http);
    if (!patterns.ok()) return patterns.error();
    prepared->patterns_ = std::move(patterns.value());
  }
  return std::shared_ptr<const PreparedProbe>(prepared);
}

}  // namespace lvs::probes
