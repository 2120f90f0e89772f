#include "collectors/probes/tls_context.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <cstdint>
#include <cstring>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/probes/tls_attempt.h"

namespace lvs::probes {
namespace {

constexpr const char* kSystemBundle = "/etc/ssl/certs/ca-certificates.crt";

using Store = std::shared_ptr<X509_STORE>;

// The sentence of the first error that OpenSSL has queued in this thread; empties the queue.
std::string TakeSslError() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (ERR_SYSTEM_ERROR(code)) return std::strerror(ERR_GET_REASON(code));
  const char* text = code == 0 ? nullptr : ERR_reason_error_string(code);
  return text == nullptr ? "not usable" : text;
}

Error Invalid(std::string_view key, const std::string& sentence) {
  return {ErrorCode::kInvalidInput, std::string(key) + ": " + sentence};
}

Result<Store> LoadStore(const std::string& path) {
  ERR_clear_error();
  Store store(X509_STORE_new(), X509_STORE_free);
  // One file and no folder: a folder would be read while a probe waits.
  if (X509_STORE_load_file(store.get(), path.c_str()) != 1) {
    return Invalid("tls.ca_file", "cannot load authorities from " + path + ": " + TakeSslError());
  }
  return store;
}

// Loaded by whoever asks first, kept until the process ends. A failure is not kept: the package may
// be installed before the next reload.
Result<Store> SystemStore() {
  static std::mutex mutex;
  static Store shared;
  const std::scoped_lock lock(mutex);
  if (shared != nullptr) return shared;
  auto loaded = LoadStore(kSystemBundle);
  if (loaded.ok()) shared = loaded.value();
  return loaded;
}

Result<Store> StoreFor(const TlsOptions& tls) {
  if (!tls.ca_file.empty()) return LoadStore(tls.ca_file);
  auto store = SystemStore();
  if (!store.ok() && !tls.verify) return Store(X509_STORE_new(), X509_STORE_free);
  return store;
}

int ProtocolOf(TlsOptions::Version version) {
  switch (version) {
    case TlsOptions::Version::k10:
      return TLS1_VERSION;
    case TlsOptions::Version::k11:
      return TLS1_1_VERSION;
    case TlsOptions::Version::k12:
      return TLS1_2_VERSION;
    case TlsOptions::Version::k13:
      break;
  }
  return TLS1_3_VERSION;
}

Result<void> SetAlpn(SSL_CTX* context, const std::vector<std::string>& protocols) {
  if (protocols.empty()) return {};
  std::vector<unsigned char> wire;  // RFC 7301: each with its length in front
  for (const std::string& protocol : protocols) {
    if (protocol.empty() || protocol.size() > 255) {
      return Invalid("tls.alpn", "a protocol name has 1 to 255 bytes");
    }
    wire.push_back(static_cast<unsigned char>(protocol.size()));
    wire.insert(wire.end(), protocol.begin(), protocol.end());
  }
  // Unlike everything else in OpenSSL, 0 is success here.
  if (SSL_CTX_set_alpn_protos(context, wire.data(), static_cast<unsigned>(wire.size())) != 0) {
    return Invalid("tls.alpn", TakeSslError());
  }
  return {};
}

Result<void> SetClientCertificate(SSL_CTX* context, const TlsOptions& tls) {
  if (tls.client_cert.empty() && tls.client_key.empty()) return {};
  if (tls.client_key.empty()) return Invalid("tls.client_key", "missing beside tls.client_cert");
  if (tls.client_cert.empty()) return Invalid("tls.client_cert", "missing beside tls.client_key");
  // A key with a passphrase would be asked for on the terminal.
  SSL_CTX_set_default_passwd_cb(context, [](char*, int, int, void*) { return -1; });
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context, tls.client_cert.c_str()) != 1) {
    return Invalid("tls.client_cert", "cannot load " + tls.client_cert + ": " + TakeSslError());
  }
  if (SSL_CTX_use_PrivateKey_file(context, tls.client_key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return Invalid("tls.client_key", "cannot load " + tls.client_key + ": " + TakeSslError());
  }
  return {};
}

// "shop.example.org:8443" and "[2001:db8::1]:443" without port and brackets.
std::string WithoutPort(const std::string& host) {
  if (IsAddress(host)) return host;
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

// The final dot of a full name is part of neither SNI nor certificates.
std::string WithoutFinalDot(std::string name) {
  if (name.ends_with('.')) name.pop_back();
  return name;
}

}  // namespace

bool IsAddress(const std::string& text) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

Result<std::shared_ptr<const TlsContext>> TlsContext::Make(const TlsOptions& tls,
                                                           const std::string& host) {
  const std::shared_ptr<TlsContext> made(new TlsContext());
  made->context_.reset(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  SSL_CTX* context = made->native();
  if (context == nullptr) return Invalid("tls", TakeSslError());

  const auto store = StoreFor(tls);
  if (!store.ok()) return store.error();
  SSL_CTX_set1_cert_store(context, store.value().get());

  SSL_CTX_set_min_proto_version(context, ProtocolOf(tls.min_version));
  // OpenSSL 3 has TLS 1.0 and 1.1 at level 0 only. TlsAttempt keeps level 2 for certificates.
  if (tls.min_version < TlsOptions::Version::k12) SSL_CTX_set_security_level(context, 0);
  if (auto set = SetAlpn(context, tls.alpn); !set.ok()) return set.error();
  if (auto set = SetClientCertificate(context, tls); !set.ok()) return set.error();
  TlsAttempt::Install(context);

  made->verify_ = tls.verify;
  const std::string name = WithoutFinalDot(tls.sni.empty() ? WithoutPort(host) : tls.sni);
  made->verify_name_ = tls.verify_name.empty() ? name : WithoutFinalDot(tls.verify_name);
  if (!IsAddress(name)) made->sni_ = name;
  return std::shared_ptr<const TlsContext>(made);
}

}  // namespace lvs::probes
