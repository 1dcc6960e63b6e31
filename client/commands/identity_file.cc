#include "client/commands/identity_file.h"

#include <charconv>

#include "layers/yaml_tree.h"

namespace cobble::client {
namespace {

using layers::YamlNode;
using Entries = std::map<std::string, std::optional<Identity>>;

std::string_view tag_of(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::null:
      return "!!null";
    case YamlNode::Kind::sequence:
      return "!!seq";
    case YamlNode::Kind::mapping:
      return "!!map";
    case YamlNode::Kind::scalar:
      break;
  }
  return "!!str";
}

/// Reads the file's tree and collects what has the wrong type.
class FileReader {
 public:
  Entries read(const YamlNode& root) {
    Entries entries;
    const YamlNode* identities = member(root, "identities", "an object");
    if (!identities || !is_mapping(*identities, "map[string]*client.Identity")) return entries;
    for (const auto& [key, value] : identities->pairs) entries[key->text] = read_identity(*value);
    return entries;
  }

  const std::string& faults() const { return faults_; }

 private:
  void wrong(const YamlNode& node, std::string_view wanted) {
    faults_ += "\n  line " + std::to_string(node.line) + ": cannot unmarshal " + std::string(tag_of(node));
    if (node.kind == YamlNode::Kind::scalar)
      faults_ += " `" + (node.text.size() > 10 ? node.text.substr(0, 7) + "..." : node.text) + "`";
    faults_ += " into " + std::string(wanted);
  }

  /// Whether the node is a mapping; anything else but null is a fault.
  bool is_mapping(const YamlNode& node, std::string_view wanted) {
    if (node.kind == YamlNode::Kind::mapping) return true;
    if (node.kind != YamlNode::Kind::null) wrong(node, wanted);
    return false;
  }

  /// The value under a key, if it is there and not null.
  const YamlNode* member(const YamlNode& node, std::string_view key, std::string_view wanted) {
    if (!is_mapping(node, wanted)) return nullptr;
    const YamlNode* found = nullptr;
    for (const auto& [name, value] : node.pairs) {
      if (name->text == key) found = value;
    }
    return found && found->kind != YamlNode::Kind::null ? found : nullptr;
  }

  std::string text_of(const YamlNode* node) {
    if (!node) return {};
    if (node->kind != YamlNode::Kind::scalar) wrong(*node, "string");
    return node->text;
  }

  std::int64_t user_id_of(const YamlNode* node) {
    if (!node) return 0;
    std::uint32_t value = 0;
    const auto read = std::from_chars(node->text.data(), node->text.data() + node->text.size(), value);
    const bool whole = node->kind == YamlNode::Kind::scalar && !node->quoted && read.ec == std::errc() &&
                       read.ptr == node->text.data() + node->text.size();
    if (!whole) wrong(*node, "uint32");
    return value;
  }

  std::optional<Identity> read_identity(const YamlNode& node) {
    if (!is_mapping(node, "client.Identity")) return std::nullopt;
    Identity identity;
    identity.access = text_of(member(node, "access", "string"));
    if (const YamlNode* local = member(node, "local", "client.LocalIdentity"))
      identity.local_user_id = user_id_of(member(*local, "user-id", "client.LocalIdentity"));
    if (const YamlNode* basic = member(node, "basic", "client.BasicIdentity"))
      identity.basic_password = text_of(member(*basic, "password", "client.BasicIdentity"));
    if (const YamlNode* cert = member(node, "cert", "client.CertIdentity"))
      identity.cert_pem = text_of(member(*cert, "pem", "client.CertIdentity"));
    return identity;
  }

  std::string faults_;
};

}  // namespace

Result<Entries> parse_identity_file(std::string_view text) {
  const auto tree = layers::parse_yaml(text);
  if (!tree) return fail("cannot unmarshal identities: " + tree.error());
  if (!tree->root) return Entries();
  FileReader reader;
  Entries entries = reader.read(*tree->root);
  if (!reader.faults().empty()) return fail("cannot unmarshal identities: yaml: unmarshal errors:" + reader.faults());
  return entries;
}

}  // namespace cobble::client
