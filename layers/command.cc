#include "layers/command.h"

#include <algorithm>

namespace cobble::layers {

namespace {

using Words = std::vector<std::string>;

bool is_separator(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool is_plain(char c) {
  const bool alphanumeric = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  return alphanumeric || std::string_view("_@%+=:,./-").find(c) != std::string_view::npos;
}

std::string quote_word(const std::string& word) {
  if (!word.empty() && std::ranges::all_of(word, is_plain)) return word;
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'') {
      out += "'\"'\"'";
    } else {
      out += c;
    }
  }
  return out + "'";
}

}  // namespace

std::expected<Words, std::string> split_command(std::string_view text) {
  Words words;
  std::string word;
  bool in_word = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_separator(c)) {
      if (in_word) words.push_back(std::move(word));
      word.clear();
      in_word = false;
    } else if (c == '#' && !in_word) {
      while (i + 1 < text.size() && text[i + 1] != '\n') ++i;
    } else if (c == '\'') {
      in_word = true;
      const std::size_t end = text.find('\'', i + 1);
      if (end == std::string_view::npos) return std::unexpected("EOF found when expecting closing quote");
      word += text.substr(i + 1, end - i - 1);
      i = end;
    } else if (c == '"') {
      in_word = true;
      for (++i; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\' && ++i == text.size()) return std::unexpected("EOF found after escape character");
        word += text[i];
      }
      if (i >= text.size()) return std::unexpected("EOF found when expecting closing quote");
    } else if (c == '\\') {
      in_word = true;
      if (++i == text.size()) return std::unexpected("EOF found after escape character");
      word += text[i];
    } else {
      in_word = true;
      word += c;
    }
  }
  if (in_word) words.push_back(std::move(word));
  return words;
}

std::vector<std::string> ServiceCommand::words() const {
  Words all = fixed;
  all.insert(all.end(), defaults.begin(), defaults.end());
  return all;
}

std::expected<ServiceCommand, std::string> parse_service_command(std::string_view text) {
  auto words = split_command(text);
  if (!words) return std::unexpected(std::move(words.error()));
  enum class Place { fixed, group, after } place = Place::fixed;
  ServiceCommand command;
  for (std::size_t i = 0; i < words->size(); ++i) {
    std::string& word = (*words)[i];
    if (place == Place::after) return std::unexpected("cannot have any arguments after [ ... ] group");
    if (word == "[") {
      if (i == 0) return std::unexpected("cannot start command with [ ... ] group");
      if (place == Place::group) return std::unexpected("cannot nest [ ... ] groups");
      place = Place::group;
    } else if (word == "]") {
      if (place == Place::fixed) return std::unexpected("cannot have ] outside of [ ... ] group");
      place = Place::after;
    } else if (place == Place::group) {
      command.defaults.push_back(std::move(word));
    } else {
      command.fixed.push_back(std::move(word));
    }
  }
  return command;
}

std::string join_command(std::span<const std::string> words) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += ' ';
    out += quote_word(word);
  }
  return out;
}

std::string command_with_arguments(const ServiceCommand& command, std::span<const std::string> arguments) {
  std::string out = join_command(command.fixed);
  if (!arguments.empty()) out += " [ " + join_command(arguments) + " ]";
  return out;
}

}  // namespace cobble::layers
