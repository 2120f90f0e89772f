// Takes the chunked transfer coding off a body (RFC 9112, section 7.1).
#pragma once

#include <cstdint>
#include <string_view>

namespace lvs::probes {

// Beast has this too, but its parser of 1.81 asserts when an empty chunked body trickles in
// ("0\r\n" and then one byte: basic_parser.ipp, parse_chunk_header), which any server could send.
// Keeps no bytes: what it knows between two calls is where in the coding it is. One owner.
class ChunkedBody {
 public:
  // Takes bytes off the front of coded up to and including the next run of data, and gives that
  // run, a view into coded. Empty: coded is used up, or done() or broken() is now true.
  std::string_view Next(std::string_view& coded);

  bool done() const { return state_ == State::kDone; }      // the last trailer line has been seen
  bool broken() const { return state_ == State::kBroken; }  // this is not the chunked coding

 private:
  enum class State : std::uint8_t {
    kFirstDigit,
    kSize,
    kExtension,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailerStart,
    kTrailer,
    kTrailerLf,
    kLastLf,
    kDone,
    kBroken,
  };

  State After(char c);
  State AfterSizeDigit(char c);

  State state_ = State::kFirstDigit;
  std::uint64_t left_ = 0;  // of this chunk
};

}  // namespace lvs::probes
