#include <charconv>
#include <optional>

#include "daemon/access/user.h"
#include "daemon/api/handlers.h"
#include "daemon/logs/follower.h"
#include "daemon/logs/manager.h"
#include "daemon/logs/query.h"

namespace cobble::api {

namespace {

constexpr std::int64_t default_count = 30;
/// Answers up to this size are made whole; longer ones are sent in blocks of it.
constexpr std::size_t block_size = 64 * 1024;

/// An integer with an optional sign, as the reference reads it.
std::optional<std::int64_t> parse_integer(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct LogsQuery {
  bool follow = false;
  std::int64_t count = default_count;
  logs::Selection selection;
};

Result<LogsQuery> parse_query(const Query& query) {
  LogsQuery parsed;
  const std::string_view follow = query.get("follow");
  if (!follow.empty() && follow != "true" && follow != "false")
    return base::bad_request("follow parameter must be \"true\" or \"false\"");
  parsed.follow = follow == "true";
  if (parsed.follow) parsed.count = 0;
  if (const std::string_view n = query.get("n"); !n.empty()) {
    const auto count = parse_integer(n);
    if (!count || *count < -1) return base::bad_request("n must be -1, 0, or a positive integer");
    parsed.count = *count;
  }
  for (auto& name : query.list("services")) parsed.selection.insert(std::move(name));
  return parsed;
}

/// Sends what is left of a long answer.
Task<void> send_history(std::shared_ptr<logs::History> history, std::string block, BodyWriter& writer) {
  bool more = true;
  while (more) {
    more = history->fill(block, block_size);
    if (!co_await writer.write(block)) co_return;
    block.clear();
  }
}

Task<void> send_new_entries(logs::Follower& follower, base::Event& wake, BodyWriter& writer) {
  while (true) {
    // Read before taking, so that the last output still goes out when the daemon ends.
    const bool wanted = writer.wanted();
    const std::string block = follower.take();
    if (!block.empty()) {
      if (!co_await writer.write(block)) co_return;
    } else if (!wanted) {
      co_return;
    } else {
      co_await wake.wait_until(follower.next_due());
    }
  }
}

Task<void> follow(logs::Manager& manager, logs::Selection selection, std::shared_ptr<logs::History> history, bool may_hold,
                  base::Event& wake, BodyWriter& writer) {
  if (!co_await writer.flush()) co_return;
  co_await send_history(history, {}, writer);
  logs::Follower follower(manager, wake, std::move(selection), may_hold, *history);
  history.reset();
  co_await send_new_entries(follower, wake, writer);
}

}  // namespace

Task<Response> get_logs(Context& context, Request& request) {
  auto query = parse_query(request.query);
  if (!query) co_return error_response(query.error());
  Response response;
  response.content_type = "application/x-ndjson";
  auto history = std::make_shared<logs::History>(context.logs, query->selection, query->count);
  if (query->follow) {
    const bool may_hold = request.user.level == access::Level::admin;
    response.stream = [&manager = context.logs, selection = std::move(query->selection), history, may_hold,
                       wake = request.client_gone](BodyWriter& writer) {
      return follow(manager, selection, history, may_hold, *wake, writer);
    };
    co_return response;
  }
  if (history->fill(response.body, block_size)) {
    response.stream = [history, block = std::move(response.body)](BodyWriter& writer) {
      return send_history(history, block, writer);
    };
  }
  co_return response;
}

}  // namespace cobble::api
