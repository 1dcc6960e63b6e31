#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cobble::files {

/// A pattern for the last element of a path (contract 04, section 2.4): `*`, `?`, `[a-z]`, `[^a-z]`, `\x`. Pure.
class Glob {
 public:
  /// The error is `syntax error in pattern`.
  static std::expected<Glob, std::string> parse(std::string_view pattern);

  /// Whether the whole name matches. Takes at most pattern times name steps.
  bool matches(std::string_view name) const;

 private:
  enum class Kind { one, any, many, set };
  struct Element {
    Kind kind = Kind::one;
    std::uint32_t rune = 0;
    bool negated = false;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges;

    bool matches(std::uint32_t rune) const;
  };

  static bool parse_set(std::string_view& rest, Element& element);

  std::vector<Element> elements_;
};

}  // namespace cobble::files
