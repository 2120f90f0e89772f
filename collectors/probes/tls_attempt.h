// One TLS connection of a probe: how it is set up, and what its handshake proved.
#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "collectors/clock.h"
#include "collectors/probes/reason.h"
#include "collectors/probes/run.h"
#include "collectors/probes/tls_context.h"
#include "collectors/probes/tls_memory.h"

namespace lvs::probes {

// Verification never ends a handshake here: the callback keeps the first error and says yes, so
// that facts exist for a bad certificate too, and Judge() decides afterwards. Lives at least as
// long as the SSL it was given. One run, one thread.
class TlsAttempt {
 public:
  // Sets the callbacks of a context that attempts will be made with.
  static void Install(SSL_CTX* context);

  // memory may be null: nothing is resumed or kept. All must outlive it.
  TlsAttempt(const TlsContext& context, TlsMemory* memory, std::chrono::milliseconds full_every,
             Clock::time_point now);
  TlsAttempt(const TlsAttempt&) = delete;
  TlsAttempt& operator=(const TlsAttempt&) = delete;

  // A client connection that has SNI, verification and the session to resume set; null without
  // memory. The caller owns it (SSL_free).
  SSL* MakeConnection();

  struct Verdict {
    Reason reason = Reason::kNone;  // also of a failure that verify: false does not mind
    std::string detail;
    // Null when no certificate came.
    std::shared_ptr<const CertificateFacts> facts;
  };
  // After the handshake of the connection, whether it completed or failed.
  Verdict Judge(std::chrono::system_clock::time_point now);

  // Before the connection is closed: its session stays usable although no close_notify is sent
  // (SSL_free() would spoil the session of a connection that was not shut down).
  static void ShutQuietly(SSL* ssl);

  // At the end of the run: gives what a success has earned to the memory, or makes it forget. A
  // failed verification earns nothing, verify: false or not.
  void Conclude(Outcome outcome);

 private:
  static int OnVerify(int ok, X509_STORE_CTX* store);
  static int OnNewSession(SSL* ssl, SSL_SESSION* session);
  static TlsAttempt* Of(const SSL* ssl);

  const TlsContext& context_;
  TlsMemory* const memory_;
  const Clock::time_point now_;
  std::optional<TlsMemory::Resumable> offered_;

  SSL* ssl_ = nullptr;  // the caller's
  int verify_error_ = 0;
  std::string verify_detail_;
  SslSession session_;  // the newest one of this connection
  bool resumed_ = false;
  std::shared_ptr<const CertificateFacts> verified_facts_;  // null: nothing to keep
};

}  // namespace lvs::probes
