// Feeds text to what reads keepalived: lines of its pipe, in pieces, and its JSON file.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "collectors/director/keepalived.h"
#include "collectors/director/notify_fifo.h"
#include "collectors/director/vrrp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lvs::director;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Vrrp vrrp;
  if (const auto reports = ParseVrrpJson(text); reports.ok()) vrrp.TellAll(reports.value());

  // However the text is cut, the lines are the same.
  LineSplitter whole;
  LineSplitter pieces;
  std::vector<std::string> lines;
  const std::size_t step = size == 0 ? 1 : 1 + data[0] % 7;
  for (std::size_t at = 0; at < size; at += step) {
    for (auto& line : pieces.Add(text.substr(at, step))) lines.push_back(std::move(line));
  }
  if (whole.Add(text) != lines) std::abort();
  for (const std::string& line : lines) {
    const auto report = ParseNotifyLine(line);
    if (report.ok() && report.value()) vrrp.Tell(*report.value());
  }
  for (const VrrpInstance& instance : vrrp.instances()) {
    if (static_cast<int>(instance.state) > 3) std::abort();
  }
  static_cast<void>(ParsePid(text));
  static_cast<void>(TakesSignal(text, 36));
  return 0;
}
