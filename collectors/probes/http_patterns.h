// What a probe expects of an HTTP answer's header and body, compiled.
#pragma once

#include <re2/re2.h>

#include <memory>
#include <string>
#include <vector>

#include "collectors/probes/probe.h"
#include "collectors/result.h"

namespace lvs::probes {

// Patterns are RE2, unanchored, over bytes (Latin-1): an answer need not be UTF-8, and a pattern of
// UTF-8 text matches its own bytes. Immutable once made; any thread.
class HttpPatterns {
 public:
  struct Header {
    std::string name;
    std::unique_ptr<const RE2> pattern;
  };

  // Errors (kInvalidInput): "KEY: sentence" with the key of the pattern that RE2 rejects or that
  // would take more memory than a pattern may.
  static Result<std::shared_ptr<const HttpPatterns>> Compile(const HttpOptions& options);

  const RE2* expect_body() const { return expect_body_.get(); }  // null: none
  const RE2* reject_body() const { return reject_body_.get(); }  // null: none
  const std::vector<Header>& expect_header() const { return expect_header_; }

 private:
  HttpPatterns() = default;

  std::unique_ptr<const RE2> expect_body_;
  std::unique_ptr<const RE2> reject_body_;
  std::vector<Header> expect_header_;
};

}  // namespace lvs::probes
