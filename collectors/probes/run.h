// One run of a probe against one server: what is asked for, and what came of it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "collectors/address.h"
#include "collectors/clock.h"
#include "collectors/probes/prepared.h"
#include "collectors/probes/probe.h"
#include "collectors/probes/reason.h"

namespace lvs::probes {

enum class Outcome : std::uint8_t { kSuccess, kFailure, kInconclusive };

// "success", "failure", "inconclusive".
constexpr const char* Name(Outcome outcome) {
  return outcome == Outcome::kSuccess   ? "success"
         : outcome == Outcome::kFailure ? "failure"
                                        : "inconclusive";
}

// Seconds that the steps of a run took; a step that did not finish is absent.
struct Phases {
  std::optional<float> connect;
  std::optional<float> tls;
  std::optional<float> write;
  std::optional<float> first_byte;
  std::optional<float> body;
};

// What a server's certificate says. After a resumed handshake: what the last full one said.
struct CertificateFacts {
  std::chrono::sys_seconds leaf_not_after;
  std::chrono::sys_seconds chain_earliest_not_after;  // over all certificates of the chain
  std::array<std::uint8_t, 32> leaf_sha256{};
  std::string issuer;   // of the leaf, RFC 2253, printable, at most 200 bytes
  std::string version;  // "TLSv1.3"
  bool verified = false;
  // Of a handshake that was completed: the server has shown that the certificate is its own.
  bool complete = true;
};

struct IcmpFacts {
  std::uint32_t sent = 0;
  std::uint32_t received = 0;
  std::uint32_t duplicates = 0;
  std::optional<float> round_trip;  // seconds
};

struct RunResult {
  Outcome outcome = Outcome::kInconclusive;
  Reason reason = Reason::kNone;  // kNone exactly for a success
  std::string detail;  // free text for people: printable ASCII, at most 200 bytes, may be empty
  Clock::duration total{};  // from the start of the run to its end
  Phases phases;
  bool drain = false;  // a success with a status of drain_status
  std::optional<unsigned> http_status;
  std::optional<std::uint64_t> http_body_bytes;
  // Shared: the same facts are kept from the full handshake on.
  std::shared_ptr<const CertificateFacts> certificate;
  std::optional<IcmpFacts> icmp;
};

// What a target keeps between its runs for TLS resumption; defined in tls_memory.h.
class TlsMemory;

struct RunRequest {
  std::shared_ptr<const PreparedProbe> probe;
  Address address;
  std::uint16_t port = 0;      // 0 for icmp
  std::optional<Address> via;  // the VIP, for dr
  // When the run began; its absolute end is start + the probe's timeout.
  Clock::time_point start;
  std::shared_ptr<TlsMemory> tls_memory;  // null: resume nothing
};

// A failure or, where the reason is our own, an inconclusive result. total is the caller's.
RunResult Failed(Reason reason, std::string detail = "");

// detail as RunResult wants it: other bytes become '.', the rest is cut.
std::string Printable(std::string_view text);

}  // namespace lvs::probes
