// A probe: a named way of asking a server whether it works, as the configuration gives it. Plain
// values with every default filled in; what is compiled or loaded from it is in prepared.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/address.h"
#include "collectors/probes/reason.h"

namespace lvs::probes {

enum class ProbeType : std::uint8_t { kIcmp, kTcp, kTls, kHttp, kHttps, kDr };

// "icmp", "tcp", "tls", "http", "https", "dr".
std::string_view Name(ProbeType type);

// The layers that a run of the type gives a result for, lowest first; never empty.
std::span<const Layer> LayersOf(ProbeType type);

constexpr bool HasTls(ProbeType type) {
  return type == ProbeType::kTls || type == ProbeType::kHttps;
}
constexpr bool HasHttp(ProbeType type) {
  return type == ProbeType::kHttp || type == ProbeType::kHttps;
}

// How a socket is made. Absent: the kernel's choice.
struct SocketOptions {
  std::optional<Address> source;
  std::string interface;  // SO_BINDTODEVICE; empty: none
  std::optional<std::uint32_t> mark;
  std::string netns;  // name below /run/netns, or a path; empty: our own
  std::optional<std::uint8_t> ttl;
  std::optional<std::uint8_t> tos;

  auto operator<=>(const SocketOptions&) const = default;
};

struct StatusRange {
  unsigned first = 0;
  unsigned last = 0;  // included

  bool operator==(const StatusRange&) const = default;
};

struct HttpOptions {
  enum class Method : std::uint8_t { kGet, kHead };
  enum class Version : std::uint8_t { k10, k11 };

  Method method = Method::kGet;
  Version version = Version::k11;
  std::string path = "/";
  std::string host;                            // Host and SNI; empty: address and port, no SNI
  std::map<std::string, std::string> headers;  // beside Host, Connection and User-Agent
  std::vector<StatusRange> expect_status = {{200, 299}};
  std::string expect_body;  // RE2, unanchored, bytes; empty: none
  std::string reject_body;
  std::map<std::string, std::string> expect_header;  // name: RE2; all must match
  std::size_t max_body = 64 * 1024;                  // bytes, 1 KiB to 1 MiB
  std::vector<StatusRange> drain_status;             // a success that means: no new clients, please

  bool operator==(const HttpOptions&) const = default;
};

struct TlsOptions {
  enum class Version : std::uint8_t { k10, k11, k12, k13 };

  bool verify = true;       // false: verified all the same, but a failure does not fail the run
  std::string ca_file;      // PEM; empty: the system's bundle
  std::string sni;          // empty: HttpOptions::host
  std::string verify_name;  // empty: sni
  Version min_version = Version::k12;
  std::vector<std::string> alpn;
  std::string client_cert;  // PEM files, both or neither
  std::string client_key;
  bool resume = true;
  std::chrono::milliseconds full_every{300'000};  // a full handshake at least so often

  bool operator==(const TlsOptions&) const = default;
};

// What happens to the connection at the end: kRst leaves no TIME_WAIT.
enum class CloseMode : std::uint8_t { kFin, kRst };

struct Probe {
  std::string name;
  ProbeType type = ProbeType::kTcp;

  // Schedule and thresholds.
  std::chrono::milliseconds interval{5000};       // start to start
  std::chrono::milliseconds timeout{2000};        // of the whole run
  std::chrono::milliseconds fast_interval{1000};  // while a streak is pending; 0: off
  std::chrono::milliseconds down_interval{5000};
  std::chrono::milliseconds stale_after{17'000};
  unsigned fall = 3;
  unsigned rise = 2;
  unsigned initial_fall = 3;  // until the first verdict
  unsigned initial_rise = 1;
  unsigned jitter = 10;                             // percent
  std::chrono::milliseconds connect_timeout{2000};  // of the connect step; at most timeout
  bool gating = true;                               // its verdict counts for the backend

  // What is asked, and what is expected.
  std::optional<Address> address;  // absent: the backend's
  std::optional<std::uint16_t> port;
  SocketOptions socket;
  CloseMode close = CloseMode::kRst;
  std::size_t icmp_size = 56;  // bytes of payload, 16 to 1400
  HttpOptions http;
  TlsOptions tls;

  bool operator==(const Probe&) const = default;
};

// Whether both ask the same and expect the same, so that what is known of a target stays true:
// everything but schedule, thresholds and gating.
bool SameQuestion(const Probe& a, const Probe& b);

}  // namespace lvs::probes
