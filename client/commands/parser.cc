#include "client/commands/parser.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "client/commands/unquote.h"
#include "layers/duration.h"
#include "layers/quote.h"

namespace cobble::client {
namespace {

/// A text between a backquote and an apostrophe.
std::string ticked(std::string_view text) {
  return "`" + std::string(text) + "'";
}

std::string_view type_name(Takes takes) {
  switch (takes) {
    case Takes::integer:
      return "*int";
    case Takes::uint32:
      return "*uint32";
    case Takes::duration:
      return "time.Duration";
    case Takes::texts:
      return "[]string";
    case Takes::words:
      return "[][]string";
    case Takes::text:
    case Takes::nothing:
      break;
  }
  return "string";
}

/// A whole decimal number; the error is the contract's text.
std::expected<std::int64_t, std::string> parse_integer(const std::string& text, bool is_signed) {
  const std::string what =
      std::string(is_signed ? "strconv.ParseInt" : "strconv.ParseUint") + ": parsing " + layers::quote(text) + ": ";
  std::string_view digits = text;
  const bool negative = is_signed && digits.starts_with('-');
  if (negative || (is_signed && digits.starts_with('+'))) digits.remove_prefix(1);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos)
    return std::unexpected(what + "invalid syntax");
  std::uint64_t value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  const std::uint64_t limit = is_signed ? most + (negative ? 1 : 0) : std::numeric_limits<std::uint32_t>::max();
  if (read.ec != std::errc() || value > limit) return std::unexpected(what + "value out of range");
  return static_cast<std::int64_t>(negative ? ~value + 1 : value);
}

/// `text, json or yaml`.
std::string joined_choices(std::span<const std::string_view> choices) {
  std::string text;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) text += i + 1 == choices.size() ? " or " : ", ";
    text += choices[i];
  }
  return text;
}

/// The letter at `at` with all bytes that belong to it.
std::string whole_character(const std::string& word, std::size_t at) {
  std::size_t end = at + 1;
  while (end < word.size() && (static_cast<unsigned char>(word[end]) & 0xC0U) == 0x80U) ++end;
  return word.substr(at, end - at);
}

/// Whether the option takes a signed number and the word could be a negative one.
bool could_be_negative(const Option& option, std::string_view word) {
  return (option.takes == Takes::integer || option.takes == Takes::duration) && word[0] == '-' && word[1] >= '0' &&
         word[1] <= '9';
}

}  // namespace

bool looks_like_option(std::string_view word) {
  if (word.size() > 1 && word[0] == '-' && word[1] != '-') return true;
  return word.size() > 2 && word.starts_with("--") && word[2] != '-';
}

std::string unknown_flag_text(std::string_view name) {
  return "unknown flag " + ticked(name);
}

/// Goes through the words once, from left to right.
class Parser {
 public:
  Parser(const Command& command, std::span<const std::string> words) : command_(command), words_(words) {
    arguments_.command_ = &command;
  }

  Result<Parsed> parse() {
    while (next_ < words_.size()) {
      const std::string& word = words_[next_++];
      if (word == "--") {
        take_rest();
      } else if (looks_like_option(word)) {
        const auto act = word[1] == '-' ? take_long(word) : take_shorts(word);
        if (!act) return std::unexpected(act.error());
        if (*act != Parsed::Act::run) return Parsed{*act, std::move(arguments_)};
      } else {
        arguments_.positionals_.push_back(word);
        if (command_.first_word_ends_options) take_rest();
      }
    }
    if (auto whole = check_whole(); !whole) return std::unexpected(whole.error());
    return Parsed{Parsed::Act::run, std::move(arguments_)};
  }

 private:
  void take_rest() {
    arguments_.positionals_.insert(arguments_.positionals_.end(), words_.begin() + static_cast<std::ptrdiff_t>(next_),
                                   words_.end());
    next_ = words_.size();
  }

  Result<Parsed::Act> take_long(const std::string& word) {
    const auto equals = word.find('=');
    const std::string name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
    std::optional<std::string> value;
    if (equals != std::string::npos) value = word.substr(equals + 1);
    if (name == "help") return Parsed::Act::show_help;
    if (name == "version") return Parsed::Act::show_version;
    const Option* option = command_.find(name);
    if (!option) return fail(unknown_flag_text(name));
    return take_option(*option, std::move(value), true);
  }

  Result<Parsed::Act> take_shorts(const std::string& word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      if (word[i] == 'h') return Parsed::Act::show_help;
      const Option* option = command_.find(word[i]);
      if (!option) return fail(unknown_flag_text(whole_character(word, i)));
      const bool last = i + 1 == word.size();
      std::optional<std::string> value;
      if (!last && word[i + 1] == '=' && option->takes == Takes::nothing) value = word.substr(i + 2);
      if (i == 1 && !last && option->takes != Takes::nothing) value = word.substr(word[2] == '=' ? 3 : 2);
      const bool glued = value.has_value();
      auto act = take_option(*option, std::move(value), last);
      if (!act || glued) return act;
    }
    return Parsed::Act::run;
  }

  Result<Parsed::Act> take_option(const Option& option, std::optional<std::string> value, bool may_take_next) {
    const std::string shown = ticked(option.display());
    if (option.takes == Takes::nothing) {
      if (value) return fail("bool flag " + shown + " cannot have an argument");
      arguments_.values_[option.key()] = true;
      return Parsed::Act::run;
    }
    if (option.takes == Takes::words) {
      if (value) return fail("terminated option's flag " + shown + " cannot use `='");
      take_words(option);
      return Parsed::Act::run;
    }
    if (!value) {
      if (!may_take_next || next_ == words_.size()) return fail("expected argument for flag " + shown);
      const std::string& word = words_[next_];
      if (word == "--") return fail("expected argument for flag " + shown + ", but got double dash `--'");
      if (looks_like_option(word) && !could_be_negative(option, word)) {
        return fail("expected argument for flag " + shown + ", but got option " + ticked(word));
      }
      value = words_[next_++];
    }
    return keep_value(option, *value);
  }

  void take_words(const Option& option) {
    Names taken;
    while (next_ < words_.size() && words_[next_] != ";") taken.push_back(words_[next_++]);
    if (next_ < words_.size()) ++next_;
    auto& value = arguments_.values_[option.key()];
    if (!std::holds_alternative<std::vector<Names>>(value)) value = std::vector<Names>();
    std::get<std::vector<Names>>(value).push_back(std::move(taken));
  }

  Result<Parsed::Act> keep_value(const Option& option, std::string value) {
    const auto invalid = [&](const std::string& why) {
      return fail("invalid argument for flag " + ticked(option.display()) + " (expected " + std::string(type_name(option.takes)) +
                  "): " + why);
    };
    if (value.starts_with('"')) {
      auto plain = unquote(value);
      if (!plain) return invalid("invalid syntax");
      value = std::move(*plain);
    }
    if (!option.choices.empty() && std::ranges::find(option.choices, value) == option.choices.end()) {
      return fail("Invalid value " + ticked(value) + " for option " + ticked(option.display()) +
                  ". Allowed values are: " + joined_choices(option.choices));
    }
    auto& kept = arguments_.values_[option.key()];
    if (option.takes == Takes::text) {
      kept = std::move(value);
    } else if (option.takes == Takes::texts) {
      if (!std::holds_alternative<Names>(kept)) kept = Names();
      std::get<Names>(kept).push_back(std::move(value));
    } else if (option.takes == Takes::duration) {
      const auto duration = layers::parse_duration(value);
      if (!duration) return invalid(duration.error());
      kept = Nanoseconds(*duration);
    } else {
      const auto number = parse_integer(value, option.takes == Takes::integer);
      if (!number) return invalid(number.error());
      kept = *number;
    }
    return Parsed::Act::run;
  }

  Result<void> check_whole() const {
    for (const Option& option : command_.options) {
      if (option.required && !arguments_.given(option.key()))
        return fail("the required flag " + ticked(option.display()) + " was not specified");
    }
    if (auto there = check_positionals(); !there) return there;
    const std::size_t places = command_.positionals.size();
    const std::size_t words = arguments_.positionals_.size();
    const bool has_list = places > 0 && command_.positionals.back().list;
    const std::size_t allowed = places + (command_.extra == Extra::one_ignored ? 1 : 0);
    if (!has_list && command_.extra != Extra::ignored && words > allowed) return fail("too many arguments for command");
    return {};
  }

  Result<void> check_positionals() const {
    std::vector<std::string> missing;
    for (std::size_t i = arguments_.positionals_.size(); i < command_.positionals.size(); ++i) {
      const Positional& positional = command_.positionals[i];
      if (positional.required)
        missing.push_back("`" + std::string(positional.name) + (positional.list ? " (at least 1 argument)`" : "`"));
    }
    if (missing.empty()) return {};
    if (missing.size() == 1) return fail("the required argument " + missing[0] + " was not provided");
    std::string text = "the required arguments ";
    for (std::size_t i = 0; i < missing.size(); ++i)
      text += (i == 0 ? "" : i + 1 == missing.size() ? " and " : ", ") + missing[i];
    return fail(text + " were not provided");
  }

  const Command& command_;
  std::span<const std::string> words_;
  std::size_t next_ = 0;
  Arguments arguments_;
};

Result<Parsed> parse_words(const Command& command, std::span<const std::string> words) {
  return Parser(command, words).parse();
}

}  // namespace cobble::client
