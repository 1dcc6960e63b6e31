#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "client/api/error.h"
#include "client/api/types.h"

/// What the table of commands is made of (contract 10, sections 2.1 and 2.3). Parser, help, man pages and completions are made
/// from nothing but these values.
namespace cobble::client {

class Context;
class Arguments;

/// What an option takes.
enum class Takes {
  nothing,  ///< a flag
  text,
  texts,    ///< may be repeated, values add up
  integer,  ///< signed, 64 bits
  uint32,
  duration,
  words,  ///< all words up to a lone `;`; may be repeated
};

/// What a word stands for, as far as there are others to offer for it when a line is completed.
enum class Refers { nothing, files, services, checks, identities, changes, commands, shells, signals };

/// One option of a command.
struct Option {
  char short_name = 0;              ///< 0: none
  std::string_view long_name = {};  ///< without dashes; empty: none
  std::string_view help = {};
  Takes takes = Takes::nothing;
  std::span<const std::string_view> choices = {};
  std::string_view default_value = {};
  bool required = false;
  bool hidden = false;
  Refers refers_to = Refers::nothing;  ///< its value

  /// The name by which a command asks for the value: the long one, or the letter.
  std::string_view key() const { return long_name.empty() ? std::string_view(&short_name, 1) : long_name; }
  /// `-x, --name`, as messages show it.
  std::string display() const;
};

/// One positional argument of a command.
struct Positional {
  std::string_view name = {};  ///< as shown, with its brackets: `<service>`
  bool required = true;
  bool list = false;  ///< takes all that is left
  std::string_view help = {};
  Refers refers_to = Refers::nothing;
};

/// What happens to words that no positional argument takes.
enum class Extra { refused, one_ignored, ignored };

/// The headings under which `help` shows commands: those of contract 10, section 2.1, then `more` for what goes beyond it;
/// `none`: not shown there.
enum class Category { run, info, plan, services, checks, files, changes, notices, identities, more, none };

/// One command.
struct Command {
  std::string_view name = {};
  std::string_view summary = {};
  std::string_view description = {};  ///< paragraphs; each line is wrapped by itself
  std::string_view exit_status = {};  ///< what exit statuses mean besides 0 for success and 1 for an error, for the manual
  Category category = Category::none;
  std::span<const Option> options = {};
  std::span<const Positional> positionals = {};
  /// Does the work; the exit status, or why it failed.
  Result<int> (*run)(Context&, const Arguments&) = nullptr;
  Extra extra = Extra::refused;
  bool first_word_ends_options = false;  ///< what follows the first positional word is positional
  bool hidden = false;

  bool has_visible_options() const;
  const Option* find(char short_name) const;
  const Option* find(std::string_view long_name) const;
};

/// The choices that several commands share.
inline constexpr std::string_view format_choices[] = {"text", "json", "yaml"};
inline constexpr std::string_view level_choices[] = {"alive", "ready"};
/// Options that mean the same everywhere.
inline constexpr Option format_option{
    .long_name = "format", .help = "Output format", .takes = Takes::text, .choices = format_choices, .default_value = "text"};
inline constexpr Option abs_time_option{.long_name = "abs-time",
                                        .help = "Show times in full (RFC 3339) instead of relative to today."};
inline constexpr Option no_wait_option{.long_name = "no-wait",
                                       .help = "Print the ID of the change and return at once instead of waiting for its end."};

/// The words of one command line after parsing.
class Arguments {
 public:
  using Value = std::variant<bool, std::string, Names, std::int64_t, Nanoseconds, std::vector<Names>>;

  /// Whether the option was given.
  bool given(std::string_view key) const { return values_.contains(key); }
  /// The option's value, or its default.
  std::string text(std::string_view key) const;
  Names texts(std::string_view key) const;
  std::optional<std::int64_t> integer(std::string_view key) const;
  Nanoseconds duration(std::string_view key) const;
  std::vector<Names> words(std::string_view key) const;

  /// The positional words in order.
  const Names& positionals() const { return positionals_; }
  /// The word at `index`, or an empty text.
  std::string positional(std::size_t index) const { return index < positionals_.size() ? positionals_[index] : std::string(); }
  /// The words from `index` on.
  Names rest(std::size_t index) const;

 private:
  friend class Parser;
  const Command* command_ = nullptr;
  std::map<std::string_view, Value> values_;
  Names positionals_;
};

}  // namespace cobble::client
