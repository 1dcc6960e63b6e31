#pragma once

#include <cstddef>
#include <deque>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// YAML text as a tree that knows lines, tags, aliases and null keys (contract 01, section 2.1). yaml-cpp reads, as a source of
/// events only; what it would let pass (unterminated quotes, foreign directives, bad UTF-8, aliases to an open collection) is
/// refused here.
namespace cobble::layers {

/// One value. Aliases are shared: several parents may point to the same node, never a node to its own ancestor.
struct YamlNode {
  enum class Kind { null, scalar, sequence, mapping };
  using Pair = std::pair<const YamlNode*, const YamlNode*>;

  Kind kind = Kind::null;
  bool quoted = false;         ///< a scalar in quotes or a block scalar
  bool explicit_null = false;  ///< `~` or `null`, not just nothing
  bool alias_target = false;
  int line = 0;      ///< from 1
  int column = 0;    ///< from 1
  std::string tag;   ///< empty when there was none: `tag:yaml.org,2002:int`, `!mine`
  std::string text;  ///< of a scalar
  std::vector<const YamlNode*> items;
  std::vector<Pair> pairs;  ///< in document order, `<<` included
};

/// Owns the nodes of one document.
struct YamlTree {
  std::deque<YamlNode> nodes;
  const YamlNode* root = nullptr;  ///< null: an empty document
};

/// Deepest nesting that is read.
inline constexpr std::size_t max_yaml_depth = 500;

/// Reads the first document of `text`. The error is `yaml: line N: PROBLEM` or `yaml: PROBLEM`.
std::expected<YamlTree, std::string> parse_yaml(std::string_view text);

}  // namespace cobble::layers
