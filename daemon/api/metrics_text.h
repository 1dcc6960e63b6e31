#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cobble::api {

/// Writes the text format that Prometheus reads (contract 06, section 2.7). Each family stands together, with its help and type
/// once before its samples and an empty line behind it, so that strict parsers accept it; for a single sample that is what the
/// reference writes. Label values are escaped as the format wants it: \\, \" and \n.
///
///     MetricsText text;
///     text.family("pebble_check_up", "gauge", "Whether …"); text.sample("check", name, 1); …
class MetricsText {
 public:
  /// Begins a family; it appears only when it gets a sample.
  void family(std::string_view name, std::string_view type, std::string_view help);
  void sample(std::string_view label, std::string_view label_value, std::uint64_t value);
  void sample(std::string_view label, std::string_view label_value, double value);
  /// Without a label.
  void sample(std::uint64_t value);
  void sample(double value);

  bool empty() const { return text_.empty(); }
  std::string take();

 private:
  void begin_sample(std::string_view label, std::string_view label_value);
  void end_family();

  std::string text_;
  std::string name_;
  std::string head_;  ///< of the family, until its first sample
  bool open_ = false;
};

}  // namespace cobble::api
