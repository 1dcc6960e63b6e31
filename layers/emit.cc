#include "layers/emit.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "layers/duration.h"
#include "layers/number.h"
#include "layers/scalar.h"
#include "layers/utf8.h"

namespace cobble::layers {

namespace {

constexpr int step = 4;
constexpr std::size_t longest_simple_key = 128;

bool is_digit(std::uint32_t c) {
  return c >= '0' && c <= '9';
}

bool is_letter(std::uint32_t c) {
  if (c < 0x80) return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  // Letters of other scripts; signs and punctuation up to U+00BF are none, nor are × and ÷, nor general punctuation and symbols.
  if (c < 0xC0) return c == 0xAA || c == 0xB5 || c == 0xBA;
  if (c == 0xD7 || c == 0xF7) return false;
  return (c < 0x2000 || c > 0x2BFF) && (c < 0x3000 || c > 0x3004) && (c < 0x3008 || c > 0x3020) && (c < 0x1F000 || c > 0x1FAFF);
}

std::vector<std::uint32_t> code_points(std::string_view text) {
  std::vector<std::uint32_t> out;
  while (!text.empty()) {
    std::uint32_t c = 0;
    std::size_t length = decode_utf8(text, c);
    if (length == 0) {
      c = 0xFFFD;
      length = 1;
    }
    out.push_back(c);
    text.remove_prefix(length);
  }
  return out;
}

/// A character that may stand in a scalar without an escape. U+2028 and U+2029 end lines in YAML 1.1.
bool is_printable(std::uint32_t c) {
  if (c == 0x2028 || c == 0x2029) return false;
  return c == '\n' || (c >= 0x20 && c <= 0x7E) || (c >= 0xA0 && c <= 0xD7FF) || (c >= 0xE000 && c <= 0xFFFD && c != 0xFEFF);
}

/// What a look over a string says of the ways in which it can be written.
struct Look {
  bool special = false;  ///< characters that only double quotes can hold
  bool tab = false;
  bool line_break = false;
  bool space_break = false;  ///< a space before a line break
  bool plain = true;         ///< may stand without quotes, as far as its characters go
};

Look look_at(std::string_view text) {
  Look look;
  const auto points = code_points(text);
  if (points.empty()) {
    look.plain = false;
    return look;
  }
  static constexpr std::string_view indicators = "#,[]{}&*!|>'\"%@`";
  const std::uint32_t first = points.front();
  const bool alone = points.size() == 1;
  if (first < 0x80 && indicators.find(static_cast<char>(first)) != std::string_view::npos) look.plain = false;
  if ((first == '-' || first == '?' || first == ':') && (alone || points[1] == ' ' || points[1] == '\n' || points[1] == '\t'))
    look.plain = false;
  if (text.starts_with("---") || text.starts_with("...")) look.plain = false;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const std::uint32_t c = points[i];
    const std::uint32_t next = i + 1 < points.size() ? points[i + 1] : 0;
    const bool last = i + 1 == points.size();
    if (c == ':' && (last || next == ' ' || next == '\n' || next == '\t')) look.plain = false;
    if (c == '#' && i > 0 && (points[i - 1] == ' ' || points[i - 1] == '\n' || points[i - 1] == '\t')) look.plain = false;
    if (c == ' ' && (i == 0 || last)) look.plain = false;
    if (c == '\t') look.tab = true;
    if (c == '\n') {
      look.line_break = true;
      if (i > 0 && points[i - 1] == ' ') look.space_break = true;
    } else if (c != '\t' && !is_printable(c)) {
      look.special = true;
    }
  }
  if (look.line_break || look.tab || look.special) look.plain = false;
  return look;
}

std::string double_quoted(std::string_view text) {
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string out = "\"";
  while (!text.empty()) {
    std::uint32_t c = 0;
    const std::size_t length = decode_utf8(text, c);
    if (length == 0) {
      out += "\\uFFFD";
      text.remove_prefix(1);
      continue;
    }
    const auto escape_hex = [&](char letter, int digits) {
      out += '\\';
      out += letter;
      for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += hex[(c >> shift) & 15];
    };
    switch (c) {
      case 0:
        out += "\\0";
        break;
      case '\a':
        out += "\\a";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\v':
        out += "\\v";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\r':
        out += "\\r";
        break;
      case 0x1B:
        out += "\\e";
        break;
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case 0x85:
        out += "\\N";
        break;
      case 0xA0:
        out += "\\_";
        break;
      case 0x2028:
        out += "\\L";
        break;
      case 0x2029:
        out += "\\P";
        break;
      default:
        if (is_printable(c)) {
          out += text.substr(0, length);
        } else if (c < 0x100) {
          escape_hex('x', 2);
        } else if (c < 0x10000) {
          escape_hex('u', 4);
        } else {
          escape_hex('U', 8);
        }
    }
    text.remove_prefix(length);
  }
  return out + '"';
}

std::string single_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

class Emitter {
 public:
  std::string take() { return std::move(out_); }
  bool empty() const { return out_.empty(); }

  void key(int indent, std::string_view name) {
    out_.append(static_cast<std::size_t>(indent), ' ');
    out_.append(name).append(":");
  }

  void field(int indent, std::string_view name, std::string_view text) {
    if (text.empty()) return;
    key(indent, name);
    value(indent, text);
  }
  void number(int indent, std::string_view name, std::optional<std::int64_t> value) {
    if (value) raw(indent, name, std::to_string(*value));
  }
  void duration(int indent, std::string_view name, const std::optional<Nanoseconds>& value) {
    if (value) raw(indent, name, format_duration(*value));
  }
  void raw(int indent, std::string_view name, std::string_view text) {
    key(indent, name);
    out_.append(" ").append(text).append("\n");
  }
  void list(int indent, std::string_view name, const std::vector<std::string>& items) {
    if (items.empty()) return;
    key(indent, name);
    out_ += '\n';
    for (const std::string& item : items) {
      out_.append(static_cast<std::size_t>(indent + step), ' ').append("-");
      // A block's lines stand two behind the dash, where an indentation hint would not fit them.
      if (item.starts_with(' ')) {
        out_.append(" ").append(yaml_scalar(item)).append("\n");
      } else {
        value(indent + 2, item);
      }
    }
  }
  void map(int indent, std::string_view name, const StringMap& map) {
    if (map.empty()) return;
    key(indent, name);
    out_ += '\n';
    for (const auto* entry : sorted(map)) {
      if (begin_entry(indent + step, entry->first)) out_ += ':';
      value(indent + step, entry->second);
    }
  }
  /// A named entry's key; true when its fields follow on lines of their own, false when the first one goes behind the colon of a
  /// complex key.
  bool begin_entry(int indent, std::string_view name) {
    out_.append(static_cast<std::size_t>(indent), ' ');
    const bool simple = name.size() <= longest_simple_key && name.find('\n') == std::string_view::npos;
    if (simple) {
      out_ += name == "<<" ? double_quoted(name) : yaml_scalar(name);  // not a merge key
      return true;
    }
    out_ += "?";
    value(indent, name);
    out_.append(static_cast<std::size_t>(indent), ' ').append(":");
    return false;
  }
  template <typename Map>
  static std::vector<const typename Map::value_type*> sorted(const Map& map) {
    std::vector<const typename Map::value_type*> entries;
    for (const auto& entry : map) entries.push_back(&entry);
    // A heap sort stays within bounds even where the order that the contract gives isn't transitive.
    const auto less = [](const auto* a, const auto* b) { return yaml_key_less(a->first, b->first); };
    std::ranges::make_heap(entries, less);
    std::ranges::sort_heap(entries, less);
    return entries;
  }

  template <typename Map, typename Write>
  void section(std::string_view name, const Map& map, Write write) {
    if (map.empty()) return;
    key(0, name);
    out_ += '\n';
    for (const auto* entry : sorted(map)) {
      const bool simple = begin_entry(step, entry->first);
      Emitter fields;
      write(fields, 2 * step, entry->second);
      std::string text = fields.take();
      if (simple) {
        out_ += text.empty() ? ": {}\n" : ":\n" + text;
      } else {
        // Behind `:` the fields begin at once, at the column where they would stand anyway.
        if (text.empty()) text = std::string(2 * step, ' ') + "{}\n";
        out_ += std::string(step - 1, ' ') + text.substr(2 * step);
      }
    }
  }

  std::string out_;

 private:
  void value(int indent, std::string_view text) { out_ += yaml_value(text, indent + step); }
};

std::string_view override_text(Override policy) {
  switch (policy) {
    case Override::merge:
      return "merge";
    case Override::replace:
      return "replace";
    default:
      return "";
  }
}

void write_service(Emitter& out, int indent, const Service& service) {
  out.field(indent, "summary", service.summary);
  out.field(indent, "description", service.description);
  out.field(indent, "startup", service.startup);
  out.field(indent, "override", override_text(service.override_policy));
  out.field(indent, "command", service.command);
  out.list(indent, "after", service.after);
  out.list(indent, "before", service.before);
  out.list(indent, "requires", service.requires_services);
  out.field(indent, "workload", service.workload);
  if (service.environment) out.map(indent, "environment", *service.environment);
  out.number(indent, "user-id", service.user_id);
  out.field(indent, "user", service.user);
  out.number(indent, "group-id", service.group_id);
  out.field(indent, "group", service.group);
  out.field(indent, "working-dir", service.working_dir);
  out.field(indent, "on-success", service.on_success);
  out.field(indent, "on-failure", service.on_failure);
  out.map(indent, "on-check-failure", service.on_check_failure);
  out.duration(indent, "backoff-delay", service.backoff_delay);
  if (service.backoff_factor) out.raw(indent, "backoff-factor", format_yaml_float(*service.backoff_factor));
  out.duration(indent, "backoff-limit", service.backoff_limit);
  out.duration(indent, "kill-delay", service.kill_delay);
}

/// A map under a key that is shown even when it is empty.
void open_map(Emitter& out, int indent, std::string_view name, bool empty) {
  out.key(indent, name);
  out.out_ += empty ? " {}\n" : "\n";
}

void write_check(Emitter& out, int indent, const Check& check) {
  out.field(indent, "override", override_text(check.override_policy));
  out.field(indent, "level", check.level);
  out.field(indent, "startup", check.startup);
  out.duration(indent, "period", check.period);
  out.duration(indent, "timeout", check.timeout);
  out.number(indent, "threshold", check.threshold);
  const int inner = indent + step;
  if (check.http) {
    open_map(out, indent, "http", check.http->url.empty() && check.http->headers.empty());
    out.field(inner, "url", check.http->url);
    out.map(inner, "headers", check.http->headers);
  }
  if (check.tcp) {
    open_map(out, indent, "tcp", check.tcp->port == 0 && check.tcp->host.empty());
    if (check.tcp->port != 0) out.number(inner, "port", check.tcp->port);
    out.field(inner, "host", check.tcp->host);
  }
  if (check.exec) {
    const ExecCheck& exec = *check.exec;
    open_map(out, indent, "exec", exec == ExecCheck{});
    out.field(inner, "command", exec.command);
    out.field(inner, "service-context", exec.service_context);
    out.map(inner, "environment", exec.environment);
    out.number(inner, "user-id", exec.user_id);
    out.field(inner, "user", exec.user);
    out.number(inner, "group-id", exec.group_id);
    out.field(inner, "group", exec.group);
    out.field(inner, "working-dir", exec.working_dir);
  }
}

void write_log_target(Emitter& out, int indent, const LogTarget& target) {
  out.raw(indent, "type", yaml_scalar(target.type));
  out.raw(indent, "location", yaml_scalar(target.location));
  if (target.services.empty()) {
    out.raw(indent, "services", "[]");
  } else {
    out.list(indent, "services", target.services);
  }
  out.field(indent, "override", override_text(target.override_policy));
  out.map(indent, "labels", target.labels);
  if (target.tls != LogTargetTls{}) {
    open_map(out, indent, "tls", false);
    out.field(indent + step, "ca-file", target.tls.ca_file);
    out.field(indent + step, "cert-file", target.tls.cert_file);
    out.field(indent + step, "key-file", target.tls.key_file);
  }
  out.map(indent, "headers", target.headers);
  out.field(indent, "compression", target.compression);
}

void write_workload(Emitter& out, int indent, const Workload& workload) {
  out.field(indent, "override", override_text(workload.override_policy));
  out.map(indent, "environment", workload.environment);
  out.number(indent, "user-id", workload.user_id);
  out.field(indent, "user", workload.user);
  out.number(indent, "group-id", workload.group_id);
  out.field(indent, "group", workload.group);
}

std::string_view digit_run(std::string_view text) {
  return text.substr(0, std::min(text.find_first_not_of("0123456789"), text.size()));
}

std::string_view without_zeros(std::string_view digits) {
  return digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
}

/// Compares runs of digits as numbers: negative, zero or positive.
int compare_numbers(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.compare(b);
}

/// The first character; U+FFFD when it is no UTF-8.
std::uint32_t first_of(std::string_view text) {
  std::uint32_t code_point = 0;
  return decode_utf8(text, code_point) == 0 ? 0xFFFD : code_point;
}

}  // namespace

bool yaml_key_less(std::string_view a, std::string_view b) {
  std::size_t at = static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
  if (at == a.size() || at == b.size()) return a.size() < b.size();
  while (at > 0 && (static_cast<unsigned char>(a[at]) & 0xC0) == 0x80) --at;  // to the start of a character
  const std::string_view rest_a = a.substr(at);
  const std::string_view rest_b = b.substr(at);
  const std::uint32_t char_a = first_of(rest_a);
  const std::uint32_t char_b = first_of(rest_b);
  const bool letter_a = is_letter(char_a);
  const bool letter_b = is_letter(char_b);
  if (letter_a && letter_b) return char_a < char_b;
  const bool after_digit = at > 0 && is_digit(static_cast<unsigned char>(a[at - 1]));
  if (letter_a || letter_b) return after_digit ? letter_a : letter_b;
  // Runs that go on with a number begun by another digit than 0 compare as that longer number.
  bool goes_on = false;
  for (std::size_t i = at; i > 0 && is_digit(static_cast<unsigned char>(a[i - 1])); --i) goes_on = goes_on || a[i - 1] != '0';
  const std::string_view run_a = digit_run(rest_a);
  const std::string_view run_b = digit_run(rest_b);
  const int order = goes_on ? compare_numbers(run_a, run_b) : compare_numbers(without_zeros(run_a), without_zeros(run_b));
  if (order != 0) return order < 0;
  if (run_a.size() != run_b.size()) return run_a.size() < run_b.size();
  return char_a < char_b;
}

std::string yaml_scalar(std::string_view text) {
  const Look look = look_at(text);
  if (text.empty() || look.special || look.tab || look.line_break) return double_quoted(text);
  if (!reads_as_string(text)) return double_quoted(text);
  return look.plain ? std::string(text) : single_quoted(text);
}

std::string yaml_value(std::string_view text, int block_indent) {
  const Look look = look_at(text);
  const bool block = look.line_break && !look.special && !look.space_break && !text.ends_with(' ') && text.front() != '\n';
  if (!block) return " " + yaml_scalar(text) + "\n";
  std::string out = " |";
  if (text.front() == ' ') out += std::to_string(step);
  if (!text.ends_with('\n')) {
    out += '-';
  } else if (text.size() == 1 || text[text.size() - 2] == '\n') {
    out += '+';
  }
  out += '\n';
  while (!text.empty()) {
    const std::size_t line_end = text.find('\n');
    const std::string_view line = text.substr(0, line_end);
    if (!line.empty()) out.append(static_cast<std::size_t>(block_indent), ' ').append(line);
    out += '\n';
    text.remove_prefix(line_end == std::string_view::npos ? text.size() : line_end + 1);
  }
  return out;
}

std::string to_yaml(const Plan& plan) {
  Emitter out;
  out.section("services", plan.services, write_service);
  out.section("checks", plan.checks, write_check);
  out.section("log-targets", plan.log_targets, write_log_target);
  out.section("workloads", plan.workloads, write_workload);
  if (!plan.pairing_mode.empty()) {
    out.key(0, "pairing");
    out.out_ += "\n";
    out.field(step, "mode", plan.pairing_mode);
  }
  return out.empty() ? "{}\n" : out.take();
}

}  // namespace cobble::layers
