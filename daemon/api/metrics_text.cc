#include "daemon/api/metrics_text.h"

#include <array>
#include <charconv>
#include <utility>

#include "daemon/base/utf8.h"

namespace cobble::api {

namespace {

void append_label_value(std::string& out, std::string_view value) {
  for (const char c : base::repair_utf8(value)) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
}

void append_number(std::string& out, double value) {
  std::array<char, 32> buffer;
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  out.append(buffer.data(), error == std::errc() ? end : buffer.data());
}

}  // namespace

void MetricsText::family(std::string_view name, std::string_view type, std::string_view help) {
  end_family();
  name_ = name;
  head_ = "# HELP " + name_ + " ";
  head_.append(help).append("\n# TYPE ").append(name_).append(" ").append(type).append("\n");
}

void MetricsText::begin_sample(std::string_view label, std::string_view label_value) {
  text_ += std::exchange(head_, {});
  open_ = true;
  text_ += name_;
  if (!label.empty()) {
    text_.append("{").append(label).append("=\"");
    append_label_value(text_, label_value);
    text_ += "\"}";
  }
  text_ += ' ';
}

void MetricsText::sample(std::string_view label, std::string_view label_value, std::uint64_t value) {
  begin_sample(label, label_value);
  text_ += std::to_string(value) + "\n";
}

void MetricsText::sample(std::string_view label, std::string_view label_value, double value) {
  begin_sample(label, label_value);
  append_number(text_, value);
  text_ += '\n';
}

void MetricsText::sample(std::uint64_t value) {
  sample({}, {}, value);
}

void MetricsText::sample(double value) {
  sample({}, {}, value);
}

void MetricsText::end_family() {
  if (std::exchange(open_, false)) text_ += '\n';
}

std::string MetricsText::take() {
  end_family();
  return std::exchange(text_, {});
}

}  // namespace cobble::api
