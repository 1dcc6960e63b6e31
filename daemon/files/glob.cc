#include "daemon/files/glob.h"

#include <algorithm>
#include <optional>

#include "daemon/base/utf8.h"

namespace cobble::files {

namespace {

/// An invalid byte counts as one character that equals no valid one but itself.
constexpr std::uint32_t invalid_byte = 0x80000000;

std::uint32_t take_rune(std::string_view& text) {
  const std::size_t length = base::utf8_length(text);
  const auto first = static_cast<unsigned char>(text.front());
  std::uint32_t rune = first;
  if (length == 0) {
    rune = invalid_byte | first;
  } else if (length > 1) {
    rune = first & (0xFFU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) rune = rune << 6 | (static_cast<unsigned char>(text[i]) & 0x3FU);
  }
  text.remove_prefix(std::max<std::size_t>(length, 1));
  return rune;
}

/// A member of a class, perhaps escaped; none when the class is malformed here.
std::optional<std::uint32_t> take_member(std::string_view& rest) {
  if (rest.empty() || rest.front() == '-' || rest.front() == ']') return std::nullopt;
  if (rest.front() == '\\') rest.remove_prefix(1);
  if (rest.empty()) return std::nullopt;
  return take_rune(rest);
}

}  // namespace

bool Glob::Element::matches(std::uint32_t other) const {
  switch (kind) {
    case Kind::one:
      return rune == other;
    case Kind::any:
    case Kind::many:
      return other != '/';
    case Kind::set:
      return negated != std::ranges::any_of(ranges, [&](const auto& r) { return r.first <= other && other <= r.second; });
  }
  return false;
}

bool Glob::parse_set(std::string_view& rest, Element& element) {
  element.kind = Kind::set;
  if (rest.starts_with('^')) {
    element.negated = true;
    rest.remove_prefix(1);
  }
  while (element.ranges.empty() || !rest.starts_with(']')) {
    const auto low = take_member(rest);
    if (!low) return false;
    auto high = low;
    if (rest.starts_with('-')) {
      rest.remove_prefix(1);
      high = take_member(rest);
      if (!high) return false;
    }
    element.ranges.emplace_back(*low, *high);
  }
  rest.remove_prefix(1);
  return true;
}

std::expected<Glob, std::string> Glob::parse(std::string_view pattern) {
  const std::unexpected malformed{std::string("syntax error in pattern")};
  Glob glob;
  while (!pattern.empty()) {
    Element element;
    const char c = pattern.front();
    if (c == '*' || c == '?' || c == '[') {
      pattern.remove_prefix(1);
      element.kind = c == '*' ? Kind::many : Kind::any;
      if (c == '[' && !parse_set(pattern, element)) return malformed;
    } else {
      if (c == '\\') pattern.remove_prefix(1);
      if (pattern.empty()) return malformed;
      element.rune = take_rune(pattern);
    }
    glob.elements_.push_back(std::move(element));
  }
  return glob;
}

bool Glob::matches(std::string_view name) const {
  std::size_t at = 0;
  // Where to go on when what follows the last star did not match: the star takes one character more.
  std::optional<std::size_t> star;
  std::string_view after_star;
  while (!name.empty()) {
    if (at < elements_.size() && elements_[at].kind == Kind::many) {
      star = at++;
      after_star = name;
      continue;
    }
    std::string_view rest = name;
    if (at < elements_.size() && elements_[at].matches(take_rune(rest))) {
      ++at;
      name = rest;
      continue;
    }
    if (!star || !elements_[*star].matches(take_rune(after_star))) return false;
    name = after_star;
    at = *star + 1;
  }
  return std::all_of(elements_.begin() + static_cast<std::ptrdiff_t>(at), elements_.end(),
                     [](const Element& element) { return element.kind == Kind::many; });
}

}  // namespace cobble::files
