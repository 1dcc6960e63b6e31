#include "layers/fields.h"

#include <array>

#include "layers/scalar.h"

namespace cobble::layers {

namespace {

template <auto Member, typename Entry>
bool same_member(const Entry& a, const Entry& b) {
  return a.*Member == b.*Member;
}

template <auto Member, typename Entry>
void read_member(Decoder& decoder, const YamlNode& node, Entry& entry) {
  decoder.read(node, entry.*Member);
}

template <auto Member, const char* const& Type, typename Entry>
void read_enumerated(Decoder& decoder, const YamlNode& node, Entry& entry) {
  decoder.read(node, entry.*Member, Type);
}

template <auto Member, const char* const& Type, typename Entry>
void read_kind(Decoder& decoder, const YamlNode& node, Entry& check) {
  if (!is_null_node(node)) read_fields(decoder, node, (check.*Member).emplace(), Type);
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

/// A key whose value is a member.
template <typename Entry, auto Member>
constexpr Field<Entry> member(std::string_view name, std::string_view value, std::string_view help) {
  return {{name, value, help}, read_member<Member, Entry>, same_member<Member, Entry>};
}

/// A key whose value is one of some words, of a type that messages name.
template <typename Entry, auto Member, const char* const& Type>
constexpr Field<Entry> word(std::string_view name, std::string_view value, std::string_view help) {
  return {{name, value, help}, read_enumerated<Member, Type, Entry>, same_member<Member, Entry>};
}

/// A key whose value is a mapping with a table of its own.
template <typename Entry, auto Member, const char* const& Type>
constexpr Field<Entry> kind(std::string_view name, std::string_view help) {
  return {{name, "mapping", help}, read_kind<Member, Type, Entry>, same_member<Member, Entry>};
}

template <typename Entry>
constexpr Field<Entry> override_field() {
  return {{"override", "merge|replace",
           "Required. Whether the entry is laid over one of the same name in the layers below, key by key, or takes its place."},
          read_override<Entry>,
          same_member<&Entry::override_policy, Entry>};
}

constexpr const char* service_startup = "plan.ServiceStartup";
constexpr const char* service_action = "plan.ServiceAction";
constexpr const char* check_level = "plan.CheckLevel";
constexpr const char* check_startup = "plan.CheckStartup";
constexpr const char* log_target_type = "plan.LogTargetType";
constexpr const char* http_type = "plan.HTTPCheck";
constexpr const char* tcp_type = "plan.TCPCheck";
constexpr const char* exec_type = "plan.ExecCheck";

constexpr std::array service_fields{
    member<Service, &Service::summary>("summary", "text", "A line on what the service is."),
    member<Service, &Service::description>("description", "text", "More on what the service is."),
    word<Service, &Service::startup, service_startup>(
        "startup", "enabled|disabled", "Whether the service is started with the daemon and by a replan. Disabled if not set."),
    override_field<Service>(),
    member<Service, &Service::command>(
        "command", "text",
        "Required in the plan. The program and its arguments, split as a shell splits words but run without one. Words "
        "in square brackets at the end, such as [ --port 80 ], are arguments that pebble run --args can replace."),
    member<Service, &Service::after>("after", "list of services",
                                     "The service starts after these and stops before them, if they start or stop too."),
    member<Service, &Service::before>("before", "list of services",
                                      "The service starts before these and stops after them, if they start or stop too."),
    member<Service, &Service::requires_services>(
        "requires", "list of services",
        "Services that are started along with this one; stopping one of them stops this one as well."),
    member<Service, &Service::workload>("workload", "text",
                                        "The workload under whose user, group and environment the service runs."),
    member<Service, &Service::environment>("environment", "mapping of texts",
                                           "Variables that the process gets in addition to the daemon's own."),
    member<Service, &Service::user_id>("user-id", "number", "The user to run as, by ID."),
    member<Service, &Service::user>("user", "text",
                                    "The user to run as, by name; together with user-id, both must be the same user."),
    member<Service, &Service::group_id>("group-id", "number", "The group to run as, by ID."),
    member<Service, &Service::group>("group", "text",
                                     "The group to run as, by name; together with group-id, both must be the same group."),
    member<Service, &Service::working_dir>("working-dir", "path", "The directory to run in: the daemon's if not set."),
    word<Service, &Service::on_success, service_action>(
        "on-success", "restart|shutdown|failure-shutdown|ignore",
        "What to do when the process ends with exit code 0. Restart if not set; shutdown ends the daemon with exit "
        "code 0, failure-shutdown with 10."),
    word<Service, &Service::on_failure, service_action>(
        "on-failure", "restart|shutdown|success-shutdown|ignore",
        "What to do when the process ends with another exit code. Restart if not set; shutdown ends the daemon "
        "with exit code 10, success-shutdown with 0."),
    Field<Service>{{"on-check-failure", "mapping of checks to restart|shutdown|success-shutdown|ignore",
                    "What to do when a health check reaches its threshold; shutdown ends the daemon with exit code 11."},
                   [](Decoder& decoder, const YamlNode& node, Service& service) {
                     decoder.read(node, service.on_check_failure, "map[string]plan.ServiceAction", service_action);
                   },
                   same_member<&Service::on_check_failure, Service>},
    member<Service, &Service::backoff_delay>("backoff-delay", "duration", "How long the first restart waits: 500ms if not set."),
    member<Service, &Service::backoff_factor>("backoff-factor", "number",
                                              "By what the wait grows with each further restart: 2.0 if not set, at least 1."),
    member<Service, &Service::backoff_limit>("backoff-limit", "duration", "How long a restart waits at most: 30s if not set."),
    member<Service, &Service::kill_delay>(
        "kill-delay", "duration", "How long a process may take to end after SIGTERM before it gets SIGKILL: 5s if not set."),
};

constexpr std::array http_fields{
    member<HttpCheck, &HttpCheck::url>("url", "URL", "Required. Fetched with GET; a status from 200 to 299 is a success."),
    member<HttpCheck, &HttpCheck::headers>("headers", "mapping of texts", "Header fields to send."),
};

constexpr std::array tcp_fields{
    member<TcpCheck, &TcpCheck::port>("port", "number", "Required. A connection to it that opens is a success."),
    member<TcpCheck, &TcpCheck::host>("host", "text", "Where to connect: localhost if not set."),
};

constexpr std::array exec_fields{
    member<ExecCheck, &ExecCheck::command>("command", "text", "Required. The program to run; exit code 0 is a success."),
    member<ExecCheck, &ExecCheck::service_context>(
        "service-context", "text", "The service whose environment, user, group and working directory the command gets."),
    member<ExecCheck, &ExecCheck::environment>("environment", "mapping of texts", "Variables in addition to those."),
    member<ExecCheck, &ExecCheck::user_id>("user-id", "number", "The user to run as, by ID."),
    member<ExecCheck, &ExecCheck::user>("user", "text", "The user to run as, by name."),
    member<ExecCheck, &ExecCheck::group_id>("group-id", "number", "The group to run as, by ID."),
    member<ExecCheck, &ExecCheck::group>("group", "text", "The group to run as, by name."),
    member<ExecCheck, &ExecCheck::working_dir>("working-dir", "path", "The directory to run in."),
};

constexpr std::array check_fields{
    override_field<Check>(),
    word<Check, &Check::level, check_level>(
        "level", "alive|ready",
        "The level of health that the check counts for, which probes ask for; ready asks for both. Without one the "
        "check counts only where no level is asked for."),
    word<Check, &Check::startup, check_startup>("startup", "enabled|disabled",
                                                "Whether the check runs from the start. Enabled if not set."),
    member<Check, &Check::period>("period", "duration", "How often the check runs: 10s if not set."),
    member<Check, &Check::timeout>("timeout", "duration", "How long a run may take, at most the period: 3s if not set."),
    member<Check, &Check::threshold>("threshold", "number", "How many failures in a row make the check down: 3 if not set."),
    kind<Check, &Check::http, http_type>("http", "A check by an HTTP request. Each check has exactly one of http, tcp and exec."),
    kind<Check, &Check::tcp, tcp_type>("tcp", "A check by a TCP connection."),
    kind<Check, &Check::exec, exec_type>("exec", "A check by a command."),
};

constexpr std::array log_target_tls_fields{
    member<LogTargetTls, &LogTargetTls::ca_file>("ca-file", "path", "Certificates to trust instead of the system's."),
    member<LogTargetTls, &LogTargetTls::cert_file>("cert-file", "path", "A certificate to show when the server asks for one."),
    member<LogTargetTls, &LogTargetTls::key_file>("key-file", "path", "The certificate's key; if not set, it is in cert-file."),
};

constexpr std::array log_target_fields{
    word<LogTarget, &LogTarget::type, log_target_type>("type", "loki|opentelemetry|syslog", "Required. What the target speaks."),
    member<LogTarget, &LogTarget::location>(
        "location", "URL",
        "Required. Where it is: http:// or https:// for loki and opentelemetry; tcp://, udp://, tls:// or "
        "unix:///path for syslog."),
    member<LogTarget, &LogTarget::services>(
        "services", "list of services",
        "Whose logs it gets: names, or all; -NAME and -all take out. The last item that fits a service decides."),
    override_field<LogTarget>(),
    member<LogTarget, &LogTarget::labels>(
        "labels", "mapping of texts",
        "Labels for every entry; $NAME and ${NAME} stand for the service's variables. Names that begin with pebble_ are "
        "taken."),
    Field<LogTarget>{{"tls", "mapping", "How a target reached by TLS is trusted, and trusts us."},
                     [](Decoder& decoder, const YamlNode& node, LogTarget& target) {
                       if (!is_null_node(node)) read_fields(decoder, node, target.tls, "plan.LogTargetTLS");
                     },
                     same_member<&LogTarget::tls, LogTarget>},
    member<LogTarget, &LogTarget::headers>("headers", "mapping of texts",
                                           "Header fields for each request, sent to this host alone."),
    member<LogTarget, &LogTarget::compression>("compression", "gzip",
                                               "How bodies of requests are packed. Not at all if not set."),
};

constexpr std::array workload_fields{
    Field<Workload>{override_field<Workload>().key,
                    [](Decoder& decoder, const YamlNode& node, Workload& workload) {
                      decoder.read(node, workload.override_text);
                      workload.override_policy = parse_override(workload.override_text);
                    },
                    same_member<&Workload::override_policy, Workload>},
    member<Workload, &Workload::environment>("environment", "mapping of texts",
                                             "Variables for its services, which may set others over them."),
    member<Workload, &Workload::user_id>("user-id", "number",
                                         "The user its services run as, by ID. They may set no user or group of their own."),
    member<Workload, &Workload::user>("user", "text", "The user its services run as, by name."),
    member<Workload, &Workload::group_id>("group-id", "number", "The group its services run as, by ID."),
    member<Workload, &Workload::group>("group", "text", "The group its services run as, by name."),
};

constexpr std::array sections{
    Key{"summary", "text", "A line on what the layer is for; not part of the plan."},
    Key{"description", "text", "More on what the layer is for; not part of the plan."},
    Key{"services", "mapping of names", "What runs."},
    Key{"checks", "mapping of names", "What is watched."},
    Key{"log-targets", "mapping of names", "Where the services' output goes."},
    Key{"workloads", "mapping of names",
        "Users, groups and environments that services share. Only layers in the directory may have them."},
    Key{"pairing", "mapping", "How clients may be paired with the daemon."},
};

constexpr std::array pairing_keys{
    Key{"mode", "disabled|single|multiple",
        "Whether no client, one, or any number of clients may be paired. The highest layer that sets it counts."},
};

template <typename Entry>
KeyTable keys_of(std::string_view place, std::string_view help) {
  KeyTable table{place, help, {}};
  for (const Field<Entry>& field : fields_of<Entry>()) table.keys.push_back(field.key);
  return table;
}

}  // namespace

template <>
std::span<const Field<Service>> fields_of() {
  return service_fields;
}
template <>
std::span<const Field<Check>> fields_of() {
  return check_fields;
}
template <>
std::span<const Field<HttpCheck>> fields_of() {
  return http_fields;
}
template <>
std::span<const Field<TcpCheck>> fields_of() {
  return tcp_fields;
}
template <>
std::span<const Field<ExecCheck>> fields_of() {
  return exec_fields;
}
template <>
std::span<const Field<LogTarget>> fields_of() {
  return log_target_fields;
}
template <>
std::span<const Field<LogTargetTls>> fields_of() {
  return log_target_tls_fields;
}
template <>
std::span<const Field<Workload>> fields_of() {
  return workload_fields;
}

std::span<const Key> section_keys() {
  return sections;
}

bool is_null_node(const YamlNode& node) {
  return node.kind == YamlNode::Kind::null || (node.kind == YamlNode::Kind::scalar && resolve(node).type == ScalarType::null);
}

std::vector<KeyTable> layer_keys() {
  return {
      {"", "", {sections.begin(), sections.end()}},
      keys_of<Service>("services: NAME:", "A program to keep running."),
      keys_of<Check>("checks: NAME:", "A test, made again and again, of whether all is well."),
      keys_of<HttpCheck>("checks: NAME: http:", ""),
      keys_of<TcpCheck>("checks: NAME: tcp:", ""),
      keys_of<ExecCheck>("checks: NAME: exec:", ""),
      keys_of<LogTarget>("log-targets: NAME:", "A server that takes logs."),
      keys_of<LogTargetTls>("log-targets: NAME: tls:", ""),
      keys_of<Workload>("workloads: NAME:", "What services have in common."),
      {"pairing:", "", {pairing_keys.begin(), pairing_keys.end()}},
  };
}

std::vector<std::string> changed_keys(const Service& before, const Service& now) {
  std::vector<std::string> names;
  for (const Field<Service>& field : service_fields)
    if (!field.same(before, now)) names.emplace_back(field.key.name);
  return names;
}

}  // namespace cobble::layers
