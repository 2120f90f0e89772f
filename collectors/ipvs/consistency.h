// Comparing and mending the kernel's lists of services and of backends, which are not consistent
// while rules change: a dump goes on by index, so that an entry added meanwhile shows another one
// twice and an entry removed hides another one (seen on Linux 6.1). Pure.
//
// T is Service or Backend: anything with an ordered member key.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

namespace lvs::ipvs {

template <class T>
using KeyOf = decltype(T::key);

// The usual case, and cheap: the same entries in the same order.
template <class T>
bool SameKeys(const std::vector<T>& left, const std::vector<T>& right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const T& a, const T& b) { return a.key == b.key; });
}

template <class T>
std::vector<KeyOf<T>> SortedKeys(const std::vector<T>& list) {
  std::vector<KeyOf<T>> keys;
  keys.reserve(list.size());
  for (const T& entry : list) keys.push_back(entry.key);
  std::sort(keys.begin(), keys.end());
  return keys;
}

// Keeps the entries for which keep(index) is true, in their order. Entries that go are swapped to
// the end first, so that what they hold is not moved twice.
template <class T, class Keep>
void KeepIf(std::vector<T>& list, const Keep& keep) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!keep(i)) continue;
    if (kept != i) std::swap(list[kept], list[i]);
    ++kept;
  }
  list.resize(kept);
}

// Of entries with one key the last stays. Returns how many went.
template <class T>
std::size_t RemoveDuplicates(std::vector<T>& list) {
  std::vector<std::size_t> order(list.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const auto by_key = list[a].key <=> list[b].key;
    return by_key == 0 ? a < b : by_key < 0;
  });
  std::vector<bool> superseded(list.size());
  std::size_t count = 0;
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (list[order[i - 1]].key != list[order[i]].key) continue;
    superseded[order[i - 1]] = true;
    ++count;
  }
  if (count > 0) KeepIf(list, [&](std::size_t i) { return !superseded[i]; });
  return count;
}

// The keys of before that are not in now, in the order of before.
template <class T>
std::vector<KeyOf<T>> MissingKeys(const std::vector<T>& before, const std::vector<T>& now) {
  const std::vector<KeyOf<T>> present = SortedKeys(now);
  std::vector<KeyOf<T>> missing;
  for (const T& entry : before) {
    if (!std::binary_search(present.begin(), present.end(), entry.key)) {
      missing.push_back(entry.key);
    }
  }
  return missing;
}

// Adds to list what only again has, and takes the values of again for what both have: list then
// has everything that was seen in either.
template <class T>
void Merge(std::vector<T>& list, std::vector<T>& again) {
  const std::vector<KeyOf<T>> newer = SortedKeys(again);
  for (T& entry : list) {
    if (!std::binary_search(newer.begin(), newer.end(), entry.key)) {
      again.push_back(std::move(entry));
    }
  }
  list.swap(again);
}

}  // namespace lvs::ipvs
