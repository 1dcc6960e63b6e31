#include "client/commands/table.h"

#include <algorithm>

namespace cobble::client {

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string padded(std::string_view text, std::size_t width) {
  const std::size_t used = width_of(text);
  return std::string(text) + std::string(width > used ? width - used : 0, ' ');
}

std::string first_of(std::string_view text, std::size_t count) {
  std::size_t end = 0;
  for (std::size_t width = 0; end < text.size(); ++end) {
    if ((static_cast<unsigned char>(text[end]) & 0xC0U) != 0x80U && width++ == count) break;
  }
  return std::string(text.substr(0, end));
}

std::string fitted(std::string_view text, std::size_t width) {
  if (width_of(text) <= width) return padded(text, width);
  return width == 0 ? std::string() : first_of(text, width - 1) + "…";
}

std::string right_aligned(std::string_view text, std::size_t width) {
  const std::size_t used = width_of(text);
  return std::string(width > used ? width - used : 0, ' ') + std::string(text);
}

void Table::add(std::vector<std::string> row) {
  for (std::string& cell : row) {
    std::ranges::replace_if(cell, [](char c) { return c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f'; }, ' ');
  }
  rows_.push_back(std::move(row));
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()), 5);
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]) + 2);
  }
  std::string text;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) text += i + 1 == row.size() ? row[i] : padded(row[i], widths[i]);
    text += '\n';
  }
  return text;
}

}  // namespace cobble::client
