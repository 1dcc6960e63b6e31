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
           "How the entry joins one of the same name in the layers below: merge lays its keys over it (lists are appended, maps "
           "merged key by key), replace takes its place. Required in every layer."},
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
    member<Service, &Service::summary>("summary", "text", "What the service is, in a line."),
    member<Service, &Service::description>("description", "text", "More about the service."),
    word<Service, &Service::startup, service_startup>("startup", "enabled|disabled",
                                                      "enabled: started with the daemon, by autostart and by replan. disabled, "
                                                      "or not set: only when asked for. Default: disabled."),
    override_field<Service>(),
    member<Service, &Service::command>("command", "text",
                                       "The program and its arguments. Quotes and backslashes group words as in a shell, but "
                                       "there is no shell: no variables, no pipes, no globs. Arguments in a last group such as [ "
                                       "--port 80 ] are defaults, which pebble run --args replaces. Required in the plan."),
    member<Service, &Service::after>(
        "after", "list of services",
        "Services that are started before this one and stopped after it, when both are started or stopped. It waits for them "
        "where requires links them, directly or through others. Names that the plan doesn't have are ignored."),
    member<Service, &Service::before>(
        "before", "list of services",
        "Services that are started after this one and stopped before it, when both are started or stopped. They wait for it "
        "where requires links them, directly or through others. Names that the plan doesn't have are ignored."),
    member<Service, &Service::requires_services>(
        "requires", "list of services",
        "Services that are started with this one; when one of them is stopped, this one is stopped too. Says nothing about the "
        "order: add after. Each name must be in the plan."),
    member<Service, &Service::workload>(
        "workload", "text",
        "A workload of the plan that gives user, group and environment. Excludes user, user-id, group and group-id."),
    member<Service, &Service::environment>(
        "environment", "mapping of texts",
        "Variables added to the daemon's own environment. Values are taken as they are: no $VARIABLE is replaced."),
    member<Service, &Service::user_id>("user-id", "number",
                                       "The numeric user to run as. Together with user it must be that user's."),
    member<Service, &Service::user>("user", "text",
                                    "The user to run as, by name; its primary group is taken unless a group is given. Needs a "
                                    "daemon that runs as root, or as this user."),
    member<Service, &Service::group_id>("group-id", "number", "The numeric group to run as."),
    member<Service, &Service::group>("group", "text", "The group to run as, by name."),
    member<Service, &Service::working_dir>("working-dir", "path", "The folder to run in; not set: the daemon's."),
    word<Service, &Service::on_success, service_action>(
        "on-success", "restart|shutdown|failure-shutdown|ignore",
        "When the service ends with exit code 0: start it again (restart), end the daemon with exit code 0 (shutdown) or 10 "
        "(failure-shutdown), or leave it (ignore). Default: restart."),
    word<Service, &Service::on_failure, service_action>(
        "on-failure", "restart|shutdown|success-shutdown|ignore",
        "When the service ends with another exit code or by a signal: start it again (restart), end the daemon with exit code 10 "
        "(shutdown) or 0 (success-shutdown), or leave it (ignore). Default: restart."),
    Field<Service>{{"on-check-failure", "mapping of checks to restart|shutdown|success-shutdown|ignore",
                    "What to do when a check goes down, by the check's name: restart the service, end the daemon with exit code "
                    "11 (shutdown) or 0 (success-shutdown), or nothing (ignore, and for checks that aren't named)."},
                   [](Decoder& decoder, const YamlNode& node, Service& service) {
                     decoder.read(node, service.on_check_failure, "map[string]plan.ServiceAction", service_action);
                   },
                   same_member<&Service::on_check_failure, Service>},
    member<Service, &Service::backoff_delay>("backoff-delay", "duration",
                                             "How long to wait before the first restart. Default: 500ms."),
    member<Service, &Service::backoff_factor>(
        "backoff-factor", "number", "What the wait is multiplied by with each further restart; at least 1. Default: 2.0."),
    member<Service, &Service::backoff_limit>(
        "backoff-limit", "duration",
        "The longest wait between restarts. A service that has run that long starts again with the first wait. Default: 30s."),
    member<Service, &Service::kill_delay>(
        "kill-delay", "duration", "How long the service has after SIGTERM before its process group gets SIGKILL. Default: 5s."),
};

constexpr std::array http_fields{
    member<HttpCheck, &HttpCheck::url>("url", "URL", "What to get. Required."),
    member<HttpCheck, &HttpCheck::headers>("headers", "mapping of texts", "Headers to send."),
};

constexpr std::array tcp_fields{
    member<TcpCheck, &TcpCheck::port>("port", "number", "The port. Required."),
    member<TcpCheck, &TcpCheck::host>("host", "text", "The host to connect to. Default: localhost."),
};

constexpr std::array exec_fields{
    member<ExecCheck, &ExecCheck::command>("command", "text",
                                           "The program and its arguments, split as a service's command. Required."),
    member<ExecCheck, &ExecCheck::service_context>(
        "service-context", "text", "A service whose environment, user, group and working folder the command gets."),
    member<ExecCheck, &ExecCheck::environment>("environment", "mapping of texts",
                                               "Variables for the command, laid over those of service-context."),
    member<ExecCheck, &ExecCheck::user_id>("user-id", "number", "The numeric user to run as."),
    member<ExecCheck, &ExecCheck::user>("user", "text", "The user to run as, by name."),
    member<ExecCheck, &ExecCheck::group_id>("group-id", "number", "The numeric group to run as; needs a user."),
    member<ExecCheck, &ExecCheck::group>("group", "text", "The group to run as, by name; needs a user."),
    member<ExecCheck, &ExecCheck::working_dir>("working-dir", "path", "The folder to run in."),
};

constexpr std::array check_fields{
    override_field<Check>(),
    word<Check, &Check::level, check_level>("level", "alive|ready",
                                            "alive: counts for /v1/health?level=alive and ?level=ready. ready: for ?level=ready "
                                            "alone. Not set: for neither, but for /v1/health without a level."),
    word<Check, &Check::startup, check_startup>(
        "startup", "enabled|disabled",
        "enabled: runs as soon as the plan has it. disabled: only after pebble start-checks. Default: enabled."),
    member<Check, &Check::period>("period", "duration", "Time between two runs. Default: 10s."),
    member<Check, &Check::timeout>(
        "timeout", "duration", "How long a run may take before it counts as failed; never longer than the period. Default: 3s."),
    member<Check, &Check::threshold>("threshold", "number",
                                     "How many runs in a row must fail before the check is down. Default: 3."),
    kind<Check, &Check::http, http_type>("http", "Succeeds when a GET is answered with a status of 200 to 299."),
    kind<Check, &Check::tcp, tcp_type>("tcp", "Succeeds when the port takes a connection."),
    kind<Check, &Check::exec, exec_type>("exec", "Succeeds when the command ends with exit code 0."),
};

constexpr std::array log_target_tls_fields{
    member<LogTargetTls, &LogTargetTls::ca_file>("ca-file", "path",
                                                 "A PEM file of certificates to trust instead of the system's."),
    member<LogTargetTls, &LogTargetTls::cert_file>("cert-file", "path",
                                                   "A PEM file with the certificate to show when the server asks for one."),
    member<LogTargetTls, &LogTargetTls::key_file>(
        "key-file", "path", "A PEM file with the certificate's key; not set: it is in cert-file. Needs cert-file."),
};

constexpr std::array log_target_fields{
    word<LogTarget, &LogTarget::type, log_target_type>(
        "type", "loki|opentelemetry|syslog",
        "What the server speaks: loki (its push API), opentelemetry (OTLP over HTTP, JSON) or syslog (RFC 5424). Required."),
    member<LogTarget, &LogTarget::location>(
        "location", "URL",
        "Where the server is. loki: the full URL of the push endpoint. opentelemetry: the base URL, /v1/logs is added. syslog: "
        "tcp://HOST:PORT, udp://HOST:PORT, tls://HOST:PORT or unix:///PATH. Required."),
    member<LogTarget, &LogTarget::services>(
        "services", "list of services",
        "Whose output is sent: names, -NAME to leave one out, all and -all. The last item that fits a service decides; nothing "
        "fits: not sent. Each name must be in the plan."),
    override_field<LogTarget>(),
    member<LogTarget, &LogTarget::labels>("labels", "mapping of texts",
                                          "Labels added to what is sent. $NAME and ${NAME} in values are replaced from the "
                                          "environment that the plan gives the service. Keys must not start with pebble_."),
    Field<LogTarget>{{"tls", "mapping", "How servers at https:// and tls:// are trusted, and trust us. Beyond the reference."},
                     [](Decoder& decoder, const YamlNode& node, LogTarget& target) {
                       if (!is_null_node(node)) read_fields(decoder, node, target.tls, "plan.LogTargetTLS");
                     },
                     same_member<&LogTarget::tls, LogTarget>},
    member<LogTarget, &LogTarget::headers>(
        "headers", "mapping of texts",
        "Headers sent with each request, to this host alone; for loki and opentelemetry. Beyond the reference."),
    member<LogTarget, &LogTarget::compression>(
        "compression", "gzip", "gzip packs the bodies of requests; for loki and opentelemetry. Beyond the reference."),
};

constexpr std::array workload_fields{
    Field<Workload>{override_field<Workload>().key,
                    [](Decoder& decoder, const YamlNode& node, Workload& workload) {
                      decoder.read(node, workload.override_text);
                      workload.override_policy = parse_override(workload.override_text);
                    },
                    same_member<&Workload::override_policy, Workload>},
    member<Workload, &Workload::environment>("environment", "mapping of texts",
                                             "Variables for the workload's services; their own environment is laid over it."),
    member<Workload, &Workload::user_id>("user-id", "number", "The numeric user to run as."),
    member<Workload, &Workload::user>("user", "text", "The user to run as, by name."),
    member<Workload, &Workload::group_id>("group-id", "number", "The numeric group to run as; needs a user."),
    member<Workload, &Workload::group>("group", "text", "The group to run as, by name; needs a user."),
};

constexpr std::array sections{
    Key{"summary", "text", "What the layer is for, in a line. Kept in the layer, not shown in the plan."},
    Key{"description", "text", "More about the layer. Kept in the layer, not shown in the plan."},
    Key{"services", "mapping of names", "The programs to run, by name."},
    Key{"checks", "mapping of names", "Health checks, by name. Each asks again and again by HTTP, by TCP, or with a command."},
    Key{"log-targets", "mapping of names", "Where the output of services is sent, by name."},
    Key{"workloads", "mapping of names",
        "Users and environments that services share, by name. Only layer files may define workloads; layers added over the API "
        "may repeat them unchanged."},
    Key{"pairing", "mapping", "Whether clients may pair: hand in their certificate to become an identity with admin access."},
};

constexpr std::array pairing_keys{
    Key{"mode", "disabled|single|multiple",
        "disabled: nobody can pair. single: one client, ever. multiple: any number. Clients pair while the pairing window is "
        "open. A later layer's mode wins. Default: disabled."},
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
      keys_of<Service>("services: NAME:", "A program that the daemon starts, watches, restarts and stops."),
      keys_of<Check>("checks: NAME:", "A health check: exactly one of http, tcp and exec, asked once a period."),
      keys_of<HttpCheck>("checks: NAME: http:", ""),
      keys_of<TcpCheck>("checks: NAME: tcp:", ""),
      keys_of<ExecCheck>("checks: NAME: exec:", ""),
      keys_of<LogTarget>("log-targets: NAME:", "A log server, and the services whose output it gets."),
      keys_of<LogTargetTls>("log-targets: NAME: tls:", ""),
      keys_of<Workload>("workloads: NAME:", "A user and an environment that services refer to by workload."),
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
