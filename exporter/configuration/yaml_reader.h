// A small strict layer over a YAML tree that knows nothing of what it holds: every map is read with
// a table of the keys that it may have, and whatever is not as expected is a complaint with its
// place.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/result.h"
#include "exporter/configuration/yaml_tree.h"

namespace lvs {

// Collects what is wrong with a file and keeps what comes first in it.
class Complaints {
 public:
  // file: what errors call it.
  explicit Complaints(std::string file) : file_(std::move(file)) {}

  // sentence: "KEY.PATH: what was expected, what was found".
  void Add(int line, int column, const std::string& sentence);

  // Whether a complaint of that place would be the one that is kept.
  bool IsFirst(int line, int column) const { return !first_ || std::pair(line, column) < place_; }

  // How many there were: whether something was wrong since.
  std::size_t count() const { return count_; }
  // "FILE:LINE: sentence", kInvalidInput; absent when there was no complaint.
  const std::optional<Error>& first() const { return first_; }
  const std::string& file() const { return file_; }

 private:
  const std::string file_;
  std::size_t count_ = 0;
  std::pair<int, int> place_;  // of first_
  std::optional<Error> first_;
};

class YamlValue;
using YamlEntry = std::pair<std::string, YamlValue>;  // a key and what it holds

// A place in the file and how to speak of it. Cheap to copy; tree and complaints must outlive it.
class YamlValue {
 public:
  YamlValue(const YamlNode& root, Complaints& complaints)
      : node_(&root), complaints_(&complaints) {}

  // "probes.page.http.path", "services[0]"; empty for the whole file.
  const std::string& path() const { return path_; }
  Complaints& complaints() const { return *complaints_; }
  int line() const { return node_->line; }
  bool is_nothing() const { return node_->kind == YamlNode::Kind::kNothing; }
  // "FILE:LINE: PATH", for what is said beside complaints.
  std::string PlaceAndPath() const;

  // Whether a complaint of this place would be the one that is kept.
  bool IsFirstComplaint() const { return complaints_->IsFirst(node_->line, node_->column); }

  // Complain of this place.
  void Refuse(const std::string& sentence) const;
  // "expected WHAT, found what is there".
  void Expected(const std::string& what) const;

  // What is there as the type asked for; when it is of another one, a complaint and nothing.
  std::optional<std::string> Text(const std::string& what) const;  // not empty; what: to expect
  std::optional<bool> Switch() const;                              // true or false
  // or_else: what else the caller takes, for the complaint, such as "auto or ".
  std::optional<std::uint64_t> Whole(std::uint64_t least, std::uint64_t most,
                                     const std::string& or_else = "") const;
  bool IsWord(std::string_view word) const;  // never complains
  std::optional<std::vector<YamlValue>> List() const;
  // A list's items, or what is there as the only one.
  std::optional<std::vector<YamlValue>> ListOrOne() const;
  // A map's entries in the file's order; a key that is given twice is a complaint and left out.
  std::optional<std::vector<YamlEntry>> Entries() const;

  // The value of a key if this is a map that has it. Never complains.
  std::optional<YamlValue> At(std::string_view key) const;

 private:
  YamlValue Child(const YamlNode& node, const std::string& step) const;
  std::string Found() const;

  const YamlNode* node_;
  std::string path_;
  Complaints* complaints_;
};

// Takes over a value, or complains of it.
using Reader = std::function<void(const YamlValue&)>;

// One key that a map may have.
struct Key {
  std::string_view name;
  Reader read;
  std::vector<Key> inner = {};  // those of the map that it holds
};
using Keys = std::vector<Key>;

// Gives every entry of the map to its key's reader. Complains of what is no map, of a key that is
// given twice and of one that is not among the keys.
void ReadMap(const YamlValue& value, const Keys& keys);

// A key that holds a map with these keys.
Key Section(std::string_view name, Keys inner);

// The paths of keys and all inner keys: "http", "http.path".
std::vector<std::string> PathsOf(const Keys& keys);

// "a", "a or b", "a, b or c".
std::string AnyOf(const std::vector<std::string_view>& words);

// "; did you mean `WORD`?" with the candidate that is nearest to the word, empty when none is near.
std::string Suggestion(std::string_view word, const std::vector<std::string_view>& candidates);

// text for a sentence: without control characters, cut after some 60 bytes.
std::string Shown(std::string_view text);

// Readers that put a value into a variable, which must outlive them. T may be an optional.
template <class T>
struct Plain {
  using Type = T;
};
template <class T>
struct Plain<std::optional<T>> {
  using Type = T;
};

// most must fit into T.
template <class T>
Reader WholeInto(T& into, std::uint64_t least, std::uint64_t most) {
  return [&into, least, most](const YamlValue& value) {
    if (const auto number = value.Whole(least, most)) {
      into = static_cast<typename Plain<T>::Type>(*number);
    }
  };
}

Reader SwitchInto(bool& into);
Reader SwitchInto(std::optional<bool>& into);

// kOff: 0 is allowed beside the range, with or without a unit.
enum class Zero { kRefused, kOff };
std::optional<std::chrono::milliseconds> ReadDuration(const YamlValue& value,
                                                      std::chrono::milliseconds least,
                                                      std::chrono::milliseconds most,
                                                      Zero zero = Zero::kRefused);
template <class T>
Reader DurationInto(T& into, std::chrono::milliseconds least, std::chrono::milliseconds most,
                    Zero zero = Zero::kRefused) {
  return [&into, least, most, zero](const YamlValue& value) {
    if (const auto duration = ReadDuration(value, least, most, zero)) into = *duration;
  };
}

// One of a few words.
template <class T>
using Words = std::vector<std::pair<std::string_view, typename Plain<T>::Type>>;
template <class T>
Reader WordInto(T& into, Words<T> words) {
  return [&into, words](const YamlValue& value) {
    std::vector<std::string_view> names;
    for (const auto& [name, meaning] : words) names.push_back(name);
    const auto text = value.Text(AnyOf(names));
    if (!text) return;
    for (const auto& [name, meaning] : words) {
      if (name != *text) continue;
      into = meaning;
      return;
    }
    value.Expected(AnyOf(names));
  };
}

// One of these values by what Name() calls it.
template <class T>
Reader NameInto(T& into, std::initializer_list<typename Plain<T>::Type> values) {
  Words<T> words;
  for (const auto& value : values) words.emplace_back(Name(value), value);
  return WordInto(into, std::move(words));
}

// The path of a file: below the folder of the file that is read unless it begins with /.
Reader FileInto(std::string& into);

// A text that passes a test; what: "a path such as /health".
Reader TextInto(std::string& into, std::string_view what, bool (*passes)(std::string_view));

}  // namespace lvs
