#include "collectors/probes/certificate.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <optional>

namespace lvs::probes {
namespace {

std::string TextOf(const X509_NAME* name) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253);
  const char* data = nullptr;
  const long length = BIO_get_mem_data(out.get(), &data);
  return data == nullptr ? "" : std::string(data, static_cast<std::size_t>(length));
}

std::optional<std::chrono::sys_seconds> NotAfter(const X509* certificate) {
  std::tm calendar{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &calendar) != 1) return std::nullopt;
  return std::chrono::sys_seconds(std::chrono::seconds(timegm(&calendar)));
}

}  // namespace

std::shared_ptr<const CertificateFacts> FactsOf(const SSL* ssl, bool verification_passed) {
  const X509* leaf = SSL_get0_peer_certificate(ssl);
  if (leaf == nullptr) return nullptr;
  const auto leaf_not_after = NotAfter(leaf);
  if (!leaf_not_after.has_value()) return nullptr;

  auto facts = std::make_shared<CertificateFacts>();
  facts->leaf_not_after = *leaf_not_after;
  facts->chain_earliest_not_after = *leaf_not_after;
  const STACK_OF(X509)* chain = SSL_get0_verified_chain(ssl);
  if (chain == nullptr) chain = SSL_get_peer_cert_chain(ssl);
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    facts->chain_earliest_not_after =
        std::min(facts->chain_earliest_not_after,
                 NotAfter(sk_X509_value(chain, i)).value_or(facts->chain_earliest_not_after));
  }
  X509_digest(leaf, EVP_sha256(), facts->leaf_sha256.data(), nullptr);
  facts->issuer = Printable(TextOf(X509_get_issuer_name(leaf)));
  facts->version = SSL_get_version(ssl);
  facts->complete = SSL_is_init_finished(ssl) == 1;
  facts->verified = verification_passed && facts->complete;
  return facts;
}

std::string SubjectOf(const X509* certificate) {
  return certificate == nullptr ? "" : TextOf(X509_get_subject_name(certificate));
}

Reason ReasonOfVerifyError(int code) {
  switch (code) {
    case X509_V_OK:
      return Reason::kNone;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return Reason::kTlsCertExpired;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return Reason::kTlsCertNotYetValid;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return Reason::kTlsNameMismatch;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
      return Reason::kTlsCertWeak;
    case X509_V_ERR_OUT_OF_MEM:
      return Reason::kLocalNoMemory;
    default:
      return Reason::kTlsCertUntrusted;
  }
}

Reason ReasonAt(const CertificateFacts& facts, std::chrono::system_clock::time_point now) {
  return facts.chain_earliest_not_after < now ? Reason::kTlsCertExpired : Reason::kNone;
}

}  // namespace lvs::probes
