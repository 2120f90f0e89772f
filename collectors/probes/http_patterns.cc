#include "collectors/probes/http_patterns.h"

#include <cstdint>
#include <utility>

namespace lvs::probes {
namespace {

// Of one pattern, the states of its automaton included.
constexpr std::int64_t kMaxPatternMemory = std::int64_t{1} << 20;

Result<std::unique_ptr<const RE2>> CompileOne(const std::string& key, const std::string& pattern) {
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_log_errors(false);
  options.set_max_mem(kMaxPatternMemory);
  auto compiled = std::make_unique<const RE2>(pattern, options);
  if (!compiled->ok()) {
    return Error{ErrorCode::kInvalidInput, key + ": " + compiled->error()};
  }
  return compiled;
}

}  // namespace

Result<std::shared_ptr<const HttpPatterns>> HttpPatterns::Compile(const HttpOptions& options) {
  const std::shared_ptr<HttpPatterns> patterns(new HttpPatterns());
  if (!options.expect_body.empty()) {
    auto compiled = CompileOne("http.expect_body", options.expect_body);
    if (!compiled.ok()) return compiled.error();
    patterns->expect_body_ = std::move(compiled.value());
  }
  if (!options.reject_body.empty()) {
    auto compiled = CompileOne("http.reject_body", options.reject_body);
    if (!compiled.ok()) return compiled.error();
    patterns->reject_body_ = std::move(compiled.value());
  }
  for (const auto& [name, pattern] : options.expect_header) {
    auto compiled = CompileOne("http.expect_header." + name, pattern);
    if (!compiled.ok()) return compiled.error();
    patterns->expect_header_.push_back({name, std::move(compiled.value())});
  }
  return std::shared_ptr<const HttpPatterns>(patterns);
}

}  // namespace lvs::probes
