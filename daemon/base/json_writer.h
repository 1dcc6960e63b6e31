#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace cobble::base {

/// What becomes of `<`, `>` and `&` in a JSON string.
enum class Markup { escape, keep };

/// Appends `text` as a JSON string with the reference's escapes (contract 03, section 2.8): `<`, `>`, `&` (unless they are kept),
/// U+2028 and U+2029 as \u…, invalid UTF-8 as U+FFFD.
void append_json_string(std::string& out, std::string_view text, Markup markup = Markup::escape);

/// Writes compact JSON with keys in the order in which they are written. Commas are its own business.
///
///     JsonWriter w;
///     w.begin_object(); w.field("id", change.id); w.key("tasks"); w.begin_array(); … w.end_array(); w.end_object();
class JsonWriter {
 public:
  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }

  void key(std::string_view name) {
    comma();
    append_json_string(text_, name);
    text_ += ':';
    fresh_ = true;
  }

  void value(std::string_view text) {
    comma();
    append_json_string(text_, text);
  }
  void value(const char* text) { value(std::string_view(text)); }
  void value(const std::string& text) { value(std::string_view(text)); }
  void value(bool flag) { raw(flag ? "true" : "false"); }
  template <typename Int>
    requires(std::is_integral_v<Int> && !std::is_same_v<Int, bool>)
  void value(Int number) {
    raw(std::to_string(number));
  }
  void null() { raw("null"); }
  /// A string map, keys in byte order.
  void value(const std::map<std::string, std::string>& map) {
    begin_object();
    for (const auto& [name, text] : map) field(name, text);
    end_object();
  }
  void value(std::span<const std::string> texts) {
    begin_array();
    for (const std::string& text : texts) value(text);
    end_array();
  }
  /// JSON text made elsewhere, taken as it is.
  void raw(std::string_view json) {
    comma();
    text_ += json;
  }

  template <typename T>
  void field(std::string_view name, const T& v) {
    key(name);
    value(v);
  }
  void raw_field(std::string_view name, std::string_view json) {
    key(name);
    raw(json);
  }
  void null_field(std::string_view name) {
    key(name);
    null();
  }

  void reserve(std::size_t bytes) { text_.reserve(bytes); }
  const std::string& text() const { return text_; }
  std::string take() { return std::move(text_); }

 private:
  void open(char c) {
    comma();
    text_ += c;
    fresh_ = true;
  }
  void close(char c) {
    text_ += c;
    fresh_ = false;
  }
  void comma() {
    if (!fresh_) text_ += ',';
    fresh_ = false;
  }

  std::string text_;
  bool fresh_ = true;
};

}  // namespace cobble::base
