// Feeds text to the parser of /proc/net/ip_vs_conn and ip_vs_conn_sync: the first byte chooses the
// file, the second the size of the chunks, which must not matter.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <tuple>
#include <vector>

#include "collectors/connections/row_parser.h"

namespace {

using lvs::connections::Format;
using lvs::connections::Row;
using lvs::connections::RowParser;

struct Parsed {
  std::vector<std::tuple<std::uint8_t, lvs::Address, std::uint16_t, std::uint32_t>> rows;
  std::uint64_t skipped = 0;
  bool operator==(const Parsed&) const = default;
};

Parsed Parse(std::string_view text, Format format, std::size_t chunk_size) {
  RowParser parser(format);
  Parsed parsed;
  for (; !text.empty(); text.remove_prefix(std::min(chunk_size, text.size()))) {
    parser.Feed(text.substr(0, chunk_size), [&](const Row& row) {
      if (lvs::connections::Word(row.state).empty()) std::abort();
      if (format == Format::kSync && row.has_engine) std::abort();
      parsed.rows.emplace_back(row.protocol, row.destination, row.virtual_port, row.expires);
    });
  }
  parser.Finish();
  if (parser.rows() != parsed.rows.size()) std::abort();
  parsed.skipped = parser.skipped_lines();
  return parsed;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Format format = data[0] % 2 == 0 ? Format::kSync : Format::kPlain;
  const std::size_t chunk_size = 1 + data[1];
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  if (!(Parse(text, format, chunk_size) == Parse(text, format, text.size() + 1))) std::abort();
  return 0;
}
