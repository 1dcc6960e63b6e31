#include "layers/identities_file.h"

#include <charconv>

#include "layers/quote.h"
#include "layers/yaml_tree.h"

namespace cobble::layers {

namespace {

using Kind = YamlNode::Kind;

/// Collects what is wrong with the types of a file's values.
class Problems {
 public:
  void add(const YamlNode& node, std::string_view type) {
    std::string text = "line " + std::to_string(node.line) + ": cannot unmarshal ";
    switch (node.kind) {
      case Kind::sequence:
        text += "!!seq";
        break;
      case Kind::mapping:
        text += "!!map";
        break;
      case Kind::null:
      case Kind::scalar:
        text += "!!str `" + node.text + "`";
        break;
    }
    add(text + " into " + std::string(type));
  }
  void add(std::string text) { text_ += "\n  " + std::move(text); }
  bool none() const { return text_.empty(); }
  std::string text() const { return "cannot unmarshal identities: yaml: unmarshal errors:" + text_; }

 private:
  std::string text_;
};

void read_text(const YamlNode& node, std::string& out, Problems& problems) {
  if (node.kind == Kind::scalar) {
    out = node.text;
  } else if (node.kind != Kind::null) {
    problems.add(node, "string");
  }
}

void read_user_id(const YamlNode& node, std::optional<std::uint32_t>& out, Problems& problems) {
  if (node.kind == Kind::null) return;
  std::string_view digits = node.text;
  int base = 10;
  if (digits.starts_with("0x")) base = 16;
  if (digits.starts_with("0o")) base = 8;
  if (base != 10) digits.remove_prefix(2);
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
  if (node.kind != Kind::scalar || node.quoted || digits.empty() || error != std::errc() || end != digits.data() + digits.size())
    return problems.add(node, "uint32");
  out = number;
}

/// Calls `use(key, value)` for each pair of a mapping with a plain key; a null counts as an empty mapping.
template <typename Use>
void each_pair(const YamlNode& node, std::string_view type, Problems& problems, Use use) {
  if (node.kind == Kind::null) return;
  if (node.kind != Kind::mapping) return problems.add(node, type);
  for (const auto& [key, value] : node.pairs) {
    if (key->kind == Kind::scalar) use(key->text, *value);
  }
}

/// `basic` or `cert`: an object with one text.
void read_holder(const YamlNode& node, std::string_view key, std::string_view type, std::optional<std::string>& out,
                 Problems& problems) {
  if (node.kind == Kind::null) return;
  out.emplace();
  each_pair(node, type, problems, [&](std::string_view name, const YamlNode& value) {
    if (name == key) read_text(value, *out, problems);
  });
}

IdentityEntry read_entry(const YamlNode& node, Problems& problems) {
  IdentityEntry entry;
  each_pair(node, "identity", problems, [&](std::string_view key, const YamlNode& value) {
    if (key == "access") {
      read_text(value, entry.access, problems);
    } else if (key == "basic") {
      read_holder(value, "password", "basic identity", entry.password, problems);
    } else if (key == "cert") {
      read_holder(value, "pem", "cert identity", entry.pem, problems);
    } else if (key == "local" && value.kind != Kind::null) {
      entry.local = true;
      each_pair(value, "local identity", problems, [&](std::string_view name, const YamlNode& id) {
        if (name == "user-id") read_user_id(id, entry.user_id, problems);
      });
    }
  });
  return entry;
}

}  // namespace

std::expected<IdentityEntries, std::string> parse_identities_file(std::string_view text) {
  const auto tree = parse_yaml(text);
  if (!tree) return std::unexpected("cannot unmarshal identities: " + tree.error());
  IdentityEntries entries;
  Problems problems;
  const auto read_entries = [&](std::string_view key, const YamlNode& identities) {
    if (key != "identities") return;
    each_pair(identities, "identities", problems, [&](const std::string& name, const YamlNode& value) {
      if (entries.contains(name)) {
        problems.add("line " + std::to_string(value.line) + ": mapping key " + quote(name) + " already defined");
        return;
      }
      auto& entry = entries[name];
      if (value.kind != Kind::null) entry = read_entry(value, problems);
    });
  };
  if (tree->root != nullptr) each_pair(*tree->root, "identities file", problems, read_entries);
  if (!problems.none()) return std::unexpected(problems.text());
  if (entries.empty()) return std::unexpected("no identities to add; did you forget the top-level \"identities\" key?");
  return entries;
}

}  // namespace cobble::layers
