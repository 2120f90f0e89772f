#include "tests/support/golden.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

namespace lvs {
namespace {

bool IsUpdate() {
  const char* const update = std::getenv("UPDATE_GOLDEN");
  return update != nullptr && std::string(update) == "1";
}

std::string Read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void Write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string Line(std::istream& in) {
  std::string line;
  return std::getline(in, line) ? line : "(end)";
}

// Names the first line that differs; all of both would bury it.
void ExpectSame(const std::string& what, const std::string& expected, const std::string& actual) {
  if (expected == actual) return;
  std::istringstream of_expected(expected);
  std::istringstream of_actual(actual);
  for (int number = 1;; ++number) {
    const std::string before = Line(of_expected);
    const std::string now = Line(of_actual);
    if (before == now && before != "(end)") continue;
    ADD_FAILURE() << what << " differs at line " << number << "\n  in the repository: " << before
                  << "\n  now:               " << now
                  << "\nIf that is meant, run the test with UPDATE_GOLDEN=1 and read the diff.";
    return;
  }
}

}  // namespace

void ExpectGolden(const std::string& name, const std::string& text) {
  const std::string path = std::string(SOURCE_DIR) + "/tests/golden/" + name;
  if (IsUpdate()) return Write(path, text);
  ExpectSame(path, Read(path), text);
}

void ExpectGoldenBlock(const std::string& path, const std::string& name, const std::string& text) {
  const std::string file = std::string(SOURCE_DIR) + "/" + path;
  std::string content = Read(file);
  const std::string begin_mark = "<!-- " + name + " -->\n";
  const std::size_t mark = content.find(begin_mark);
  const std::size_t begin = mark + begin_mark.size();
  const std::size_t end = content.find("<!-- /" + name + " -->");
  ASSERT_NE(mark, std::string::npos) << file << " has no block " << name;
  ASSERT_NE(end, std::string::npos) << file << " does not end its block " << name;
  if (IsUpdate()) return Write(file, content.replace(begin, end - begin, text));
  ExpectSame("block " + name + " of " + path, content.substr(begin, end - begin), text);
}

}  // namespace lvs
