// Lists of ranges, the form in which conditions on ports, protocols and addresses are compared.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

namespace lvs::netfilter {

// Both ends included; first <= last.
template <class Value>
struct Range {
  Value first;
  Value last;

  bool operator==(const Range&) const = default;
};

// One of the ranges. Empty: nothing fits.
template <class Value>
using Ranges = std::vector<Range<Value>>;

// Sorts, and makes one of ranges that overlap; neighbours stay apart, as people wrote them.
template <class Value>
void Normalize(Ranges<Value>& ranges) {
  std::ranges::sort(ranges, {}, &Range<Value>::first);
  Ranges<Value> merged;
  for (const Range<Value>& range : ranges) {
    if (!merged.empty() && range.first <= merged.back().last) {
      merged.back().last = std::max(merged.back().last, range.last);
    } else {
      merged.push_back(range);
    }
  }
  ranges = std::move(merged);
}

// What is in both. Both normalized, and so is the result.
template <class Value>
Ranges<Value> Intersect(const Ranges<Value>& a, const Ranges<Value>& b) {
  Ranges<Value> both;
  for (auto one = a.begin(), other = b.begin(); one != a.end() && other != b.end();) {
    const Value first = std::max(one->first, other->first);
    const Value last = std::min(one->last, other->last);
    if (first <= last) both.push_back({first, last});
    if (one->last < other->last) {
      ++one;
    } else {
      ++other;
    }
  }
  return both;
}

}  // namespace lvs::netfilter
