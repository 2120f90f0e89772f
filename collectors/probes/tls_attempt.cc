#include "collectors/probes/tls_attempt.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <utility>

#include "collectors/probes/certificate.h"

namespace lvs::probes {
namespace {

// Where an SSL keeps the pointer to its attempt. SSL_set_app_data() is Asio's own.
int AttemptIndex() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

}  // namespace

void TlsAttempt::Install(SSL_CTX* context) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, OnVerify);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, OnNewSession);
}

TlsAttempt* TlsAttempt::Of(const SSL* ssl) {
  return static_cast<TlsAttempt*>(SSL_get_ex_data(ssl, AttemptIndex()));
}

TlsAttempt::TlsAttempt(const TlsContext& context, TlsMemory* memory,
                       std::chrono::milliseconds full_every, Clock::time_point now)
    : context_(context), memory_(memory), now_(now) {
  if (memory != nullptr) offered_ = memory->At(now, full_every, context.native());
}

SSL* TlsAttempt::MakeConnection() {
  ssl_ = SSL_new(context_.native());
  if (ssl_ == nullptr) return nullptr;
  SSL_set_ex_data(ssl_, AttemptIndex(), this);
  SSL_set_connect_state(ssl_);
  if (!context_.sni().empty()) SSL_set_tlsext_host_name(ssl_, context_.sni().c_str());

  X509_VERIFY_PARAM* param = SSL_get0_param(ssl_);
  // What Debian compiles in, kept for certificates when old protocols lower the level.
  X509_VERIFY_PARAM_set_auth_level(param, 2);
  const std::string& name = context_.verify_name();
  if (IsAddress(name)) {
    X509_VERIFY_PARAM_set1_ip_asc(param, name.c_str());
  } else if (!name.empty()) {
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set1_host(param, name.data(), name.size());
  }
  if (offered_.has_value()) SSL_set_session(ssl_, offered_->session.get());
  return ssl_;
}

int TlsAttempt::OnVerify(int ok, X509_STORE_CTX* store) {
  if (ok == 1) return 1;
  const auto* ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  TlsAttempt* attempt = Of(ssl);
  if (attempt->verify_error_ != X509_V_OK) return 1;
  const int error = X509_STORE_CTX_get_error(store);
  attempt->verify_error_ = error;
  attempt->verify_detail_ = std::string(X509_verify_cert_error_string(error)) + ": " +
                            SubjectOf(X509_STORE_CTX_get_current_cert(store));
  return 1;
}

int TlsAttempt::OnNewSession(SSL* ssl, SSL_SESSION* session) {
  Of(ssl)->session_.reset(session, SSL_SESSION_free);
  return 1;  // the reference is ours now
}

TlsAttempt::Verdict TlsAttempt::Judge(std::chrono::system_clock::time_point now) {
  Verdict verdict;
  resumed_ = offered_.has_value() && SSL_session_reused(ssl_) == 1;
  if (resumed_) {
    verdict.facts = offered_->facts;
    verdict.reason = ReasonAt(*offered_->facts, now);
    if (verdict.reason != Reason::kNone) {
      auto facts = std::make_shared<CertificateFacts>(*offered_->facts);
      facts->verified = false;
      verdict.facts = std::move(facts);
      verdict.detail = "expired since the last full handshake";
    }
  } else {
    verdict.reason = ReasonOfVerifyError(verify_error_);
    verdict.detail = verify_detail_;
    verdict.facts = FactsOf(ssl_, verdict.reason == Reason::kNone);
  }
  if (verdict.facts != nullptr && verdict.facts->verified) verified_facts_ = verdict.facts;
  return verdict;
}

void TlsAttempt::ShutQuietly(SSL* ssl) {
  SSL_set_quiet_shutdown(ssl, 1);
  SSL_shutdown(ssl);
}

void TlsAttempt::Conclude(Outcome outcome) {
  if (memory_ == nullptr) return;
  if (outcome != Outcome::kSuccess || verified_facts_ == nullptr) return memory_->Forget();
  if (resumed_) return memory_->KeepResumed(session_);
  memory_->KeepFull(session_, verified_facts_, now_, context_.native());
}

}  // namespace lvs::probes
