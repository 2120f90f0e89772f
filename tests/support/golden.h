// Text that is kept in the repository and compared: what a user sees shows up in review as a diff.
#pragma once

#include <string>

namespace lvs {

// Compares text with the file tests/golden/NAME, line by line. With UPDATE_GOLDEN=1 in the
// environment the file is written instead; read its diff as if it were code.
void ExpectGolden(const std::string& name, const std::string& text);

// The same for a part of a file of the repository: what stands between the lines "<!-- NAME -->"
// and
// "<!-- /NAME -->" of path.
void ExpectGoldenBlock(const std::string& path, const std::string& name, const std::string& text);

}  // namespace lvs
