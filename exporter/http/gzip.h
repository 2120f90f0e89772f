// gzip (RFC 1952) written piece by piece with ISA-L at level 1, so that a page and its compressed
// form need not both be whole in memory.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace lvs {

// One compressor, worth keeping: about 0.5 MiB that is allocated once and used for stream after
// stream. Write() any number of times, then Finish(); the next Write() begins a new stream. Used by
// one thread at a time. Equal input in equal pieces gives equal output (no time in the header).
// Runs out of memory with std::bad_alloc; after that Reset() before the next use.
class GzipStream {
 public:
  GzipStream();
  ~GzipStream();
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  // Compresses text, of any size. Keeps no reference to it.
  void Write(std::string_view text);

  // Ends the stream and gives all of it: a complete gzip member, also for no input at all. The next
  // stream is put together in the memory of spare, whose content is lost.
  std::string Finish(std::string spare = {});

  // Forgets an unfinished stream.
  void Reset();

 private:
  struct State;

  void Deflate();

  std::unique_ptr<State> state_;
  std::string compressed_;
};

}  // namespace lvs
