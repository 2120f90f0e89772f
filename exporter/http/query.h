// What a request says besides its path: query parameters, percent-encoding, the scrape timeout, and
// how such text is repeated in an answer. Pure functions; nothing here trusts its input.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/clock.h"
#include "collectors/result.h"

namespace lvs {

// Decoded; valid UTF-8 without control characters. A parameter without "=" has an empty value.
struct QueryParameter {
  std::string name;
  std::string value;

  bool operator==(const QueryParameter&) const = default;
};

// The parameters of a raw query (what follows the "?") in the order given: split at "&" and the
// first "=", percent-decoded once (RFC 3986, section 2.1), "+" is a blank as HTML forms send it.
// Error kInvalidInput for more than 64 parameters, one whose name and value together exceed 256
// decoded bytes, an unfinished or non-hexadecimal escape, a control character, or invalid UTF-8.
// Sentences do not repeat what was sent.
Result<std::vector<QueryParameter>> ParseQuery(std::string_view raw);

// A raw path percent-decoded once; "+" is itself. Error kInvalidInput as in ParseQuery, without the
// limits of length. So neither "%00" nor "%2500" can be taken for the end of a path.
Result<std::string> DecodePath(std::string_view raw);

// Text of a client for a sentence of ours: the first max_bytes, of which printable ASCII stays and
// everything else, and any of \ " ' < > &, becomes \xHH.
std::string EscapeForEcho(std::string_view text, std::size_t max_bytes = 64);

// How long collectors may take, from Prometheus's header X-Prometheus-Scrape-Timeout-Seconds
// (seconds, a decimal number): 0.5 s less than that, so that the answer arrives in time; 4.5 s when
// it is absent (""), unreadable, not finite or not positive. Never below 0.1 s nor above 60 s.
Clock::duration CollectionTimeout(std::string_view header);

}  // namespace lvs
