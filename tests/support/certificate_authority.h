// A private certificate authority, and certificates of it with the faults a test asks for.
//
//     fake::CertificateAuthority authority;
//     const fake::Identity expired = authority.Issue(fake::Certificate("shop").ExpiresIn(-1h));
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "tests/support/fake_procfs.h"

namespace lvs::fake {

// A certificate in the making: P-256, valid from a day ago for 90 days, unless told otherwise.
class Certificate {
 public:
  // The one name it is for: a DNS name or an address.
  explicit Certificate(std::string_view name) : name_(name) {}
  // Both from now; negative: in the past.
  Certificate& ValidIn(std::chrono::seconds from) {
    from_ = from;
    return *this;
  }
  Certificate& ExpiresIn(std::chrono::seconds until) {
    until_ = until;
    return *this;
  }
  Certificate& RsaBits(unsigned bits) {
    rsa_bits_ = bits;
    return *this;
  }
  Certificate& SignedWithSha1() {
    sha1_ = true;
    return *this;
  }

 private:
  friend class CertificateAuthority;
  std::string name_;
  std::chrono::seconds from_ = -std::chrono::hours(24);
  std::chrono::seconds until_ = std::chrono::hours(24 * 90);
  unsigned rsa_bits_ = 0;  // 0: P-256
  bool sha1_ = false;
};

// A certificate with its key. Copies share both.
struct Identity {
  std::shared_ptr<X509> certificate;
  std::shared_ptr<EVP_PKEY> key;
  std::chrono::sys_seconds not_after;
};

// Has a key of its own: a second authority is unknown to whoever trusts the first.
class CertificateAuthority {
 public:
  // until: how long its own certificate is valid, from now.
  explicit CertificateAuthority(std::chrono::seconds until = std::chrono::hours(24 * 365));

  Identity Issue(const Certificate& certificate);

  // PEM files in a folder that goes with the authority.
  std::string file() const { return folder_.root() + "/ca.pem"; }
  std::string CertificateFile(const Identity& identity);
  std::string KeyFile(const Identity& identity);

 private:
  Procfs folder_;
  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> certificate_;
  long next_serial_ = 2;
};

}  // namespace lvs::fake
