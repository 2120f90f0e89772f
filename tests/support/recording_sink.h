// Families as lines that a test can compare.
#pragma once

#include <string>
#include <vector>

#include "collectors/metric.h"

namespace lvs {

// Every sample of a family as "SUFFIX{labels} value", in the order written.
inline std::vector<std::string> Record(const Family& family) {
  class RecordingSink : public Sink {
   public:
    void Sample(std::string_view suffix, std::string_view labels, std::string_view more,
                Number value) override {
      std::string line(suffix);
      line.append("{").append(labels);
      if (!labels.empty() && !more.empty()) line += ',';
      line.append(more).append("} ");
      switch (value.kind()) {
        case Number::Kind::kUnsigned:
          line += std::to_string(value.as_unsigned());
          break;
        case Number::Kind::kSigned:
          line += std::to_string(value.as_signed());
          break;
        case Number::Kind::kDouble:
          line += std::to_string(value.AsDouble());
          break;
      }
      lines.push_back(line);
    }
    std::vector<std::string> lines;
  };
  RecordingSink sink;
  family.write(sink);
  return sink.lines;
}

// The samples of the families with this name; empty when there is none.
inline std::vector<std::string> Record(const Families& families, std::string_view name) {
  std::vector<std::string> lines;
  for (const Family& family : families) {
    if (family.info->name != name) continue;
    for (std::string& line : Record(family)) lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace lvs
