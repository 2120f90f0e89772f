// What the realserver collector is told.
#pragma once

#include <vector>

#include "collectors/address.h"

namespace lvs::realserver {

struct Configuration {
  // Addresses that this real server must have; empty: those that are on the loopback are right.
  std::vector<Address> vips;
};

}  // namespace lvs::realserver
