#include "exporter/configuration/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "collectors/utf8.h"

namespace lvs {
namespace {

constexpr std::size_t kMaxDepth = 16;
constexpr std::size_t kMaxValues = 500'000;

// Ends the parsing; caught in ParseYaml.
[[noreturn]] void Refuse(const YAML::Mark& mark, const std::string& sentence) {
  throw YAML::ParserException(mark, sentence);
}

// Takes the events of one document. Works on events and not on yaml-cpp's nodes, which silently
// keep a key that is given twice and follow aliases.
class TreeBuilder : public YAML::EventHandler {
 public:
  YamlNode Take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) Refuse(mark, "a second document begins; expected one");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    CheckPlain(mark, "?", anchor);
    Add(mark, NodeAt(mark, YamlNode::Kind::kNothing));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { RefuseAnchor(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    CheckPlain(mark, tag, anchor);
    YamlNode node = NodeAt(mark, YamlNode::Kind::kScalar);
    node.quoted = tag == "!";
    node.text = value;
    Add(mark, std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, YamlNode::Kind::kList);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, YamlNode::Kind::kMap);
  }
  void OnMapEnd() override { Close(); }

 private:
  // A list or map whose end has not come.
  struct Unfinished {
    YamlNode node;
    YAML::Mark mark;
    std::optional<YamlNode> key;  // of a map, once it was read and until its value comes
  };

  static YamlNode NodeAt(const YAML::Mark& mark, YamlNode::Kind kind) {
    YamlNode node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }

  [[noreturn]] static void RefuseAnchor(const YAML::Mark& mark) {
    Refuse(mark, "anchors (&name) and aliases (*name) are not supported");
  }

  static void CheckPlain(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) RefuseAnchor(mark);
    if (!tag.empty() && tag != "?" && tag != "!") Refuse(mark, "tags (!name) are not supported");
  }

  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YamlNode::Kind kind) {
    CheckPlain(mark, tag, anchor);
    if (open_.size() == kMaxDepth) {
      Refuse(mark, "nested more than " + std::to_string(kMaxDepth) + " deep");
    }
    open_.push_back({NodeAt(mark, kind), mark, std::nullopt});
  }

  void Close() {
    Unfinished done = std::move(open_.back());
    open_.pop_back();
    Add(done.mark, std::move(done.node));
  }

  void Add(const YAML::Mark& mark, YamlNode node) {
    if (++values_ > kMaxValues) {
      Refuse(mark, "more than " + std::to_string(kMaxValues) + " values");
    }
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Unfinished& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::kMap) {
      if (!parent.key) {
        if (node.kind != YamlNode::Kind::kScalar) Refuse(mark, "a key must be a word");
        parent.key = std::move(node);
        return;
      }
      node.key = std::move(parent.key->text);
      node.line = parent.key->line;
      node.column = parent.key->column;
      parent.key.reset();
    }
    parent.node.children.push_back(std::move(node));
  }

  YamlNode root_;
  std::vector<Unfinished> open_;  // outermost first
  std::size_t values_ = 0;
  int documents_ = 0;
};

// What is wrong with the line before YAML is asked.
std::optional<std::string> WrongBytes(std::string_view line) {
  const std::size_t content = std::min(line.find_first_not_of(" \t"), line.size());
  if (line.substr(0, content).find('\t') != line.npos) {
    return "a tab in the indentation; expected spaces";
  }
  for (const char c : line) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0) return "a NUL byte; expected text";
    if ((byte < 0x20 && c != '\t' && c != '\r') || byte == 0x7f) {
      return "control character " + std::to_string(byte) + "; expected text";
    }
  }
  if (!IsValidUtf8(line)) return "bytes that are not UTF-8; expected text in UTF-8";
  return std::nullopt;
}

std::optional<std::string> WrongText(std::string_view text, const std::string& name) {
  if (text.starts_with("\xef\xbb\xbf")) {
    return PlaceText(name, 1) + "a byte order mark; expected UTF-8 without it";
  }
  for (int line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (const auto wrong = WrongBytes(text.substr(0, end))) return PlaceText(name, line) + *wrong;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::nullopt;
}

// yaml-cpp's message, and where it is known what people did, that.
std::string WithHint(const std::string& message) {
  struct Hint {
    std::string_view message;
    std::string_view hint;
  };
  const Hint kHints[] = {
      // yaml-cpp 0.7 ends a text at a question mark where the text stands between braces.
      {YAML::ErrorMsg::UNKNOWN_TOKEN,
       "a text with special characters needs quotes, between { } also one with ?"},
      {YAML::ErrorMsg::END_OF_MAP, "wrong indentation, or a text that needs quotes"},
      {YAML::ErrorMsg::END_OF_SEQ, "wrong indentation, or a text that needs quotes"},
      {YAML::ErrorMsg::EOF_IN_SCALAR, "a quote is not closed"}};
  const auto hint = std::ranges::find(kHints, message, &Hint::message);
  if (hint == std::end(kHints)) return message;
  return message + "; " + std::string(hint->hint);
}

// yaml-cpp 0.7 takes a quote that is never closed, and everything behind it, as a text where the
// file ends with a line feed; without one it is an error.
std::string WithoutFinalSpace(const std::string& text) {
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  return last == text.npos ? "" : text.substr(0, last + 1);
}

}  // namespace

std::string PlaceText(const std::string& file, int line) {
  return file + ":" + std::to_string(line) + ": ";
}

Result<YamlNode> ParseYaml(const std::string& text, const std::string& name) {
  if (auto wrong = WrongText(text, name)) return Error{ErrorCode::kInvalidInput, *wrong};
  // yaml-cpp speaks in exceptions only; here they become errors.
  try {
    std::istringstream stream(WithoutFinalSpace(text));
    YAML::Parser parser(stream);
    TreeBuilder builder;
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.Take();
  } catch (const YAML::Exception& e) {
    const int line = std::max(e.mark.line, 0) + 1;
    return Error{ErrorCode::kInvalidInput, PlaceText(name, line) + WithHint(e.msg)};
  }
}

}  // namespace lvs
