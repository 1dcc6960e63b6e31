#include "daemon/logs/entries.h"

#include <catch2/catch.hpp>
#include <vector>

namespace cobble::logs {
namespace {

void add(RingBuffer& buffer, std::string_view text, std::int64_t time = 1) {
  buffer.append(std::span(text.data(), text.size()), time);
}

std::vector<std::string> read_all(Reader& reader, const RingBuffer& buffer, bool growing = true) {
  std::vector<std::string> found;
  while (const auto entry = reader.next(buffer, growing)) found.emplace_back(entry->message);
  return found;
}

TEST_CASE("A short line is an entry, a long one several that join to it") {
  RingBuffer buffer(4);
  struct Row {
    std::size_t size;
    std::size_t pieces;
  };
  for (const auto& [size, pieces] :
       {Row{0, 1}, Row{1, 1}, Row{4064, 1}, Row{4065, 2}, Row{8160, 2}, Row{10000, 3}, Row{50000, 13}}) {
    add(buffer, std::string(size, 'x') + "\n");
    Reader reader(buffer, "long");
    reader.seek(buffer, buffer.next_number() - 1);
    CHECK(reader.pieces(buffer, buffer.next_number() - 1) == pieces);
    std::string joined;
    for (const auto& piece : read_all(reader, buffer)) {
      CHECK(piece.size() <= piece_limit);
      joined += piece;
    }
    CHECK(joined == std::string(size, 'x'));
  }
}

TEST_CASE("Pieces end at characters, and never give a line of JSON that is too long") {
  CHECK(piece_length("aé", 2, 5000) == 1);
  CHECK(piece_length("é", 1, 5000) == 2);
  CHECK(piece_length(std::string(3000, '\0'), 4096, 600) == 100);
  CHECK(piece_length(std::string(3000, 'x'), 4096, 600) == 600);
  CHECK(piece_length("\xff\xff\xff", 4096, 12) == 2);
}

TEST_CASE("What a line is still growing by comes when asked for, once") {
  RingBuffer buffer(1);
  Reader reader(buffer, "a");
  add(buffer, "pa");
  CHECK(read_all(reader, buffer, false).empty());
  CHECK(reader.has_growing(buffer));
  CHECK(read_all(reader, buffer) == std::vector<std::string>{"pa"});
  add(buffer, "rt\n\n");
  CHECK(read_all(reader, buffer, false) == std::vector<std::string>{"rt", ""});
  add(buffer, "x");
  CHECK(read_all(reader, buffer) == std::vector<std::string>{"x"});
  add(buffer, "\nnext\n");
  CHECK(read_all(reader, buffer, false) == std::vector<std::string>{"next"});
}

TEST_CASE("A reader that starts behind everything gets the rest of a growing line") {
  RingBuffer buffer(1);
  add(buffer, "old\nbegun, ");
  Reader reader(buffer, "a");
  reader.skip_all(buffer);
  CHECK(read_all(reader, buffer).empty());
  add(buffer, "done\n");
  CHECK(read_all(reader, buffer) == std::vector<std::string>{"done"});
}

TEST_CASE("A reader that was overtaken is told once, and goes on with the oldest line") {
  RingBuffer buffer(1, 200);
  Reader reader(buffer, "a");
  add(buffer, "one\n", 5);
  CHECK(read_all(reader, buffer) == std::vector<std::string>{"one"});
  for (int i = 0; i < 50; ++i) add(buffer, "n" + std::to_string(i) + "\n", 9);
  const auto mark = reader.next(buffer, true);
  REQUIRE(mark);
  CHECK(mark->message == truncation_mark);
  CHECK(mark->time == 5);
  const auto rest = read_all(reader, buffer);
  CHECK(rest.back() == "n49");
  CHECK(rest.front() == "n" + std::to_string(50 - rest.size()));
  CHECK(reader.lost() == 50 - rest.size());
}

TEST_CASE("The beginning of an endless line can be overtaken too") {
  RingBuffer buffer(1, 200);
  Reader reader(buffer, "a");
  add(buffer, "abc");
  CHECK(read_all(reader, buffer) == std::vector<std::string>{"abc"});
  add(buffer, std::string(1000, 'x'));
  const auto found = read_all(reader, buffer);
  REQUIRE(found.size() == 2);
  CHECK(found[0] == truncation_mark);
  CHECK(found[1] == std::string(200 - prefix_size - 1, 'x'));
}

}  // namespace
}  // namespace cobble::logs
