// HTTP as bytes, for tests that need to be wrong on purpose.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lvs {

// One TCP connection to 127.0.0.1. Every wait ends after 20 s, as if the server had closed.
class RawConnection {
 public:
  explicit RawConnection(std::uint16_t port);
  ~RawConnection();
  RawConnection(RawConnection&& other) noexcept;
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  bool connected() const { return fd_ >= 0; }

  // True when the kernel took all bytes.
  bool Send(std::string_view bytes);

  // Says that no more bytes will come, as a client does that shuts down its sending half.
  void FinishSending();

  // At least one byte up to max_bytes, or nothing when the server has closed.
  std::string ReceiveSome(std::size_t max_bytes);

  // Everything until the server closes.
  std::string ReceiveAll();

 private:
  int fd_ = -1;
};

// An answer in its parts. status 0: there was no answer.
struct RawResponse {
  int status = 0;
  std::string head;  // with the status line and the empty line
  std::string body;

  // The value of the header, "" when absent; with "|" between values when it is repeated.
  std::string Header(std::string_view name) const;
};

RawResponse ParseResponse(std::string_view bytes);

// Sends the bytes on a connection of their own and reads the whole answer.
RawResponse Exchange(std::uint16_t port, std::string_view bytes);

// GET with "Host: localhost" and the given header lines (each with its line end).
RawResponse Get(std::uint16_t port, std::string_view target, std::string_view headers = "");

// A connection that has sent the beginning of a request and waits.
RawConnection HalfOpen(std::uint16_t port);

}  // namespace lvs
