// The head of an answer as bytes: status line and headers. Pure.
#pragma once

#include <ctime>
#include <string>

#include "exporter/http/http.h"

namespace lvs {

// The head of response including the empty line. Beside the response's own headers, every answer
// carries Date (RFC 9110, section 6.6.1: now, seconds since 1970), Content-Length, "Connection:
// close", and what keeps a page from being framed, sniffed, cached or extended by other sites; no
// Server header and none of CORS.
std::string RenderHead(const HttpResponse& response, std::time_t now);

}  // namespace lvs
