#include "collectors/probes/tls_memory.h"

#include <utility>

namespace lvs::probes {

std::optional<TlsMemory::Resumable> TlsMemory::At(Clock::time_point now,
                                                  std::chrono::milliseconds full_every,
                                                  SSL_CTX* context) const {
  if (!kept_.has_value() || kept_->context.get() != context) return std::nullopt;
  if (now - kept_->full_at >= full_every) return std::nullopt;
  return kept_->resumable;
}

void TlsMemory::KeepFull(SslSession session, std::shared_ptr<const CertificateFacts> facts,
                         Clock::time_point now, SSL_CTX* context) {
  Forget();
  if (session == nullptr) return;
  SSL_CTX_up_ref(context);
  kept_ = Kept{.resumable = {std::move(session), std::move(facts)},
               .full_at = now,
               .context = {context, SSL_CTX_free}};
}

void TlsMemory::KeepResumed(SslSession session) {
  if (kept_.has_value() && session != nullptr) kept_->resumable.session = std::move(session);
}

std::shared_ptr<TlsMemory> MakeTlsMemory() { return std::make_shared<TlsMemory>(); }

}  // namespace lvs::probes
