// What all TLS connections of a probe share: trusted authorities, versions, a client certificate.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "collectors/probes/probe.h"
#include "collectors/result.h"

namespace lvs::probes {

// One SSL_CTX for each probe, since parsing a bundle of authorities costs about 26 ms. Verification
// is set up per connection (TlsAttempt). Immutable once made; any thread, as far as a connection
// made of it stays on one.
class TlsContext {
 public:
  // tls and the host of the same probe. Reads all files. The system's bundle is read once in the
  // life of the process and shared.
  // Errors (kInvalidInput): "KEY: sentence", where KEY is such as "tls.ca_file".
  static Result<std::shared_ptr<const TlsContext>> Make(const TlsOptions& tls,
                                                        const std::string& host);

  SSL_CTX* native() const { return context_.get(); }
  bool verify() const { return verify_; }
  // What the server is told; empty: nothing. Never an address (RFC 6066, section 3).
  const std::string& sni() const { return sni_; }
  // What the certificate must be for: a name or an address. Empty: chain and dates only.
  const std::string& verify_name() const { return verify_name_; }

 private:
  TlsContext() = default;

  std::shared_ptr<SSL_CTX> context_;
  bool verify_ = true;
  std::string sni_;
  std::string verify_name_;
};

// Whether text is an IPv4 or IPv6 address, without brackets.
bool IsAddress(const std::string& text);

}  // namespace lvs::probes
