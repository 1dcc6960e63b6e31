#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemon/state/state_document.h"
#include "daemon/state/state_image.h"

using namespace cobble::state;

namespace {

const WallTime now = WallTime(std::chrono::seconds(1'700'000'000));

/// Runs what can run until nothing is left; each third task fails.
void run_all(ChangeBook& book) {
  std::size_t count = 0;
  while (auto id = book.next_runnable(now)) {
    const bool fails = ++count % 3 == 0;
    book.finish(*id, fails ? TaskResult(std::unexpected(std::string("no"))) : TaskResult(), now);
  }
}

/// The file that a daemon writes which has read `text`; empty when it refuses it.
std::string rewrite(std::string_view text) {
  auto document = parse_document(text);
  if (!document) return {};
  std::vector<std::string> log;
  if (!upgrade_document(*document, now, log)) return {};
  NoticeBook notices;
  ChangeBook book;
  StateImage image;
  notices.load(std::move(document->notices), document->last_notice_id, now);
  book.load(std::move(document->changes), std::move(document->tasks), document->counters, now);
  run_all(book);
  image.apply(book.take_effects());
  std::string result;
  for (const Piece& piece : image.compose(document->data, book, notices, now)) result += *piece;
  return result;
}

}  // namespace

/// Whatever a state file says: no crash, every change that can end ends, and what is written is read again as the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string first = rewrite(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!first.empty() && rewrite(first) != first) std::abort();
  return 0;
}
