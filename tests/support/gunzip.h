// What a client makes of a gzip body.
#pragma once

#include <string>

namespace lvs {

// The text; "not gzip" when compressed is no complete gzip member with a right checksum.
std::string Gunzip(const std::string& compressed);

}  // namespace lvs
