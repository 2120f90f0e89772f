#include "exporter/http/gzip.h"

#include <isa-l/igzip_lib.h>

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace lvs {

struct GzipStream::State {
  isal_zstream stream;
  std::array<std::uint8_t, ISAL_DEF_LVL1_DEFAULT> level_buffer;
  std::array<std::uint8_t, 64 * 1024> output;
};

GzipStream::GzipStream() : state_(new State) { Reset(); }

namespace {

// ISA-L 2.30 returns with the upper halves of the vector registers in use, and nothing after it
// resets them: until then every SSE instruction of ours, which is what a portable build is made of,
// runs at about half its speed on processors with AVX-512 (page_bench shows it).
void LeaveWideRegistersClean() {
#if defined(__x86_64__)
  static const bool has_avx = __builtin_cpu_supports("avx") != 0;
  if (has_avx) __asm__ volatile("vzeroupper" ::: "memory");
#endif
}

}  // namespace

GzipStream::~GzipStream() = default;

void GzipStream::Reset() {
  isal_zstream& stream = state_->stream;
  isal_deflate_init(&stream);
  stream.gzip_flag = IGZIP_GZIP;
  stream.flush = NO_FLUSH;
  stream.level = 1;
  stream.level_buf = state_->level_buffer.data();
  stream.level_buf_size = static_cast<std::uint32_t>(state_->level_buffer.size());
  compressed_.clear();
}

// Runs the compressor until it has taken all input and would give no more output.
void GzipStream::Deflate() {
  isal_zstream& stream = state_->stream;
  do {
    stream.next_out = state_->output.data();
    stream.avail_out = static_cast<std::uint32_t>(state_->output.size());
    [[maybe_unused]] const int result = isal_deflate(&stream);
    assert(result == COMP_OK && "isal_deflate fails only for wrong parameters, and ours are fixed");
    LeaveWideRegistersClean();
    compressed_.append(reinterpret_cast<const char*>(state_->output.data()),
                       state_->output.size() - stream.avail_out);
  } while (stream.avail_out == 0);
}

void GzipStream::Write(std::string_view text) {
  constexpr std::size_t kMaxPiece = 1u << 30;  // avail_in has 32 bits
  isal_zstream& stream = state_->stream;
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, kMaxPiece);
    // The library only reads its input; the pointer is not const for the sake of C callers.
    stream.next_in = const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(piece.data()));
    stream.avail_in = static_cast<std::uint32_t>(piece.size());
    Deflate();
    text.remove_prefix(piece.size());
  }
}

std::string GzipStream::Finish(std::string spare) {
  isal_zstream& stream = state_->stream;
  stream.next_in = nullptr;
  stream.avail_in = 0;
  stream.end_of_stream = 1;
  Deflate();
  assert(stream.internal_state.state == ZSTATE_END && "the trailer is written");
  std::string finished = std::exchange(compressed_, std::move(spare));
  Reset();
  return finished;
}

}  // namespace lvs
