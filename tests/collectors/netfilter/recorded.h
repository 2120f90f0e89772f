// Reads the files recorded_*.txt beside this one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "collectors/netfilter/xtables_entries.h"

namespace lvs::netfilter {

inline std::vector<std::byte> FromHex(const std::string& text) {
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoul(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

// The lines of the file without its comments.
inline std::vector<std::string> RecordedLines(const std::string& name) {
  std::ifstream file(SOURCE_DIR "/tests/collectors/netfilter/" + name);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with('#')) lines.push_back(line);
  }
  if (lines.empty()) throw std::runtime_error("cannot read " + name);
  return lines;
}

struct RecordedMessage {
  std::string kind;  // "table", "chain", "set", "rule" or "elements"
  std::vector<std::byte> payload;
};

inline std::vector<RecordedMessage> RecordedMessages(const std::string& name) {
  std::vector<RecordedMessage> messages;
  for (const std::string& line : RecordedLines(name)) {
    const std::size_t space = line.find(' ');
    messages.push_back({line.substr(0, space), FromHex(line.substr(space + 1))});
  }
  return messages;
}

struct RecordedTable {
  XtablesTable table;
  std::vector<std::byte> entries;
};

inline std::vector<RecordedTable> RecordedTables(const std::string& name) {
  std::vector<RecordedTable> tables;
  for (const std::string& line : RecordedLines(name)) {
    std::istringstream words(line);
    std::string family;
    std::string entries;
    RecordedTable& recorded = tables.emplace_back();
    words >> family >> recorded.table.name;
    recorded.table.family = family == "ipv4" ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
    for (auto& hook : recorded.table.hooks) words >> hook.emplace();
    if (recorded.table.name == "raw") recorded.table.hooks[1].reset();
    words >> entries;
    recorded.entries = FromHex(entries);
  }
  return tables;
}

}  // namespace lvs::netfilter
