// Readers of addresses and firewall marks in the configuration file.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "collectors/address.h"
#include "collectors/result.h"
#include "exporter/configuration/yaml_reader.h"

namespace lvs {

// A numeric address.
Reader AddressInto(std::optional<Address>& into);

// One address or a list of them, which is not empty; each once.
Reader AddressesInto(std::vector<Address>& into);

// A firewall mark that is not 0, in decimal or, with 0x, hexadecimal digits.
Reader MarkInto(std::optional<std::uint32_t>& into);

// An address, or the name of a host that is looked up. Absent when it was complained of.
using Resolve = std::function<Result<Address>(const std::string&, std::optional<AddressFamily>)>;
std::optional<Address> ReadHost(const YamlValue& value, std::optional<AddressFamily> family,
                                const Resolve& resolve);

}  // namespace lvs
