// What the status page brings along, so that it needs nothing from elsewhere.
#pragma once

#include <string>
#include <string_view>

#include "exporter/status_page/view.h"

namespace lvs::status {

// What stands between the tags of <style> and <script>.
std::string_view Style();
std::string_view Script();

// A picture for the browser's tab, as an address that holds all of it.
std::string IconAddress(Level level);

}  // namespace lvs::status
