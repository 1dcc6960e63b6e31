#include <cstddef>
#include <iostream>
#include <string>
#include <string_view>

#include "layers/keys.h"
#include "layers/quote.h"
#include "layers/yaml_tree.h"

using namespace cobble::layers;

namespace {

/// Largest normal form that is printed: aliases may multiply a small text.
constexpr std::size_t longest_form = 1 << 20;

/// The tree in a form that another reader's tree can be put into too: `~`, quoted scalars, `[…]`, `{key:value,…}`.
void append_form(std::string& out, const YamlNode& node) {
  if (out.size() > longest_form) return;
  switch (node.kind) {
    case YamlNode::Kind::null:
      out += '~';
      return;
    case YamlNode::Kind::scalar:
      out += quote(node.text);
      return;
    case YamlNode::Kind::sequence:
      out += '[';
      for (const YamlNode* item : node.items) {
        append_form(out, *item);
        out += ',';
      }
      out += ']';
      return;
    case YamlNode::Kind::mapping:
      out += '{';
      for (const auto& [key, value] : node.pairs) {
        append_form(out, *key);
        out += ':';
        append_form(out, *value);
        out += ',';
      }
      out += '}';
      return;
  }
}

std::string judge(const std::string& text) {
  const auto tree = parse_yaml(text);
  if (!tree) return "refuse " + quote(tree.error());
  std::string out = "accept ";
  if (tree->root == nullptr) return out + "~";
  append_form(out, *tree->root);
  return out;
}

}  // namespace

/// Reads YAML texts from stdin, each as its length in bytes, a line end, and the bytes; prints a line for each: `accept FORM` or
/// `refuse "MESSAGE"`. For the differential test. With
/// `--keys`: prints where keys of a layer stand, what they are called and what they are for.
int main(int count, char** arguments) {
  std::ios::sync_with_stdio(false);
  if (count > 1 && std::string_view(arguments[1]) == "--keys") {
    for (const KeyTable& table : layer_keys())
      for (const Key& key : table.keys) std::cout << table.place << '\t' << key.name << '\t' << key.help << '\n';
    return 0;
  }
  std::size_t size = 0;
  while (std::cin >> size) {
    std::cin.get();
    std::string text(size, '\0');
    if (!std::cin.read(text.data(), static_cast<std::streamsize>(size))) return 1;
    std::cout << judge(text) << '\n';
  }
  return 0;
}
