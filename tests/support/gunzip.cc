#include "tests/support/gunzip.h"

#include <isa-l/igzip_lib.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace lvs {

std::string Gunzip(const std::string& compressed) {
  const auto state = std::make_unique<inflate_state>();
  isal_inflate_init(state.get());
  state->crc_flag = ISAL_GZIP;
  std::string copy = compressed;
  state->next_in = reinterpret_cast<std::uint8_t*>(copy.data());
  state->avail_in = static_cast<std::uint32_t>(copy.size());
  std::string text;
  std::vector<std::uint8_t> piece(1 << 20);
  do {
    state->next_out = piece.data();
    state->avail_out = static_cast<std::uint32_t>(piece.size());
    if (isal_inflate(state.get()) != ISAL_DECOMP_OK) return "not gzip";
    text.append(reinterpret_cast<const char*>(piece.data()), piece.size() - state->avail_out);
  } while (state->avail_out == 0);
  return state->block_state == ISAL_BLOCK_FINISH && state->avail_in == 0 ? text : "not gzip";
}

}  // namespace lvs
