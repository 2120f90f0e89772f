#include "exporter/configuration/yaml_reader.h"

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <unordered_map>

#include "collectors/utf8.h"
#include "exporter/configuration/duration.h"

namespace lvs {
namespace {

std::string Quoted(std::string_view text) { return "`" + Shown(text) + "`"; }

// How many characters must change, come or go to make one word of the other.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

void Complaints::Add(int line, int column, const std::string& sentence) {
  ++count_;
  if (!IsFirst(line, column)) return;
  place_ = {line, column};
  first_ = Error{ErrorCode::kInvalidInput, PlaceText(file_, line) + sentence};
}

std::string YamlValue::PlaceAndPath() const {
  return PlaceText(complaints_->file(), node_->line) + path_;
}

void YamlValue::Refuse(const std::string& sentence) const {
  complaints_->Add(node_->line, node_->column, path_.empty() ? sentence : path_ + ": " + sentence);
}

void YamlValue::Expected(const std::string& what) const {
  Refuse("expected " + what + ", found " + Found());
}

std::string YamlValue::Found() const {
  switch (node_->kind) {
    case YamlNode::Kind::kNothing:
      return "nothing";
    case YamlNode::Kind::kList:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a map";
    case YamlNode::Kind::kScalar:
      break;
  }
  if (node_->text.empty()) return "an empty text";
  return node_->quoted ? "the text \"" + Shown(node_->text) + "\"" : Quoted(node_->text);
}

std::optional<std::string> YamlValue::Text(const std::string& what) const {
  if (node_->kind == YamlNode::Kind::kScalar && !node_->text.empty()) return node_->text;
  Expected(what);
  return std::nullopt;
}

std::optional<bool> YamlValue::Switch() const {
  const bool is_plain = node_->kind == YamlNode::Kind::kScalar && !node_->quoted;
  if (is_plain && node_->text == "true") return true;
  if (is_plain && node_->text == "false") return false;
  Expected("true or false");
  return std::nullopt;
}

std::optional<std::uint64_t> YamlValue::Whole(std::uint64_t least, std::uint64_t most,
                                              const std::string& or_else) const {
  if (node_->kind == YamlNode::Kind::kScalar && !node_->quoted) {
    const std::optional<std::uint64_t> number = ParseWhole(node_->text);
    if (number && *number >= least && *number <= most) return number;
  }
  Expected(or_else + "a whole number from " + std::to_string(least) + " to " +
           std::to_string(most));
  return std::nullopt;
}

bool YamlValue::IsWord(std::string_view word) const {
  return node_->kind == YamlNode::Kind::kScalar && node_->text == word;
}

std::optional<std::vector<YamlValue>> YamlValue::List() const {
  if (node_->kind != YamlNode::Kind::kList) {
    Expected("a list");
    return std::nullopt;
  }
  std::vector<YamlValue> items;
  for (const YamlNode& child : node_->children) {
    items.push_back(Child(child, "[" + std::to_string(items.size()) + "]"));
  }
  return items;
}

std::optional<std::vector<YamlValue>> YamlValue::ListOrOne() const {
  if (node_->kind != YamlNode::Kind::kList) return std::vector{*this};
  return List();
}

std::optional<std::vector<YamlEntry>> YamlValue::Entries() const {
  if (node_->kind != YamlNode::Kind::kMap) {
    Expected("a map");
    return std::nullopt;
  }
  std::vector<YamlEntry> entries;
  std::unordered_map<std::string_view, int> lines;
  for (const YamlNode& child : node_->children) {
    const YamlValue value = Child(child, (path_.empty() ? "" : ".") + Shown(child.key));
    const auto [line, is_new] = lines.emplace(child.key, child.line);
    if (is_new) {
      entries.emplace_back(child.key, value);
    } else {
      value.Refuse("given twice, first in line " + std::to_string(line->second));
    }
  }
  return entries;
}

std::optional<YamlValue> YamlValue::At(std::string_view key) const {
  if (node_->kind != YamlNode::Kind::kMap) return std::nullopt;
  const auto child = std::ranges::find(node_->children, key, &YamlNode::key);
  if (child == node_->children.end()) return std::nullopt;
  return Child(*child, (path_.empty() ? "" : ".") + Shown(child->key));
}

YamlValue YamlValue::Child(const YamlNode& node, const std::string& step) const {
  YamlValue child(node, *complaints_);
  child.path_ = path_ + step;
  return child;
}

void ReadMap(const YamlValue& value, const Keys& keys) {
  const auto entries = value.Entries();
  if (!entries) return;
  for (const auto& [name, entry] : *entries) {
    const auto key = std::ranges::find(keys, name, &Key::name);
    if (key != keys.end()) {
      key->read(entry);
    } else {
      std::vector<std::string_view> names;
      for (const Key& known : keys) names.push_back(known.name);
      entry.Refuse("unknown key" + Suggestion(name, names));
    }
  }
}

Key Section(std::string_view name, Keys inner) {
  return {name, [inner](const YamlValue& value) { ReadMap(value, inner); }, inner};
}

std::vector<std::string> PathsOf(const Keys& keys) {
  std::vector<std::string> paths;
  for (const Key& key : keys) {
    paths.emplace_back(key.name);
    for (const std::string& inner : PathsOf(key.inner)) {
      paths.push_back(std::string(key.name) + "." + inner);
    }
  }
  return paths;
}

std::string AnyOf(const std::vector<std::string_view>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

std::string Suggestion(std::string_view word, const std::vector<std::string_view>& candidates) {
  constexpr std::size_t kNear = 2;
  std::size_t least = kNear + 1;
  std::string_view nearest;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > word.size() + kNear || word.size() > candidate.size() + kNear) continue;
    const std::size_t distance = Distance(word, candidate);
    if (distance >= least || distance >= candidate.size()) continue;
    least = distance;
    nearest = candidate;
  }
  return nearest.empty() ? "" : "; did you mean " + Quoted(nearest) + "?";
}

std::string Shown(std::string_view text) {
  constexpr std::size_t kMost = 60;
  std::string shown(text.substr(0, kMost));
  if (text.size() > kMost) {
    while (!shown.empty() && !IsValidUtf8(shown)) shown.pop_back();  // cut inside a character
    shown += "...";
  }
  std::ranges::replace_if(
      shown, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return shown;
}

Reader SwitchInto(bool& into) {
  return [&into](const YamlValue& value) { into = value.Switch().value_or(into); };
}

Reader SwitchInto(std::optional<bool>& into) {
  return [&into](const YamlValue& value) {
    if (const auto is_on = value.Switch()) into = is_on;
  };
}

std::optional<std::chrono::milliseconds> ReadDuration(const YamlValue& value,
                                                      std::chrono::milliseconds least,
                                                      std::chrono::milliseconds most, Zero zero) {
  const std::string what = "a duration from " + DurationText(least) + " to " + DurationText(most) +
                           (zero == Zero::kOff ? ", or 0 for off" : "");
  const auto text = value.Text(what);
  if (!text) return std::nullopt;
  const auto duration =
      zero == Zero::kOff && *text == "0" ? std::chrono::milliseconds(0) : ParseDuration(*text);
  const bool is_off = zero == Zero::kOff && duration == std::chrono::milliseconds(0);
  if (duration && (is_off || (*duration >= least && *duration <= most))) return duration;
  value.Expected(what);
  return std::nullopt;
}

Reader TextInto(std::string& into, std::string_view what, bool (*passes)(std::string_view)) {
  return [&into, what, passes](const YamlValue& value) {
    auto text = value.Text(std::string(what));
    if (!text) return;
    if (passes(*text)) {
      into = std::move(*text);
    } else {
      value.Expected(std::string(what));
    }
  };
}

Reader FileInto(std::string& into) {
  return [&into](const YamlValue& value) {
    std::string path;
    TextInto(path, "a path",
             [](std::string_view text) { return text.find('\0') == text.npos; })(value);
    if (path.empty()) return;
    into = (std::filesystem::path(value.complaints().file()).parent_path() / path).string();
  };
}

}  // namespace lvs
