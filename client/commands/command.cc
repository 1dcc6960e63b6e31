#include "client/commands/command.h"

#include <algorithm>

namespace cobble::client {

std::string Option::display() const {
  std::string text;
  if (short_name != 0) text = std::string("-") + short_name;
  if (!long_name.empty()) text += (text.empty() ? "--" : ", --") + std::string(long_name);
  return text;
}

bool Command::has_visible_options() const {
  return std::ranges::any_of(options, [](const Option& option) { return !option.hidden; });
}

const Option* Command::find(char short_name) const {
  const auto found = std::ranges::find(options, short_name, &Option::short_name);
  return found == options.end() || short_name == 0 ? nullptr : &*found;
}

const Option* Command::find(std::string_view long_name) const {
  const auto found = std::ranges::find(options, long_name, &Option::long_name);
  return found == options.end() || long_name.empty() ? nullptr : &*found;
}

std::string Arguments::text(std::string_view key) const {
  if (const auto found = values_.find(key); found != values_.end()) return std::get<std::string>(found->second);
  const Option* option = command_ ? command_->find(key) : nullptr;
  return option ? std::string(option->default_value) : std::string();
}

Names Arguments::texts(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? Names() : std::get<Names>(found->second);
}

std::optional<std::int64_t> Arguments::integer(std::string_view key) const {
  const auto found = values_.find(key);
  if (found == values_.end()) return std::nullopt;
  return std::get<std::int64_t>(found->second);
}

Nanoseconds Arguments::duration(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? Nanoseconds(0) : std::get<Nanoseconds>(found->second);
}

std::vector<Names> Arguments::words(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? std::vector<Names>() : std::get<std::vector<Names>>(found->second);
}

Names Arguments::rest(std::size_t index) const {
  if (index >= positionals_.size()) return {};
  return {positionals_.begin() + static_cast<std::ptrdiff_t>(index), positionals_.end()};
}

}  // namespace cobble::client
