#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cobble::client {

/// The number of code points, which is what columns are measured in.
std::size_t width_of(std::string_view text);

/// The text filled up with blanks to `width` code points.
std::string padded(std::string_view text, std::size_t width);

/// The same with the blanks in front.
std::string right_aligned(std::string_view text, std::size_t width);

/// The first `count` code points.
std::string first_of(std::string_view text, std::size_t count);

/// Exactly `width` code points: filled up, or cut with `…` at the end.
std::string fitted(std::string_view text, std::size_t width);

/// Rows in columns: each as wide as its longest cell and two blanks, at least five; the last one is not padded (contract 10,
/// section 2.9). Tabs and line ends in a cell become blanks, so that nothing can break the columns.
class Table {
 public:
  void add(std::vector<std::string> row);
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace cobble::client
