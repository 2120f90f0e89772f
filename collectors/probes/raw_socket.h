// What raw and packet sockets have in common: filters, one received packet, random bytes.
#pragma once

#include <linux/filter.h>
#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>

#include "collectors/address.h"
#include "collectors/bytes.h"

namespace lvs::probes {

// Packets that one wake-up of the loop takes from a socket, so that a flood delays nobody else.
inline constexpr int kPacketsPerWakeUp = 64;

// A classic BPF program (Linux Documentation/networking/filter.rst), at most 4096 instructions.
// False and errno on failure.
bool AttachFilter(int socket, std::span<const sock_filter> program);

// One packet into buffer, without waiting. Sender as recvmsg(2) gives it.
struct ReceivedPacket {
  Bytes bytes;  // inside the buffer; cut if it was longer
  sockaddr_storage sender{};
  // When the kernel received it, by the system clock; only with SO_TIMESTAMPNS.
  std::optional<std::chrono::nanoseconds> time;
};

// What a receive came to: a packet, nothing there, or an error number of the socket.
enum class Received { kPacket, kNothing, kFault };
Received ReceivePacket(int socket, std::span<std::byte> buffer, ReceivedPacket& packet);

// The system clock, for comparison with ReceivedPacket::time.
std::chrono::nanoseconds SystemTime();

// From the kernel's generator (getrandom(2)); never fails on a system that has booted.
void FillRandom(std::span<std::byte> bytes);

// The address in the form of the socket calls; interface is the scope of a link-local one. Gives
// the length.
socklen_t ToSocketAddress(const Address& address, std::uint16_t port, int interface,
                          sockaddr_storage& storage);

}  // namespace lvs::probes
