// The text of /proc/net/ip_vs_conn_sync and /proc/net/ip_vs_conn, row by row as it is read.
//
// Formats are those of net/netfilter/ipvs/ip_vs_conn.c, seen on Linux 6.1. Text is anything until
// parsed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "collectors/connections/row.h"

namespace lvs::connections {

enum class Format : std::uint8_t {
  kPlain,  // ip_vs_conn: no Origin; columns of a persistence engine may follow
  kSync,   // ip_vs_conn_sync
};

// One line without its line feed; absent where it is not a row. Columns are split at blanks, for
// their positions shift. An engine's columns are bytes that a client chose, even line feeds: what
// stands behind the ninth column is never looked at, but a line that a client made up whole cannot
// be told from a row. kSync has no such columns.
std::optional<Row> ParseRow(std::string_view line, Format format);

// Takes the text in chunks that may end anywhere. Never allocates; one owner, one thread.
class RowParser {
 public:
  explicit RowParser(Format format) : format_(format) {}

  // Calls on_row(const Row&) for every row whose line ends in this chunk. Where chunks end makes no
  // difference.
  template <class OnRow>
  void Feed(std::string_view chunk, OnRow&& on_row);

  // At the end of the text: a last line without its line feed was cut and is skipped.
  void Finish();

  std::uint64_t rows() const { return rows_; }
  // Lines that were no rows, the one of column names excepted.
  std::uint64_t skipped_lines() const { return skipped_lines_; }

 private:
  // Twice the longest line there is: IPv6 with an engine's 16 and 255 bytes (IP_VS_PENAME_MAXLEN,
  // IP_VS_PEDATA_MAXLEN).
  static constexpr std::size_t kLongestLine = 1024;

  template <class OnRow>
  void TakeLine(std::string_view line, OnRow&& on_row);
  // Keeps the beginning of a line whose end has not come yet.
  void Keep(std::string_view part);

  const Format format_;
  std::uint64_t rows_ = 0;
  std::uint64_t skipped_lines_ = 0;
  std::array<char, kLongestLine> kept_;
  std::size_t kept_size_ = 0;
  bool too_long_ = false;  // the kept line: what came of it is dropped
};

template <class OnRow>
void RowParser::Feed(std::string_view chunk, OnRow&& on_row) {
  while (!chunk.empty()) {
    const std::size_t end = chunk.find('\n');
    if (end == chunk.npos) return Keep(chunk);
    const std::string_view rest_of_line = chunk.substr(0, end);
    chunk.remove_prefix(end + 1);
    if (kept_size_ == 0 && !too_long_) {
      TakeLine(rest_of_line, on_row);
      continue;
    }
    Keep(rest_of_line);
    if (too_long_) {
      ++skipped_lines_;
    } else {
      TakeLine({kept_.data(), kept_size_}, on_row);
    }
    kept_size_ = 0;
    too_long_ = false;
  }
}

template <class OnRow>
void RowParser::TakeLine(std::string_view line, OnRow&& on_row) {
  if (line.size() > kLongestLine) {  // as where it is cut between chunks
    ++skipped_lines_;
  } else if (const std::optional<Row> row = ParseRow(line, format_)) {
    ++rows_;
    on_row(*row);
  } else if (!line.starts_with("Pro ")) {
    ++skipped_lines_;
  }
}

}  // namespace lvs::connections
