// A request's head and chunked body as a client may send them: nothing crashes, a head is made regular once and for all, and the
// same bytes in other pieces say the same.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemon/api/http.h"
#include "daemon/api/request_parser.h"
#include "daemon/api/text.h"

namespace {

using namespace cobble::api;

/// The end of the head, searched for as bytes arrive.
std::size_t head_end(std::string_view text, std::size_t piece) {
  std::size_t searched = 0;
  for (std::size_t size = std::min(piece, text.size());; size = std::min(size + piece, text.size())) {
    const std::size_t end = find_head_end(text.substr(0, size), searched);
    if (end != 0 || size == text.size()) return end;
    searched = size;
  }
}

/// What a chunked body decodes to.
std::string decode(const std::string& regular, std::string_view body, std::size_t piece) {
  RequestParser parser;
  if (!parser.parse_head(regular)) return "no head";
  std::string decoded;
  std::string pending;
  for (std::size_t at = 0; !parser.is_done();) {
    const auto used = parser.parse_body(pending, decoded);
    if (!used) return "invalid";
    if (*used > pending.size()) std::abort();
    pending.erase(0, *used);
    if (*used > 0) continue;
    if (at == body.size()) break;
    const std::string_view more = body.substr(at, piece);
    pending += more;
    at += more.size();
  }
  return decoded + (parser.is_done() ? "|done" : "|more");
}

bool chunked(const RequestParser& parser) {
  return std::ranges::any_of(parser.fields, [](const auto& field) { return field.first == "Transfer-Encoding"; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t piece = 1 + data[0] / 4U;
  // Most texts are no request at all: three of four begin well, so that fields and chunks are reached.
  constexpr std::string_view beginnings[] = {"", "GET /", "POST /v1/x HTTP/1.1\r\n",
                                             "POST /v1/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"};
  const std::string text = std::string(beginnings[data[0] % 4]).append(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t end = head_end(text, text.size() + 1);
  if (head_end(text, piece) != end) std::abort();
  if (end == 0) return 0;
  const std::string_view body = std::string_view(text).substr(end);
  const auto regular = regular_head(std::string_view(text).substr(0, end));
  if (!regular) return 0;
  const auto again = regular_head(*regular);
  if (!again || *again != *regular) std::abort();
  RequestParser parser;
  if (!parser.parse_head(*regular)) return 0;
  const Query query(parser.target);
  percent_decode(parser.target, false);
  clean_path(parser.target);
  if (chunked(parser) && decode(*regular, body, piece) != decode(*regular, body, text.size())) std::abort();
  return 0;
}
