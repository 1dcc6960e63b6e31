#include <algorithm>
#include <deque>

#include "client/commands/value.h"
#include "layers/emit.h"

namespace cobble::client {
namespace {

constexpr std::size_t step = 4;

/// The next multiple of four: what is nested stands there.
std::size_t deeper(std::size_t indent) {
  return (indent + step) / step * step;
}

/// Writes a tree as YAML.
class YamlWriter {
 public:
  std::string take() { return std::move(text_); }

  /// Writes the value after a key or dash that stands at `indent`, with the line end; the lines of a literal block stand at
  /// `block`.
  void write_after(const Value& value, std::size_t indent, std::size_t block) {
    if (const auto* fields = fields_of(value); fields && !fields->empty()) {
      text_ += '\n';
      write_fields(*fields, deeper(indent), deeper(indent));
    } else if (const auto* items = std::get_if<Value::List>(&value.data()); items && !items->empty()) {
      text_ += '\n';
      for (const Value& item : *items) write_item(item, deeper(indent));
    } else if (const auto* text = std::get_if<std::string>(&value.data())) {
      text_ += layers::yaml_value(*text, static_cast<int>(block));
    } else {
      text_ += " " + short_form(value) + "\n";
    }
  }

  /// Writes fields; the first one stands where the text has come to, `first` columns in.
  void write_fields(const Value::Fields& fields, std::size_t first, std::size_t indent) {
    for (const auto& [key, value] : fields) {
      text_ += std::string(&key == &fields.front().first ? first : indent, ' ') + layers::yaml_scalar(key) + ":";
      write_after(value, indent, deeper(indent));
    }
  }

 private:
  /// The fields of an object, in the order in which they are printed.
  const Value::Fields* fields_of(const Value& value) {
    if (const auto* fields = std::get_if<Value::Fields>(&value.data())) return fields;
    const auto* map = std::get_if<Value::Map>(&value.data());
    if (!map) return nullptr;
    sorted_.push_back(map->entries);
    std::ranges::sort(sorted_.back(), layers::yaml_key_less, &std::pair<std::string, Value>::first);
    return &sorted_.back();
  }

  void write_item(const Value& item, std::size_t indent) {
    text_ += std::string(indent, ' ') + "-";
    if (const auto* fields = fields_of(item); fields && !fields->empty()) {
      text_ += ' ';
      write_fields(*fields, 0, indent + 2);
    } else {
      write_after(item, indent, indent + 2);
    }
  }

  static std::string short_form(const Value& value) {
    struct Forms {
      std::string operator()(std::monostate) const { return "null"; }
      std::string operator()(bool truth) const { return truth ? "true" : "false"; }
      std::string operator()(const std::string& text) const { return layers::yaml_scalar(text); }
      std::string operator()(const Value::Moment& moment) const { return moment.text; }
      std::string operator()(const Value::Number& number) const { return number.text; }
      std::string operator()(const Value::List&) const { return "[]"; }
      std::string operator()(const Value::Fields&) const { return "{}"; }
      std::string operator()(const Value::Map&) const { return "{}"; }
    };
    return std::visit(Forms(), value.data());
  }

  std::string text_;
  std::deque<Value::Fields> sorted_;  ///< maps in order; a deque, so that they stay where they are
};

}  // namespace

std::string to_yaml(const Value& value) {
  YamlWriter writer;
  if (const auto* fields = std::get_if<Value::Fields>(&value.data())) writer.write_fields(*fields, 0, 0);
  return writer.take();
}

}  // namespace cobble::client
