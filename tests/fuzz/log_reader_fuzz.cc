// A service's output in pieces of any size, read while it comes: the buffer keeps its bound, entries keep theirs, and a reader
// that is never overtaken gets every byte.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemon/logs/query.h"

namespace {

using namespace cobble::logs;

constexpr std::string_view service = "svc";

/// Takes everything that there is; an entry is checked as a client would see it.
void drain(Reader& reader, const RingBuffer& buffer, bool growing, std::string& seen) {
  while (const auto entry = reader.next(buffer, growing)) {
    if (entry->message.size() > piece_limit) std::abort();
    std::string line;
    JsonLines().append(line, service, *entry);
    if (line.size() > json_line_limit) std::abort();
    seen += entry->message;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  constexpr std::size_t smallest = 1024;
  const std::size_t limit = smallest + data[0] * 64UL;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  RingBuffer buffer(service.size(), limit);
  Reader live(buffer, service);
  std::string written;
  std::string seen;
  std::int64_t time = 0;
  // A byte that says what happens, then the bytes that are written.
  while (!rest.empty()) {
    const auto order = static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    std::string text(rest.substr(0, order / 4));
    rest.remove_prefix(text.size());
    if (order == 3) text.assign(6000, 'x');  // longer than an entry, which the fuzzer would hardly come to
    buffer.append(text, ++time);
    std::erase(text, '\n');
    written += text;
    if (buffer.stored() > limit && buffer.next_number() - buffer.first_number() > 1) std::abort();
    if (order % 4 == 0) buffer.end_line();
    if (order % 4 != 1) drain(live, buffer, order % 4 == 2, seen);
    if (order % 4 == 1) live.skip_lost(buffer);
  }
  buffer.end_line();
  drain(live, buffer, true, seen);
  if (live.lost() == 0 && seen != written) std::abort();
  if (live.lost() > 0 && seen.find(truncation_mark) == std::string::npos) std::abort();

  Reader late(buffer, service);
  std::string left;
  drain(late, buffer, true, left);
  if (late.lost() > 0 || !written.ends_with(left)) std::abort();
  return 0;
}
