#include "daemon/logs/ring_buffer.h"

#include <catch2/catch.hpp>
#include <deque>
#include <random>

namespace cobble::logs {
namespace {

std::vector<std::string> texts(const RingBuffer& buffer) {
  std::vector<std::string> found;
  std::string scratch;
  for (auto number = buffer.first_number(); number < buffer.next_number(); ++number) {
    const Line line = buffer.line(number);
    found.emplace_back(buffer.bytes(line.begin, line.size(), scratch));
  }
  return found;
}

void add(RingBuffer& buffer, std::string_view text, std::int64_t time = 1) {
  buffer.append(std::span(text.data(), text.size()), time);
}

TEST_CASE("Lines end at line feeds alone, and have the time of their first byte") {
  RingBuffer buffer(3);
  add(buffer, "one\n\ntw", 5);
  add(buffer, "o\r", 6);
  CHECK(buffer.line(2).open);
  add(buffer, "\nthree", 7);
  CHECK(texts(buffer) == std::vector<std::string>{"one", "", "two\r", "three"});
  CHECK(buffer.line(2).time == 5);
  CHECK(buffer.line(3).time == 7);
  CHECK(buffer.line(3).open);
  CHECK_FALSE(buffer.terminated(buffer.line(3)));
  buffer.end_line();
  add(buffer, "four\n", 8);
  CHECK(texts(buffer).back() == "four");
  CHECK(texts(buffer)[3] == "three");
}

TEST_CASE("As many short lines are kept as the contract says") {
  RingBuffer ring(4);
  for (int i = 0; i < 10000; ++i) {
    const std::string digits = std::to_string(i);
    add(ring, "line " + std::string(6 - digits.size(), '0') + digits + "\n");
  }
  CHECK(texts(ring).size() == 2327);
  CHECK(texts(ring).front() == "line 007673");
  CHECK(ring.overwritten() == 7673);

  RingBuffer big(3);
  for (int i = 0; i < 3000; ++i) add(big, std::string(92, 'x') + "\n");
  CHECK(texts(big).size() == 825);
}

TEST_CASE("Of a line longer than the buffer the tail stays") {
  RingBuffer buffer(4);
  add(buffer, "before\n" + std::string(150000, 'a') + "end");
  REQUIRE(texts(buffer).size() == 1);
  CHECK(texts(buffer)[0].size() == buffer_limit - prefix_size - 4);
  CHECK(texts(buffer)[0].ends_with("aend"));
  CHECK_FALSE(buffer.line(1).head);
  add(buffer, "\nnext\n");
  REQUIRE(texts(buffer).size() == 2);
  CHECK(texts(buffer)[0].size() == buffer_limit - 2 * (prefix_size + 4) - 6);
  CHECK(texts(buffer).back() == "next");
  CHECK(buffer.line(buffer.next_number() - 1).head);
}

TEST_CASE("Nothing but line ends") {
  RingBuffer buffer(1);
  add(buffer, std::string(300000, '\n'));
  CHECK(texts(buffer).size() == buffer_limit / (prefix_size + 2));
  CHECK(buffer.next_number() == 300000);
}

// A plain model: lines in a list, the oldest dropped, or cut when long, until the rest fits.
TEST_CASE("Random output is kept as a plain list would keep it") {
  std::mt19937 random(7);
  for (int round = 0; round < 30; ++round) {
    const std::size_t limit = 200 + random() % 3000;
    RingBuffer buffer(2, limit);
    std::deque<std::string> model;
    bool open = false;
    for (int step = 0; step < 300; ++step) {
      std::string text;
      for (auto size = random() % (step % 10 == 0 ? 500 : 60); size > 0; --size) text += random() % 9 == 0 ? '\n' : 'x';
      add(buffer, text);
      for (const char c : text) {
        if (!open) model.emplace_back();
        model.back() += c;
        open = c != '\n';
      }
      if (random() % 20 == 0) {
        buffer.end_line();
        open = false;
      }
      const auto stored = [&] {
        std::size_t sum = 0;
        for (const auto& line : model) sum += line.size() + prefix_size + 2;
        return sum;
      };
      while (stored() > limit) {
        const std::size_t excess = stored() - limit;
        const bool growing = model.size() == 1 && open;
        if (!growing && model.front().size() < excess + limit / 8) {
          model.pop_front();
        } else {
          model.front() = model.front().substr(excess);
        }
      }
      std::vector<std::string> expected;
      for (const auto& line : model) expected.push_back(line.ends_with('\n') ? line.substr(0, line.size() - 1) : line);
      REQUIRE(buffer.stored() <= limit);
      REQUIRE(texts(buffer) == expected);
    }
  }
}

}  // namespace
}  // namespace cobble::logs
