#include "layers/parse.h"

#include <algorithm>
#include <array>

#include "layers/decoder.h"
#include "layers/quote.h"
#include "layers/scalar.h"
#include "layers/validate.h"

namespace cobble::layers {

namespace {

using Done = std::expected<void, std::string>;

/// One key of an entry: its name, and how its value gets into the struct.
template <typename Entry>
struct Field {
  std::string_view name;
  void (*read)(Decoder& decoder, const YamlNode& node, Entry& entry);
};

template <auto Member, typename Entry>
void read_member(Decoder& decoder, const YamlNode& node, Entry& entry) {
  decoder.read(node, entry.*Member);
}

Override parse_override(std::string_view text) {
  if (text.empty()) return Override::none;
  if (text == "merge") return Override::merge;
  if (text == "replace") return Override::replace;
  return Override::invalid;
}

template <typename Entry>
void read_override(Decoder& decoder, const YamlNode& node, Entry& entry) {
  std::string text;
  decoder.read(node, text, "plan.Override");
  entry.override_policy = parse_override(text);
}

template <auto Member, const char* const& Type, typename Entry>
void read_enumerated(Decoder& decoder, const YamlNode& node, Entry& entry) {
  decoder.read(node, entry.*Member, Type);
}

constexpr const char* service_startup = "plan.ServiceStartup";
constexpr const char* service_action = "plan.ServiceAction";
constexpr const char* check_level = "plan.CheckLevel";
constexpr const char* check_startup = "plan.CheckStartup";
constexpr const char* log_target_type = "plan.LogTargetType";

/// Reads a mapping's fields by a table; unknown ones are errors.
template <typename Entry, std::size_t Count>
void read_fields(Decoder& decoder, const YamlNode& node, Entry& entry, const std::array<Field<Entry>, Count>& table,
                 std::string_view type) {
  const auto fields = decoder.fields(node, type);
  if (!fields) return;
  for (const auto& [name, value] : *fields) {
    const auto field = std::ranges::find(table, name, &Field<Entry>::name);
    if (field == table.end()) {
      decoder.unknown_field(*value, name, type);
    } else {
      field->read(decoder, *value, entry);
    }
  }
}

constexpr std::array service_fields{
    Field<Service>{"summary", read_member<&Service::summary>},
    Field<Service>{"description", read_member<&Service::description>},
    Field<Service>{"startup", read_enumerated<&Service::startup, service_startup>},
    Field<Service>{"override", read_override},
    Field<Service>{"command", read_member<&Service::command>},
    Field<Service>{"after", read_member<&Service::after>},
    Field<Service>{"before", read_member<&Service::before>},
    Field<Service>{"requires", read_member<&Service::requires_services>},
    Field<Service>{"workload", read_member<&Service::workload>},
    Field<Service>{"environment", read_member<&Service::environment>},
    Field<Service>{"user-id", read_member<&Service::user_id>},
    Field<Service>{"user", read_member<&Service::user>},
    Field<Service>{"group-id", read_member<&Service::group_id>},
    Field<Service>{"group", read_member<&Service::group>},
    Field<Service>{"working-dir", read_member<&Service::working_dir>},
    Field<Service>{"on-success", read_enumerated<&Service::on_success, service_action>},
    Field<Service>{"on-failure", read_enumerated<&Service::on_failure, service_action>},
    Field<Service>{"on-check-failure",
                   [](Decoder& decoder, const YamlNode& node, Service& service) {
                     decoder.read(node, service.on_check_failure, "map[string]plan.ServiceAction", service_action);
                   }},
    Field<Service>{"backoff-delay", read_member<&Service::backoff_delay>},
    Field<Service>{"backoff-factor", read_member<&Service::backoff_factor>},
    Field<Service>{"backoff-limit", read_member<&Service::backoff_limit>},
    Field<Service>{"kill-delay", read_member<&Service::kill_delay>},
};

constexpr std::array http_fields{
    Field<HttpCheck>{"url", read_member<&HttpCheck::url>},
    Field<HttpCheck>{"headers", read_member<&HttpCheck::headers>},
};

constexpr std::array tcp_fields{
    Field<TcpCheck>{"port", read_member<&TcpCheck::port>},
    Field<TcpCheck>{"host", read_member<&TcpCheck::host>},
};

constexpr std::array exec_fields{
    Field<ExecCheck>{"command", read_member<&ExecCheck::command>},
    Field<ExecCheck>{"service-context", read_member<&ExecCheck::service_context>},
    Field<ExecCheck>{"environment", read_member<&ExecCheck::environment>},
    Field<ExecCheck>{"user-id", read_member<&ExecCheck::user_id>},
    Field<ExecCheck>{"user", read_member<&ExecCheck::user>},
    Field<ExecCheck>{"group-id", read_member<&ExecCheck::group_id>},
    Field<ExecCheck>{"group", read_member<&ExecCheck::group>},
    Field<ExecCheck>{"working-dir", read_member<&ExecCheck::working_dir>},
};

bool is_null_node(const YamlNode& node) {
  return node.kind == YamlNode::Kind::null || (node.kind == YamlNode::Kind::scalar && resolve(node).type == ScalarType::null);
}

template <auto Member, auto& Table, const char* const& Type, typename Entry>
void read_kind(Decoder& decoder, const YamlNode& node, Entry& check) {
  if (is_null_node(node)) return;
  auto& kind = (check.*Member).emplace();
  read_fields(decoder, node, kind, Table, Type);
}

constexpr const char* http_type = "plan.HTTPCheck";
constexpr const char* tcp_type = "plan.TCPCheck";
constexpr const char* exec_type = "plan.ExecCheck";

constexpr std::array check_fields{
    Field<Check>{"override", read_override},
    Field<Check>{"level", read_enumerated<&Check::level, check_level>},
    Field<Check>{"startup", read_enumerated<&Check::startup, check_startup>},
    Field<Check>{"period", read_member<&Check::period>},
    Field<Check>{"timeout", read_member<&Check::timeout>},
    Field<Check>{"threshold", read_member<&Check::threshold>},
    Field<Check>{"http", read_kind<&Check::http, http_fields, http_type>},
    Field<Check>{"tcp", read_kind<&Check::tcp, tcp_fields, tcp_type>},
    Field<Check>{"exec", read_kind<&Check::exec, exec_fields, exec_type>},
};

constexpr std::array log_target_tls_fields{
    Field<LogTargetTls>{"ca-file", read_member<&LogTargetTls::ca_file>},
    Field<LogTargetTls>{"cert-file", read_member<&LogTargetTls::cert_file>},
    Field<LogTargetTls>{"key-file", read_member<&LogTargetTls::key_file>},
};

constexpr std::array log_target_fields{
    Field<LogTarget>{"type", read_enumerated<&LogTarget::type, log_target_type>},
    Field<LogTarget>{"location", read_member<&LogTarget::location>},
    Field<LogTarget>{"services", read_member<&LogTarget::services>},
    Field<LogTarget>{"override", read_override},
    Field<LogTarget>{"labels", read_member<&LogTarget::labels>},
    Field<LogTarget>{"tls",
                     [](Decoder& decoder, const YamlNode& node, LogTarget& target) {
                       if (!is_null_node(node))
                         read_fields(decoder, node, target.tls, log_target_tls_fields, "plan.LogTargetTLS");
                     }},
    Field<LogTarget>{"headers", read_member<&LogTarget::headers>},
    Field<LogTarget>{"compression", read_member<&LogTarget::compression>},
};

constexpr std::array workload_fields{
    Field<Workload>{"override",
                    [](Decoder& decoder, const YamlNode& node, Workload& workload) {
                      decoder.read(node, workload.override_text);
                      workload.override_policy = parse_override(workload.override_text);
                    }},
    Field<Workload>{"environment", read_member<&Workload::environment>},
    Field<Workload>{"user-id", read_member<&Workload::user_id>},
    Field<Workload>{"user", read_member<&Workload::user>},
    Field<Workload>{"group-id", read_member<&Workload::group_id>},
    Field<Workload>{"group", read_member<&Workload::group>},
};

/// What differs between the sections that hold named entries.
struct EntryTypes {
  std::string_view map;    ///< of the section, in messages
  std::string_view entry;  ///< of one entry
};

/// Reads a section of named entries. A null entry's name goes to `null_entry`.
template <typename Entry, std::size_t Count>
void read_entries(Decoder& decoder, const YamlNode& node, std::map<std::string, Entry>& out,
                  const std::array<Field<Entry>, Count>& table, const EntryTypes& types, std::vector<std::string>& null_entries) {
  const auto entries = decoder.fields(node, types.map);
  if (!entries) return;
  for (const auto& [name, value] : *entries) {
    if (is_null_node(*value)) {
      null_entries.push_back(name);
      continue;
    }
    Entry& entry = out[name];
    entry.name = name;
    read_fields(decoder, *value, entry, table, types.entry);
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
    static constexpr std::array known{"summary", "description", "services", "checks", "log-targets"};
    if (std::ranges::find(known, name) == known.end()) return std::unexpected(prefix_ + ": unknown section " + quote(name));
    const std::string prefix = prefix_ + " section " + quote(name) + ": ";
    if (node.kind == YamlNode::Kind::null && !node.explicit_null) return std::unexpected(prefix + "EOF");
    Decoder decoder;
    if (name == "summary") decoder.read(node, layer.summary);
    if (name == "description") decoder.read(node, layer.description);
    if (name == "services") {
      read_entries(decoder, node, layer.services, service_fields, {"map[string]*plan.Service", "plan.Service"}, nulls_.services);
    }
    if (name == "checks")
      read_entries(decoder, node, layer.checks, check_fields, {"map[string]*plan.Check", "plan.Check"}, nulls_.checks);
    if (name == "log-targets") {
      read_entries(decoder, node, layer.log_targets, log_target_fields, {"map[string]*plan.LogTarget", "plan.LogTarget"},
                   nulls_.log_targets);
    }
    if (std::string error = decoder.error(); !error.empty()) return std::unexpected(prefix + error);
    return {};
  }

  Done read_extension(const std::string& name, const YamlNode& node) {
    Decoder decoder;
    if (name == "workloads") {
      const std::string prefix = "cannot parse the \"workloads\" section: ";
      if (node.kind == YamlNode::Kind::null && !node.explicit_null) return std::unexpected(prefix + "EOF");
      read_entries(decoder, node, parsed_.layer.workloads, workload_fields, {"workloads.WorkloadsSection", "workloads.Workload"},
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
