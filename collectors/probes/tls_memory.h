// What a target keeps between its runs for TLS resumption.
#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <optional>

#include "collectors/clock.h"
#include "collectors/probes/run.h"

namespace lvs::probes {

using SslSession = std::shared_ptr<SSL_SESSION>;

// The last session and what the full handshake behind it said of the certificate, since a resumed
// handshake says nothing of it. Used by one run at a time, on the loop's thread.
class TlsMemory {
 public:
  struct Resumable {
    SslSession session;
    std::shared_ptr<const CertificateFacts> facts;
  };

  // What a connection of context may resume at now. Absent: a full handshake is due, because there
  // is no session, or the last full handshake is full_every ago or was made with another context.
  std::optional<Resumable> At(Clock::time_point now, std::chrono::milliseconds full_every,
                              SSL_CTX* context) const;

  // After a full handshake that verified. session may be null: then the next one is full as well.
  void KeepFull(SslSession session, std::shared_ptr<const CertificateFacts> facts,
                Clock::time_point now, SSL_CTX* context);
  // After a resumed one: the newer session of the same certificate. Null: stay with the old one.
  void KeepResumed(SslSession session);
  // After any failure: the next handshake is full.
  void Forget() { kept_.reset(); }

 private:
  struct Kept {
    Resumable resumable;
    Clock::time_point full_at;
    std::shared_ptr<SSL_CTX> context;  // held, so that no other can get its address
  };

  std::optional<Kept> kept_;
};

// Empty. For RunRequest::tls_memory, whose users need not know what is in it.
std::shared_ptr<TlsMemory> MakeTlsMemory();

}  // namespace lvs::probes
