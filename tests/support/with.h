// A struct of options with some members set and the rest left at its default.
//
//     With(&HttpOptions::expect_body, "ok", &HttpOptions::max_body, 1024)
#pragma once

#include <utility>

namespace lvs {

// Members and values in turn.
template <class Options, class Member, class Value, class... More>
Options With(Member Options::*member, Value&& value, More&&... more) {
  Options options;
  if constexpr (sizeof...(More) > 0) options = With(std::forward<More>(more)...);
  options.*member = static_cast<Member>(std::forward<Value>(value));
  return options;
}

}  // namespace lvs
