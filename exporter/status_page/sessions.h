// What the scan of the connection table found, in sentences of the status page.
#pragma once

#include <string>

#include "exporter/status_page/view.h"

namespace lvs::status {

// A service's connections by state, and its persistence templates: how many, how long they last,
// and which of them bring clients where they should not go. Empty where nothing is known.
std::string Sessions(const ServiceView& service, const StatusView& view);

// How much of the connection table was read, and when. Empty where it was not.
std::string ScanOf(const StatusView& view);

}  // namespace lvs::status
