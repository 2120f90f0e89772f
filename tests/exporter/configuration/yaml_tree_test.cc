#include "exporter/configuration/yaml_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lvs {
namespace {

YamlNode Tree(const std::string& text) {
  Result<YamlNode> tree = ParseYaml(text, "f");
  if (tree.ok()) return std::move(tree.value());
  ADD_FAILURE() << tree.error().message;
  return {};
}

std::string Wrong(const std::string& text) {
  const Result<YamlNode> tree = ParseYaml(text, "f");
  if (!tree.ok()) return tree.error().message;
  ADD_FAILURE() << "was taken: " << text;
  return "";
}

std::string Repeated(int count, const std::string& text) {
  std::string repeated;
  for (int i = 0; i < count; ++i) repeated += text;
  return repeated;
}

TEST(YamlTree, HasKeysTextsAndPlaces) {
  const YamlNode root = Tree("# first\na: 1\nb:\n  - \"2\"\n  - {c: ::1}\n");
  ASSERT_EQ(root.kind, YamlNode::Kind::kMap);
  ASSERT_EQ(root.children.size(), 2U);
  EXPECT_EQ(root.children[0].key, "a");
  EXPECT_EQ(root.children[0].text, "1");
  EXPECT_FALSE(root.children[0].quoted);
  const YamlNode& list = root.children[1];
  EXPECT_EQ(list.kind, YamlNode::Kind::kList);
  EXPECT_EQ(list.line, 3) << "where its key is";
  ASSERT_EQ(list.children.size(), 2U);
  EXPECT_TRUE(list.children[0].quoted);
  EXPECT_EQ(list.children[0].line, 4);
  EXPECT_EQ(list.children[1].children[0].text, "::1");
  EXPECT_EQ(list.children[1].children[0].line, 5);
  EXPECT_EQ(list.children[1].children[0].column, 6);
}

TEST(YamlTree, OfAnEmptyTextIsNothing) {
  for (const char* text : {"", "\n", "# only a comment\n", "---\n", "~"}) {
    EXPECT_EQ(Tree(text).kind, YamlNode::Kind::kNothing) << text;
  }
}

TEST(YamlTree, KeepsAKeyThatIsGivenTwice) { EXPECT_EQ(Tree("a: 1\na: 2\n").children.size(), 2U); }

TEST(YamlTree, RefusesWhatSurprises) {
  const std::pair<std::string, std::string> wrong[] = {
      {"a: 1\n\tb: 2\n", "f:2: a tab in the indentation; expected spaces"},
      {"\xef\xbb\xbf"
       "a: 1\n",
       "f:1: a byte order mark; expected UTF-8 without it"},
      {std::string("\xff\xfe"
                   "a\0",
                   4),
       "f:1: a NUL byte; expected text"},
      {std::string("a: 1\nb: \0\n", 10), "f:2: a NUL byte; expected text"},
      {"a: 1\n\nb: \x1b\n", "f:3: control character 27; expected text"},
      {"a: caf\xe9\n", "f:1: bytes that are not UTF-8; expected text in UTF-8"},
      {"a: &x 1\nb: *x\n", "f:1: anchors (&name) and aliases (*name) are not supported"},
      {"a: *x\n", "f:1: the referenced anchor is not defined"},
      {"a: &x {b: 1}\n<<: *x\n", "f:1: anchors (&name) and aliases (*name) are not supported"},
      {"a: !!int 5\n", "f:1: tags (!name) are not supported"},
      {"a: !x [1]\n", "f:1: tags (!name) are not supported"},
      {"a: 1\n---\nb: 2\n", "f:2: a second document begins; expected one"},
      {"{a: 1}: 2\n", "f:1: a key must be a word"},
      {"? [a]\n: 2\n", "f:1: a key must be a word"},
      {"~: 2\n", "f:1: a key must be a word"},
      {"a: [1, 2\n", "f:1: end of sequence flow not found"},
      {"a: b: c\n", "f:1: illegal map value"},
      {"a: 1\n b: 2\n", "f:2: illegal map value"},
      {"a: [1]\n  b: 2\n",
       "f:2: end of map not found; wrong indentation, or a text that needs quotes"},
      {"a: \"x\nb: 1\n\n", "f:2: illegal EOF in scalar; a quote is not closed"},
      {"a: 'x  \n", "f:1: illegal EOF in scalar; a quote is not closed"},
      {"a: {b: /c?d}\n",
       "f:1: unknown token; a text with special characters needs quotes, between { } also one "
       "with ?"},
      {Repeated(17, "["), "f:1: nested more than 16 deep"},
      {Repeated(100'000, "["), "f:1: nested more than 16 deep"},
      {Repeated(100'000, "- "), "f:1: nested more than 16 deep"},
      {"[" + Repeated(500'000, "1,") + "1]", "f:1: more than 500000 values"},
  };
  for (const auto& [text, sentence] : wrong) {
    EXPECT_EQ(Wrong(text), sentence) << text.substr(0, 100);
  }
}

TEST(YamlTree, TakesTabsThatAreNoIndentation) {
  EXPECT_EQ(Tree("a: b\t# comment\n").children[0].text, "b");
}

}  // namespace
}  // namespace lvs
