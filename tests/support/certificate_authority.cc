#include "tests/support/certificate_authority.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <stdexcept>

namespace lvs::fake {
namespace {

using Key = std::shared_ptr<EVP_PKEY>;
using Cert = std::shared_ptr<X509>;

Key MakeKey(unsigned rsa_bits) {
  EVP_PKEY* key = rsa_bits > 0 ? EVP_RSA_gen(rsa_bits) : EVP_EC_gen("P-256");
  if (key == nullptr) throw std::runtime_error("cannot make a key");
  return {key, EVP_PKEY_free};
}

void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) throw std::runtime_error("cannot make an extension: " + value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Cert MakeCertificate(const std::string& common_name, EVP_PKEY* key, long serial, std::time_t from,
                     std::time_t until) {
  Cert certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), from);
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), until);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  return certificate;
}

std::string PemOf(X509* certificate) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_X509(out.get(), certificate);
  char* data = nullptr;
  const long length = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(length)};
}

std::string PemOf(EVP_PKEY* key) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long length = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(length)};
}

bool IsAddressText(const std::string& text) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

}  // namespace

CertificateAuthority::CertificateAuthority(std::chrono::seconds until) : key_(MakeKey(0)) {
  const std::time_t now = std::time(nullptr);
  certificate_ =
      MakeCertificate("Test Authority", key_.get(), 1, now - 86'400, now + until.count());
  X509* own = certificate_.get();
  X509_set_issuer_name(own, X509_get_subject_name(own));
  AddExtension(own, own, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
  AddExtension(own, own, NID_subject_key_identifier, "hash");
  X509_sign(own, key_.get(), EVP_sha256());
  folder_.Write("ca.pem", PemOf(own));
}

Identity CertificateAuthority::Issue(const Certificate& certificate) {
  const std::time_t now = std::time(nullptr);
  const std::time_t until = now + certificate.until_.count();
  const Key key = MakeKey(certificate.rsa_bits_);
  const Cert leaf = MakeCertificate(certificate.name_, key.get(), next_serial_++,
                                    now + certificate.from_.count(), until);
  X509_set_issuer_name(leaf.get(), X509_get_subject_name(certificate_.get()));
  const bool is_address = IsAddressText(certificate.name_);
  AddExtension(leaf.get(), certificate_.get(), NID_subject_alt_name,
               (is_address ? "IP:" : "DNS:") + certificate.name_);
  AddExtension(leaf.get(), certificate_.get(), NID_authority_key_identifier, "keyid");
  X509_sign(leaf.get(), key_.get(), certificate.sha1_ ? EVP_sha1() : EVP_sha256());
  return {.certificate = leaf,
          .key = key,
          .not_after = std::chrono::sys_seconds(std::chrono::seconds(until))};
}

std::string CertificateAuthority::CertificateFile(const Identity& identity) {
  folder_.Write("certificate.pem", PemOf(identity.certificate.get()));
  return folder_.root() + "/certificate.pem";
}

std::string CertificateAuthority::KeyFile(const Identity& identity) {
  folder_.Write("key.pem", PemOf(identity.key.get()));
  return folder_.root() + "/key.pem";
}

}  // namespace lvs::fake
