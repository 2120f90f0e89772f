#include "exporter/exposition.h"

#include <charconv>
#include <cmath>
#include <unordered_map>

namespace lvs {
namespace {

// A piece is handed on when the next sample might not fit: large enough that the output's own cost
// per piece does not count, small enough to stay in the processor's second-level cache.
constexpr std::size_t kPieceSize = 64 * 1024;
constexpr std::size_t kLongestNumber = 32;

// Units that OpenMetrics is told, each the last part of a family name.
constexpr std::string_view kUnits[] = {"seconds", "bytes", "ratio"};

std::string_view FamilyName(const MetricInfo& info, Format format) {
  constexpr std::string_view kTotal = "_total";
  const bool strip = format == Format::kOpenMetrics100 && info.type == MetricType::kCounter &&
                     info.name.ends_with(kTotal);
  return strip ? info.name.substr(0, info.name.size() - kTotal.size()) : info.name;
}

std::string_view UnitOf(std::string_view family_name) {
  for (const std::string_view unit : kUnits) {
    if (family_name.size() > unit.size() && family_name.ends_with(unit) &&
        family_name[family_name.size() - unit.size() - 1] == '_') {
      return unit;
    }
  }
  return "";
}

void AppendHelp(std::string& text, std::string_view help, Format format) {
  for (const char c : help) {
    if (c == '\\') {
      text += "\\\\";
    } else if (c == '\n') {
      text += "\\n";
    } else if (c == '"' && format == Format::kOpenMetrics100) {
      text += "\\\"";
    } else {
      text += c;
    }
  }
}

char* WriteDouble(char* begin, char* end, double value) {
  const auto word = [&](std::string_view text) { return begin + text.copy(begin, text.size()); };
  if (std::isnan(value)) return word("NaN");
  if (std::isinf(value)) return word(value > 0 ? "+Inf" : "-Inf");
  return std::to_chars(begin, end, value).ptr;
}

char* WriteNumber(char* begin, char* end, Number value) {
  switch (value.kind()) {
    case Number::Kind::kUnsigned:
      return std::to_chars(begin, end, value.as_unsigned()).ptr;
    case Number::Kind::kSigned:
      return std::to_chars(begin, end, value.as_signed()).ptr;
    case Number::Kind::kDouble:
      break;
  }
  return WriteDouble(begin, end, value.AsDouble());
}

// Writes one page. Lives as long as the call of WritePage that owns it.
class PageWriter final : public Sink {
 public:
  PageWriter(Format format, std::string& buffer, const PageOutput& output)
      : format_(format), buffer_(buffer), output_(output) {
    if (buffer_.size() < kPieceSize) buffer_.resize(kPieceSize);
  }

  void StartFamily(const MetricInfo& info) {
    info_ = &info;
    has_metadata_ = false;
  }

  void Write(const Family& family) { family.write(*this); }

  void Sample(std::string_view suffix, std::string_view labels, std::string_view more,
              Number value) override {
    if (!has_metadata_) WriteMetadata();
    const std::string_view name = info_->name;
    char* at = Reserve(name.size() + suffix.size() + labels.size() + more.size() + kLongestNumber +
                       sizeof "{,} \n");
    const auto put = [&at](std::string_view text) { at += text.copy(at, text.size()); };
    put(name);
    put(suffix);
    if (!labels.empty() || !more.empty()) {
      *at++ = '{';
      put(labels);
      if (!labels.empty() && !more.empty()) *at++ = ',';
      put(more);
      *at++ = '}';
    }
    *at++ = ' ';
    at = WriteNumber(at, at + kLongestNumber, value);
    *at++ = '\n';
    used_ = static_cast<std::size_t>(at - buffer_.data());
  }

  void Finish() {
    if (format_ == Format::kOpenMetrics100) WriteLine("# EOF", "", "");
    Flush();
  }

 private:
  void WriteMetadata() {
    has_metadata_ = true;
    const std::string_view name = FamilyName(*info_, format_);
    if (format_ == Format::kOpenMetrics100) {
      WriteTypeLine(name);
      if (const std::string_view unit = UnitOf(name); !unit.empty()) {
        WriteLine("# UNIT ", name, unit);
      }
      WriteHelpLine(name);
    } else {
      WriteHelpLine(name);
      WriteTypeLine(name);
    }
  }

  void WriteTypeLine(std::string_view name) { WriteLine("# TYPE ", name, Name(info_->type)); }

  void WriteHelpLine(std::string_view name) {
    std::string help;
    AppendHelp(help, info_->help, format_);
    WriteLine("# HELP ", name, help);
  }

  void WriteLine(std::string_view keyword, std::string_view name, std::string_view text) {
    char* at = Reserve(keyword.size() + name.size() + text.size() + 2);
    at += keyword.copy(at, keyword.size());
    at += name.copy(at, name.size());
    if (!text.empty()) *at++ = ' ';
    at += text.copy(at, text.size());
    *at++ = '\n';
    used_ = static_cast<std::size_t>(at - buffer_.data());
  }

  // Where size more bytes can be written: inside the piece, or in a grown buffer if one line alone
  // is longer.
  char* Reserve(std::size_t size) {
    if (used_ + size > buffer_.size()) Flush();
    if (size > buffer_.size()) buffer_.resize(size);
    return buffer_.data() + used_;
  }

  void Flush() {
    if (used_ > 0) output_(std::string_view(buffer_).substr(0, used_));
    used_ = 0;
  }

  const Format format_;
  std::string& buffer_;
  const PageOutput& output_;
  std::size_t used_ = 0;  // of buffer_
  const MetricInfo* info_ = nullptr;
  bool has_metadata_ = false;
};

// The families in groups of one name, in the order of their first appearance.
std::vector<std::vector<const Family*>> GroupByName(const Families& families) {
  std::vector<std::vector<const Family*>> groups;
  std::unordered_map<std::string_view, std::size_t> group_of_name;
  for (const Family& family : families) {
    const auto [entry, is_new] = group_of_name.try_emplace(family.info->name, groups.size());
    if (is_new) groups.emplace_back();
    groups[entry->second].push_back(&family);
  }
  return groups;
}

}  // namespace

void WritePage(const Families& families, Format format, std::string& buffer,
               const PageOutput& output) {
  PageWriter writer(format, buffer, output);
  for (const std::vector<const Family*>& group : GroupByName(families)) {
    writer.StartFamily(*group.front()->info);
    for (const Family* family : group) writer.Write(*family);
  }
  writer.Finish();
}

}  // namespace lvs
