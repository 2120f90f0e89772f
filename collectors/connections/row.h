// One row of the kernel's connection table, as a plain value.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "collectors/address.h"

namespace lvs::connections {

// Words of the column State: those of TCP, of UDP and of SCTP (which shares NONE and ESTABLISHED
// with TCP), the one that only templates have, and any other.
enum class State : std::uint8_t {
  kNone,
  kEstablished,
  kSynSent,
  kSynRecv,
  kFinWait,
  kTimeWait,
  kClose,
  kCloseWait,
  kLastAck,
  kListen,
  kSynAck,
  kUdp,
  kInit1,
  kInit,
  kCookieSent,
  kCookieReplied,
  kCookieWait,
  kCookie,
  kCookieEchoed,
  kShutdownSent,
  kShutdownReceived,
  kShutdownAckSent,
  kRejected,
  kClosed,
  kAssured,
  kOther,
};

// The kernel's words (ip_vs_proto_tcp.c, _udp.c, _sctp.c, ip_vs_conn.c), by State; the last is
// ours.
inline constexpr std::string_view kStateWords[] = {
    "NONE",       "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT", "TIME_WAIT", "CLOSE",
    "CLOSE_WAIT", "LAST_ACK",    "LISTEN",   "SYNACK",   "UDP",      "INIT1",     "INIT",
    "C-SENT",     "C-REPLIED",   "C-WAIT",   "COOKIE",   "C-ECHOED", "S-SENT",    "S-RECEIVED",
    "S-ACK-SENT", "REJECTED",    "CLOSED",   "ASSURED",  "other"};
inline constexpr std::size_t kStates = std::size(kStateWords);
static_assert(kStates == static_cast<std::size_t>(State::kOther) + 1);

constexpr std::string_view Word(State state) {
  return kStateWords[static_cast<std::size_t>(state)];
}

// Who made an entry: this director, or another one that told it by synchronisation.
enum class Origin : std::uint8_t {
  kLocal,
  kSync,
  kUnknown,  // /proc/net/ip_vs_conn does not tell
};
inline constexpr std::string_view kOriginNames[] = {"local", "sync", "unknown"};
inline constexpr std::size_t kOrigins = std::size(kOriginNames);

// IP protocol numbers of the column Pro. Templates of a mark have none.
inline constexpr std::uint8_t kNoProtocol = 0;
inline constexpr std::uint8_t kTcpNumber = 6;
inline constexpr std::uint8_t kUdpNumber = 17;
inline constexpr std::uint8_t kSctpNumber = 132;

// Of the client nothing is kept but its address's family and its port: nothing per client is ever
// told to anybody.
struct Row {
  std::uint8_t protocol = kNoProtocol;
  AddressFamily family = AddressFamily::kIpv4;  // of client and virtual address
  State state = State::kOther;
  Origin origin = Origin::kUnknown;
  // A persistence engine's columns follow, which only templates have.
  bool has_engine = false;
  std::uint16_t client_port = 0;  // ports are in host order
  std::uint16_t virtual_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t expires = 0;  // seconds left
  Address virtual_address;    // for a template of a mark: the mark in the first four bytes
  Address destination;        // its family may be another one (tunnels)
};

}  // namespace lvs::connections
