// A YAML text as a tree of plain values with their places: the part of YAML that a configuration
// needs, and nothing that surprises.
#pragma once

#include <string>
#include <vector>

#include "collectors/result.h"

namespace lvs {

struct YamlNode {
  enum class Kind { kNothing, kScalar, kList, kMap };

  Kind kind = Kind::kNothing;
  bool quoted = false;  // a scalar in quotes or a block of text: never a number or a switch
  // Where it is, from 1; in a map: where its key is.
  int line = 1;
  int column = 1;
  std::string key;   // inside a map; a map may have a key twice
  std::string text;  // of a scalar
  std::vector<YamlNode> children;
};

// Where an error is: "FILE:LINE: ".
std::string PlaceText(const std::string& file, int line);

// text: one document; an empty one is kNothing. name: what errors call the file.
// Errors (kInvalidInput, "NAME:LINE: sentence"): what is no YAML; a byte order mark, control
// characters, tabs in an indentation, bytes that are not UTF-8; anchors, aliases and tags; more
// than one document; nested more than 16 deep; more than 500,000 values.
Result<YamlNode> ParseYaml(const std::string& text, const std::string& name);

}  // namespace lvs
