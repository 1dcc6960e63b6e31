#include "layers/yaml_tree.h"

#include <catch2/catch.hpp>

using namespace cobble::layers;

namespace {

/// The tree in a short form: scalars as they are, quoted ones in quotes.
std::string show(const YamlNode* node) {
  if (node == nullptr) return "(empty)";
  std::string out = node->tag.empty() ? "" : "<" + node->tag + ">";
  switch (node->kind) {
    case YamlNode::Kind::null:
      return out + (node->explicit_null ? "~" : "-");
    case YamlNode::Kind::scalar:
      return out + (node->quoted ? "\"" + node->text + "\"" : node->text);
    case YamlNode::Kind::sequence:
      out += "[";
      for (const YamlNode* item : node->items) out += show(item) + ",";
      return out + "]";
    case YamlNode::Kind::mapping:
      out += "{";
      for (const auto& [key, value] : node->pairs) out += show(key) + ":" + show(value) + ",";
      return out + "}";
  }
  return out;
}

std::string read(std::string_view text) {
  const auto tree = parse_yaml(text);
  return tree ? show(tree->root) : tree.error();
}

}  // namespace

TEST_CASE("YAML is read as a tree") {
  const std::pair<std::string, const char*> table[] = {
      {"", "-"},
      {"# only a comment\n", "-"},
      {"---\n", "-"},
      {"a: 1\nb: [x, 'y', ~]\n", "{a:1,b:[x,\"y\",~,],}"},
      {"a:\nb: ~\nc: null\n", "{a:-,b:~,c:~,}"},
      {"a: &x {k: v}\nb: *x\n", "{a:{k:v,},b:{k:v,},}"},
      {"a: !!int \"5\"\nb: !mine x\n", "{a:<tag:yaml.org,2002:int>5,b:<!mine>x,}"},
      {"%YAML 1.1\n---\na: b\n...\n[garbage\n", "{a:b,}"},
      {"a: b\n---\n}", "{a:b,}"},
      {"\xEF\xBB\xBF"
       "a: b\r\nc: d\r\n",
       "{a:b,c:d,}"},
      {std::string("\xFF\xFE"
                   "a\0:\0 \0\xE9\0",
                   10),
       "{a:\xC3\xA9,}"},
      {"a: |\n  x\n", "{a:\"x\n\",}"},
      {"a: |\n  x", "{a:\"x\",}"},
      {"a: |\n  x\n ", "{a:\"x\n\",}"},
      {"a: |\n  x\n# y", "{a:\"x\n\",}"},
      {"a: |\n  x\n    ", "{a:\"x\n  \",}"},
      {"a: >\n  x\n  y", "{a:\"x y\",}"},
      {"a: |\n  y\n# y", "{a:\"y\n\",}"},
      {"a:\n- b\nc: &x\n  d: e\n", "{a:[b,],c:{d:e,},}"},
      {"? a\n: b\n? c\n: [d]\n", "{a:b,c:[d,],}"},
      {"{a, b: }", "{a:-,b:-,}"},
      {"[a, ~, ]", "[a,~,]"},
      {"? a", "{a:-,}"},
      {"\"\\_\\N\\xe9\\L\"", "\"\xC2\xA0\xC2\x85\xC3\xA9\xE2\x80\xA8\""},
      {"|\n  say \"x\"", "\"say \"x\"\""},
      {"a: 'x'", "{a:\"x\",}"},
      {"{\"a\":\"b\",\n\t\"c\": [1]}", "{\"a\":\"b\",\"c\":[1,],}"},
      {"~: x\n", "{~:x,}"},
      {"? a\n: b\n", "{a:b,}"},
  };
  for (const auto& [text, wanted] : table) {
    INFO(text);
    CHECK(read(text) == wanted);
  }
}

TEST_CASE("malformed YAML is refused with its line") {
  const std::pair<std::string, const char*> table[] = {
      {"@", "yaml: line 1: found character that cannot start any token"},
      {"services: {", "yaml: line 1: did not find expected node content"},
      {"services: {a: ]", "yaml: line 1: did not find expected"},
      {"services: {a: b", "yaml: line 1: did not find expected ',' or '}'"},
      {"services: [a, b", "yaml: line 1: did not find expected ',' or ']'"},
      {"services:\n\ta: {}", "yaml: line 2: found character that cannot start any token"},
      {"services:\n  a\n    b: c\n", "yaml: line 3: mapping values are not allowed in this context"},
      {"services: \"a", "yaml: line 1: found unexpected end of stream"},
      {"a: 'b\n\n", "yaml: line 2: found unexpected end of stream"},
      {"a: \"\\q\"", "yaml: line 1: found unknown escape character"},
      {"a: \"\\uD83C\"", "yaml: line 1: found invalid Unicode character escape code"},
      {"- a\n b: - c", "yaml: line 2: "},
      {"a: - c", "yaml: line 1: block sequence entries are not allowed in this context"},
      {"a: b: c", "yaml: line 1: mapping values are not allowed in this context"},
      {"a: *nope", "yaml: line 1:"},
      {"a: {}\n b: {}\n", "yaml: line 2:"},
      {"a: &a &b c", "yaml: line 1:"},
      {"a: {b: {}}}", "yaml: line 1:"},
      {"a: 'it's'", "yaml: line 1:"},
      {"- a\nb: c\n", "yaml: line 2:"},
      {"a: &a [*a]", "yaml: line 1: anchor value contains itself"},
      {"a: &a {b: {c: *a}}", "yaml: line 1: anchor value contains itself"},
      {"%YAML 1.2\n---\na: b", "yaml: found incompatible YAML document"},
      {"%FOO\n---\na: b", "yaml: found unknown directive name"},
      {std::string("a: \0", 4), "yaml: control characters are not allowed"},
      {"a: \x1b", "yaml: control characters are not allowed"},
      {"a: \xff", "yaml: incomplete UTF-8 octet sequence"},
      {"a: \xC3", "yaml: incomplete UTF-8 octet sequence"},
      {"a: b\nc", "yaml: line 2: could not find expected ':'"},
      {"a: b\n~c\n d", "yaml: line 2: could not find expected ':'"},
      {"a: b\n&x c\n", "yaml: line 2: could not find expected ':'"},
      {"a:\nb", "yaml: line 2: could not find expected ':'"},
      {"x:\n  a:\n  ~\n", "yaml: line 3: could not find expected ':'"},
      {"- a:\n  [b]\n", "yaml: line 2: could not find expected ':'"},
      {"a: b\n: c\n", "yaml: line 2: did not find expected key"},
      {"{a: b, : c}", "yaml: line 1: did not find expected key"},
      {"{\"a\":: {}}", "yaml: line 1:"},
      {"{a: [, b]}", "yaml: line 1: did not find expected node content"},
      {"{\"a\"::b}", "yaml: line 1:"},
      {"a: &b'c d", "yaml: line 1: did not find expected alphabetic or numeric character"},
      {"%YAML 1.1\n", "yaml: did not find expected <document start>"},
      {"%YAML 1.1\na: b\n---\n", "yaml: did not find expected <document start>"},
  };
  for (const auto& [text, wanted] : table) {
    INFO(text);
    const auto tree = parse_yaml(text);
    REQUIRE_FALSE(tree);
    INFO(tree.error());
    CHECK(tree.error().starts_with(wanted));
  }
}

TEST_CASE("deep and repeated structures cost little") {
  for (const char* open : {"[", "{a: ", "- ", "? "}) {
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += open;
    INFO(open);
    CHECK_FALSE(parse_yaml(deep));
  }
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 50; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + ", " + before + ", " + before + "]\n";
  }
  const auto tree = parse_yaml(bomb);
  REQUIRE(tree);
  CHECK(tree->nodes.size() < 500);
}
