#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cobble::client::top {

/// What a key asks for.
enum class Key {
  quit,
  up,
  down,
  older,    ///< a page of the log back
  newer,    ///< a page of the log on
  newest,   ///< the log's end
  filter,   ///< the log of the chosen service alone, or of all again
  sort,     ///< by the next column
  reverse,  ///< the order of rows
};

/// Makes keys of the bytes that a terminal sends, also where an escape sequence comes in pieces. What has no meaning is left out.
class KeyReader {
 public:
  std::vector<Key> feed(std::string_view bytes);

 private:
  std::string pending_;  ///< the beginning of an escape sequence
};

}  // namespace cobble::client::top
