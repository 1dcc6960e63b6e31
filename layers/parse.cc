#include "layers/parse.h"

#include <algorithm>

#include "layers/decoder.h"
#include "layers/fields.h"
#include "layers/quote.h"
#include "layers/validate.h"

namespace cobble::layers {

namespace {

using Done = std::expected<void, std::string>;

/// What differs between the sections that hold named entries.
struct EntryTypes {
  std::string_view map;    ///< of the section, in messages
  std::string_view entry;  ///< of one entry
};

/// Reads a section of named entries. A null entry's name goes to `null_entries`.
template <typename Entry>
void read_entries(Decoder& decoder, const YamlNode& node, std::map<std::string, Entry>& out, const EntryTypes& types,
                  std::vector<std::string>& null_entries) {
  const auto entries = decoder.fields(node, types.map);
  if (!entries) return;
  for (const auto& [name, value] : *entries) {
    if (is_null_node(*value)) {
      null_entries.push_back(name);
      continue;
    }
    Entry& entry = out[name];
    entry.name = name;
    read_fields(decoder, *value, entry, types.entry);
  }
}

class LayerParser {
 public:
  LayerParser(std::string_view label, const Accounts& accounts) : accounts_(accounts) {
    parsed_.layer.label = label;
    prefix_ = "cannot parse layer " + quote(label);
  }

  std::expected<ParsedLayer, std::string> parse(std::string_view text) {
    auto tree = parse_yaml(text);
    if (!tree) return std::unexpected(prefix_ + ": " + tree.error());
    if (tree->root != nullptr) {
      if (auto done = read_sections(*tree->root); !done) return std::unexpected(std::move(done.error()));
    }
    if (auto done = validate_layer(parsed_.layer, nulls_, accounts_); !done) return std::unexpected(std::move(done.error()));
    for (const auto& [name, service] : parsed_.layer.services) {
      if (name == "all" || name == "default" || name == "none") {
        parsed_.warnings.push_back("Using keyword " + quote(name) + " as a service name is deprecated");
      }
    }
    return std::move(parsed_);
  }

 private:
  Done read_sections(const YamlNode& root) {
    Decoder decoder;
    const auto sections = decoder.fields(root, "map[string]yaml.Node");
    if (std::string error = decoder.error(); !error.empty()) return std::unexpected(prefix_ + ": " + error);
    if (!sections) return {};
    for (const auto& [name, node] : *sections) {
      if (auto done = read_section(name, *node); !done) return done;
    }
    return {};
  }

  Done read_section(const std::string& name, const YamlNode& node) {
    Layer& layer = parsed_.layer;
    if (name == "workloads" || name == "pairing") return read_extension(name, node);
    if (std::ranges::find(section_keys(), name, &Key::name) == section_keys().end())
      return std::unexpected(prefix_ + ": unknown section " + quote(name));
    const std::string prefix = prefix_ + " section " + quote(name) + ": ";
    if (node.kind == YamlNode::Kind::null && !node.explicit_null) return std::unexpected(prefix + "EOF");
    Decoder decoder;
    if (name == "summary") decoder.read(node, layer.summary);
    if (name == "description") decoder.read(node, layer.description);
    if (name == "services") {
      read_entries(decoder, node, layer.services, {"map[string]*plan.Service", "plan.Service"}, nulls_.services);
    }
    if (name == "checks") read_entries(decoder, node, layer.checks, {"map[string]*plan.Check", "plan.Check"}, nulls_.checks);
    if (name == "log-targets") {
      read_entries(decoder, node, layer.log_targets, {"map[string]*plan.LogTarget", "plan.LogTarget"}, nulls_.log_targets);
    }
    if (std::string error = decoder.error(); !error.empty()) return std::unexpected(prefix + error);
    return {};
  }

  Done read_extension(const std::string& name, const YamlNode& node) {
    Decoder decoder;
    if (name == "workloads") {
      const std::string prefix = "cannot parse the \"workloads\" section: ";
      if (node.kind == YamlNode::Kind::null && !node.explicit_null) return std::unexpected(prefix + "EOF");
      read_entries(decoder, node, parsed_.layer.workloads, {"workloads.WorkloadsSection", "workloads.Workload"},
                   nulls_.workloads);
      if (std::string error = decoder.error(); !error.empty()) return std::unexpected(prefix + error);
      return {};
    }
    if (node.kind != YamlNode::Kind::mapping && node.items.empty()) return {};  // counts as empty
    const auto fields = decoder.fields(node, "pairingstate.pairingConfig");
    for (const auto& [key, value] : fields.value_or(Decoder::Fields{})) {
      if (key == "mode") {
        decoder.read(*value, parsed_.layer.pairing_mode, "pairingstate.Mode");
      } else {
        decoder.unknown_field(*value, key, "pairingstate.pairingConfig");
      }
    }
    if (std::string error = decoder.error(); !error.empty()) return std::unexpected("cannot parse the pairing section: " + error);
    return {};
  }

  const Accounts& accounts_;
  std::string prefix_;
  ParsedLayer parsed_;
  NullEntries nulls_;
};

}  // namespace

std::expected<ParsedLayer, std::string> parse_layer(std::string_view label, std::string_view text, const Accounts& accounts) {
  return LayerParser(label, accounts).parse(text);
}

}  // namespace cobble::layers
