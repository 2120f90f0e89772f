#include "collectors/probes/http_request.h"

namespace lvs::probes {
namespace {

std::string HostOf(const Probe& probe, const Address& address, std::uint16_t port) {
  if (!probe.http.host.empty()) return probe.http.host;
  std::string host = ToString(address);
  if (address.family == AddressFamily::kIpv6) host = "[" + host + "]";
  if (port != (HasTls(probe.type) ? 443 : 80)) host += ":" + std::to_string(port);
  return host;
}

}  // namespace

std::string RequestText(const Probe& probe, const Address& address, std::uint16_t port) {
  const HttpOptions& http = probe.http;
  std::string text = http.method == HttpOptions::Method::kHead ? "HEAD " : "GET ";
  text += http.path;
  text += http.version == HttpOptions::Version::k10 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n";
  text += "Host: " + HostOf(probe, address, port) + "\r\n";
  text += "Connection: close\r\nUser-Agent: ipvs_exporter\r\n";
  for (const auto& [name, value] : http.headers) text += name + ": " + value + "\r\n";
  text += "\r\n";
  return text;
}

}  // namespace lvs::probes
