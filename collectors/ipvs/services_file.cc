#include "collectors/ipvs/services_file.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "collectors/ipvs/proc_text.h"

namespace lvs::ipvs {
namespace {

// "0A000001:0050" or "[2001:0db8:0000:0000:0000:0000:0000:0001]:01BB": most significant digit
// first.
bool ParseEndpoint(std::string_view text, Address& address, std::uint16_t& port) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string_view digits = text.substr(0, colon);
  if (!ParseNumber(text.substr(colon + 1), 16, port)) return false;
  address = {};
  if (!digits.starts_with('[')) {
    std::uint32_t number = 0;
    if (digits.size() != 8 || !ParseNumber(digits, 16, number)) return false;
    number = htonl(number);
    std::memcpy(address.bytes.data(), &number, sizeof number);
    return true;
  }
  address.family = AddressFamily::kIpv6;
  constexpr std::size_t kLength = 1 + 8 * 4 + 7 + 1;
  if (digits.size() != kLength || digits.back() != ']') return false;
  for (std::size_t group = 0; group < 8; ++group) {
    std::uint16_t number = 0;
    const std::string_view four = digits.substr(1 + 5 * group, 4);
    if (!ParseNumber(four, 16, number)) return false;
    if (group > 0 && digits[5 * group] != ':') return false;
    address.bytes[2 * group] = static_cast<std::uint8_t>(number >> 8);
    address.bytes[2 * group + 1] = static_cast<std::uint8_t>(number & 0xff);
  }
  return true;
}

// A service while its backends are still to come: what depends on its family is not known yet.
struct OpenService {
  Service service;
  std::optional<std::uint32_t> mask;  // as shown, for persistent services only
  bool wanted = false;
};

// The family of a mark service is not told. Only tunnels may have the other family than it.
bool FindFamily(OpenService& open) {
  const std::vector<Backend>& backends = open.service.backends;
  if (backends.empty()) return false;
  const auto same_family = std::find_if(
      backends.begin(), backends.end(),
      [](const Backend& backend) { return backend.forward != ForwardMethod::kTunnel; });
  const Backend& witness = same_family == backends.end() ? backends.front() : *same_family;
  open.service.key.address.family = witness.key.address.family;
  return true;
}

void Finish(OpenService& open, std::vector<Service>& services) {
  if (!std::exchange(open.wanted, false)) return;
  Service& service = open.service;
  if (service.key.protocol == Protocol::kFwmark && !FindFamily(open)) return;
  // The file shows ntohl() of a mask in network order, or of a prefix length in host order. Where
  // it shows none, all of the client's address counts.
  if (service.key.address.family == AddressFamily::kIpv4) {
    service.netmask = open.mask.value_or(0xffffffff);
  } else {
    service.netmask = open.mask.has_value() ? htonl(*open.mask) : 128;
  }
  services.push_back(std::move(service));
}

bool ParseProtocol(std::string_view word, Protocol& protocol) {
  for (const Protocol known :
       {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp, Protocol::kFwmark}) {
    if (word != Name(known)) continue;
    protocol = known;
    return true;
  }
  return false;
}

// "IP Virtual Server version 1.2.1 (size=4096)"
Result<Info> ParseTitle(Lines& lines) {
  Info info;
  std::string_view size;
  if (!lines.Next()) return Error{ErrorCode::kMalformed, "the file is empty"};
  for (std::string_view word = lines.Word(); !word.empty(); word = lines.Word()) {
    if (word == "version") info.version = lines.Word();
    if (word.starts_with("(size=") && word.ends_with(')')) {
      size = word.substr(6, word.size() - 7);
    }
  }
  std::uint32_t buckets = 0;
  if (ParseNumber(size, 10, buckets)) info.connection_table_buckets = buckets;
  if (lines.cut() || info.version.empty() || info.version.size() > 11) {
    return lines.Expected("the version");
  }
  return info;
}

// "TCP  0A000001:0050 rr ops persistent 30000 FFFFFFFF", "FWM  000000FF wlc persistent ..."
Result<OpenService> ParseServiceLine(Lines& lines, std::string_view protocol) {
  OpenService open;
  Service& service = open.service;
  open.wanted = ParseProtocol(protocol, service.key.protocol);
  if (!open.wanted) return open;
  const std::string_view address = lines.Word();
  if (service.key.protocol == Protocol::kFwmark) {
    if (!ParseNumber(address, 16, service.key.fwmark)) return lines.Expected("a mark");
  } else if (!ParseEndpoint(address, service.key.address, service.key.port)) {
    return lines.Expected("a service's address and port");
  }
  service.scheduler = lines.Word().substr(0, 15);
  if (service.scheduler.empty()) return lines.Expected("a scheduler");
  for (std::string_view word = lines.Word(); !word.empty(); word = lines.Word()) {
    if (word == "ops") service.flags |= kServiceOnePacket;
    if (word != "persistent") continue;
    service.flags |= kServicePersistent;
    lines.Word();  // the timeout, in jiffies of unknown length
    if (!ParseNumber(lines.Word(), 16, open.mask.emplace())) {
      return lines.Expected("a persistence mask");
    }
  }
  return open;
}

bool ParseForward(std::string_view word, ForwardMethod& forward) {
  constexpr std::array<std::pair<std::string_view, ForwardMethod>, 4> kNames = {
      {{"Masq", ForwardMethod::kMasquerade},
       {"Local", ForwardMethod::kLocal},
       {"Tunnel", ForwardMethod::kTunnel},
       {"Route", ForwardMethod::kRoute}}};
  for (const auto& [name, method] : kNames) {
    if (word != name) continue;
    forward = method;
    return true;
  }
  return false;
}

// "  -> 0A010001:0050      Route   1      0          0"; the arrow is already read.
Result<Backend> ParseBackendLine(Lines& lines) {
  Backend backend;
  if (!ParseEndpoint(lines.Word(), backend.key.address, backend.key.port)) {
    return lines.Expected("a backend's address and port");
  }
  if (!ParseForward(lines.Word(), backend.forward)) return lines.Expected("a forward method");
  if (!ParseNumber(lines.Word(), 10, backend.weight)) return lines.Expected("a weight");
  if (!ParseNumber(lines.Word(), 10, backend.active_connections) ||
      !ParseNumber(lines.Word(), 10, backend.inactive_connections)) {
    return lines.Expected("active and inactive connections");
  }
  return backend;
}

}  // namespace

Result<ProcServices> ParseServices(std::string_view text) {
  Lines lines(text);
  Result<Info> info = ParseTitle(lines);
  if (!info.ok()) return info.error();
  ProcServices result = {std::move(info.value()), {}};
  for (int header = 0; header < 2; ++header) {
    if (!lines.Next() || lines.cut()) return lines.Expected("the column names");
  }
  OpenService open;
  while (lines.Next()) {
    if (lines.cut()) return lines.Expected("");
    const std::string_view first = lines.Word();
    if (first == "->") {
      Result<Backend> backend = ParseBackendLine(lines);
      if (!backend.ok()) return backend.error();
      open.service.backends.push_back(backend.value());
      continue;
    }
    Finish(open, result.services);
    Result<OpenService> next = ParseServiceLine(lines, first);
    if (!next.ok()) return next.error();
    open = std::move(next.value());
  }
  Finish(open, result.services);
  return result;
}

}  // namespace lvs::ipvs
