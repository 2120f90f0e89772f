#include "collectors/probes/probe.h"

#include <array>
#include <cstddef>
#include <tuple>

namespace lvs::probes {

std::string_view Name(ProbeType type) {
  constexpr std::array<std::string_view, 6> kNames = {"icmp", "tcp", "tls", "http", "https", "dr"};
  return kNames[static_cast<std::size_t>(type)];
}

std::span<const Layer> LayersOf(ProbeType type) {
  static constexpr std::array kIcmp = {Layer::kL3};
  static constexpr std::array kTcp = {Layer::kL4};
  static constexpr std::array kTls = {Layer::kL4, Layer::kL6};
  static constexpr std::array kHttp = {Layer::kL4, Layer::kL7};
  static constexpr std::array kHttps = {Layer::kL4, Layer::kL6, Layer::kL7};
  static constexpr std::array kDr = {Layer::kDr};
  switch (type) {
    case ProbeType::kIcmp:
      return kIcmp;
    case ProbeType::kTcp:
      return kTcp;
    case ProbeType::kTls:
      return kTls;
    case ProbeType::kHttp:
      return kHttp;
    case ProbeType::kHttps:
      return kHttps;
    case ProbeType::kDr:
      break;
  }
  return kDr;
}

bool SameQuestion(const Probe& a, const Probe& b) {
  const auto question = [](const Probe& p) {
    return std::tie(p.name, p.type, p.address, p.port, p.socket, p.close, p.icmp_size, p.http,
                    p.tls);
  };
  return question(a) == question(b);
}

}  // namespace lvs::probes
