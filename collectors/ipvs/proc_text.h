// What the parsers of proc files share: lines, words and numbers of a text that is not trusted.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>

#include "collectors/result.h"

namespace lvs::ipvs {

// Splits a text into lines and a line into words.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  // False at the end. A last line without its line feed is one, too, but then cut() is true.
  bool Next() {
    if (rest_.empty()) return false;
    const std::size_t end = rest_.find('\n');
    cut_ = end == std::string_view::npos;
    words_ = rest_.substr(0, end);
    rest_.remove_prefix(cut_ ? rest_.size() : end + 1);
    ++number_;
    return true;
  }

  // The next word of the line, empty at its end.
  std::string_view Word() {
    words_.remove_prefix(std::min(words_.find_first_not_of(" \t"), words_.size()));
    const std::string_view word = words_.substr(0, words_.find_first_of(" \t"));
    words_.remove_prefix(word.size());
    return word;
  }

  bool cut() const { return cut_; }

  // kMalformed, naming the line that Next() found (counted from 1) and what should be there.
  Error Expected(const char* what) const {
    return {ErrorCode::kMalformed,
            "line " + std::to_string(number_) + ": expected " + (cut_ ? "a whole line" : what)};
  }

 private:
  std::string_view rest_;
  std::string_view words_;
  std::size_t number_ = 0;
  bool cut_ = false;
};

// True when all of text is a number of the type; base 10 or 16, no prefix.
template <class T>
bool ParseNumber(std::string_view text, int base, T& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace lvs::ipvs
