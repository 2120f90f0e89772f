// What a client accepts, and which of our formats and encodings that means: the Accept and
// Accept-Encoding headers of RFC 9110, sections 12.5.1 and 12.5.3. Pure functions. No byte of a
// header is ever part of an answer: everything returned is out of a closed set.
#pragma once

#include <string_view>

namespace lvs {

// The two exposition formats of Prometheus that we write.
enum class Format { kText004, kOpenMetrics100 };

// How a client wants names beyond [a-zA-Z0-9_:] to be written ("escaping" of the Prometheus content
// negotiation). Our names need none, so the wish is only echoed in the content type.
enum class Escaping { kUnspecified, kAllowUtf8, kUnderscores, kDots, kValues };

struct Exposition {
  Format format = Format::kText004;
  Escaping escaping = Escaping::kUnspecified;  // kUnspecified unless the format is OpenMetrics

  bool operator==(const Exposition&) const = default;
};

enum class Encoding { kIdentity, kGzip };

// The format for an Accept header; repeated headers are joined with a comma before, an absent one
// is "". Ranges are tried from the greatest q down, equal ones in the order given, and the first
// that we serve wins:
//   application/openmetrics-text with version=1.0.0 or no version   OpenMetrics 1.0
//   text/plain with version=0.0.4 or no version                      text
//   text/*, application/*, */*                                       text, for people with curl
// A range with an unreadable or repeated parameter, or q outside 0..1, is as if absent; so is one
// with q=0. Text when nothing fits, and for headers over 8 KiB or 64 ranges: never a refusal.
Exposition NegotiateExposition(std::string_view accept);

// The Content-Type for it.
std::string_view ContentType(const Exposition& exposition);

// gzip when gzip, x-gzip or * has q > 0 and neither gzip nor x-gzip has q=0; otherwise identity,
// also under identity;q=0 and for headers over 8 KiB or 64 entries. An absent header is "".
Encoding NegotiateEncoding(std::string_view accept_encoding);

}  // namespace lvs
