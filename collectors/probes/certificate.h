// What a server's certificate says, and what OpenSSL's verdicts on it mean.
#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <string>

#include "collectors/probes/reason.h"
#include "collectors/probes/run.h"

namespace lvs::probes {

// Of the peer of a connection, during or after a full handshake, whether it verified or not. The
// chain is the one that verification built, else what the server sent. Null before the certificate
// came, and when it has no readable date.
std::shared_ptr<const CertificateFacts> FactsOf(const SSL* ssl, bool verification_passed);

// What an error of verification (X509_V_ERR_*) means.
Reason ReasonOfVerifyError(int code);

// The subject of a certificate as RFC 2253 writes it; empty for null.
std::string SubjectOf(const X509* certificate);

// What time alone has changed since facts were taken: kTlsCertExpired when a certificate of the
// chain has expired at now, else kNone.
Reason ReasonAt(const CertificateFacts& facts, std::chrono::system_clock::time_point now);

}  // namespace lvs::probes
