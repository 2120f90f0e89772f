// A connection table whose reads cost what a test says, on a clock that the test owns.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "collectors/connections/pass.h"
#include "collectors/connections/table_file.h"

namespace lvs::fake {

// CPU time that passes only when a scripted read takes it.
struct CpuClock {
  connections::CpuTime now{};
};

// Gives the same row again and again, a page at a time.
class ScriptedRows : public connections::RowSource {
 public:
  static constexpr std::size_t kRowsPerRead = 62;  // as Linux 6.1 gives IPv4 rows
  static constexpr std::string_view kRow =
      "TCP C0000201 8001 0A000001 0050 0A010001 0050 ESTABLISHED LOCAL      899\n";

  // cost: of the n-th read, counted from 0. rows: of the whole table.
  ScriptedRows(std::size_t rows, CpuClock& clock,
               std::function<connections::CpuTime(std::size_t n)> cost)
      : left_(rows), clock_(clock), cost_(std::move(cost)) {}

  // The n-th read fails.
  ScriptedRows& FailAt(std::size_t n) {
    fail_at_ = n;
    return *this;
  }
  // Called in the n-th read.
  ScriptedRows& At(std::size_t n, std::function<void()> what) {
    at_ = n;
    what_ = std::move(what);
    return *this;
  }

  connections::Format format() const override { return connections::Format::kSync; }

  Result<std::size_t> Read(std::span<char> buffer) override {
    const std::size_t n = reads_++;
    clock_.now += cost_(n);
    if (n == at_ && what_) what_();
    if (n == fail_at_) return Error{ErrorCode::kSystem, "table: I/O error"};
    const std::size_t rows = std::min(left_, kRowsPerRead);
    left_ -= rows;
    for (std::size_t i = 0; i < rows; ++i) kRow.copy(buffer.data() + i * kRow.size(), kRow.size());
    return rows * kRow.size();
  }

 private:
  std::size_t left_;
  CpuClock& clock_;
  const std::function<connections::CpuTime(std::size_t)> cost_;
  std::size_t reads_ = 0;
  std::optional<std::size_t> fail_at_;
  std::optional<std::size_t> at_;
  std::function<void()> what_;
};

}  // namespace lvs::fake
