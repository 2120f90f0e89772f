// Errors as values: what can fail returns a Result<T>, and an Error says in one sentence which step
// failed, on what, and why.
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace lvs {

// What kind of trouble it is, for code that acts on it. The sentence is for people.
enum class ErrorCode {
  kModuleAbsent,  // the kernel has no ip_vs right now; normal on a machine that does not direct yet
  kNoPermission,  // EPERM or EACCES
  kNotFound,      // the object asked for is gone (ESRCH, ENOENT)
  kNotSupported,  // this kernel has no such command (EOPNOTSUPP)
  kTimeout,       // a deadline passed
  kInterrupted,   // what was listed changed meanwhile: ask again
  kConnection,    // the socket is no longer usable: reopen it
  kMalformed,     // bytes that do not follow their format
  kSystem,        // any other system call or kernel error
  kInvalidInput,  // flags, files or requests that people wrote
  kStopped,       // the program ends: do not ask again
};

struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::kSystem;
  std::string message;  // one sentence, no final full stop, no line feed
};

// A value or an Error. Ask ok() first; value() and error() assert it.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : content_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return std::holds_alternative<T>(content_); }
  T& value() {
    assert(ok() && "value() of a failed Result");
    return *std::get_if<T>(&content_);
  }
  const T& value() const {
    assert(ok() && "value() of a failed Result");
    return *std::get_if<T>(&content_);
  }
  const Error& error() const {
    assert(!ok() && "error() of a successful Result");
    return *std::get_if<Error>(&content_);
  }

 private:
  std::variant<T, Error> content_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return !error_.has_value(); }
  const Error& error() const {
    assert(!ok() && "error() of a successful Result");
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace lvs
