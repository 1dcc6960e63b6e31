#include <nlohmann/json.hpp>

#include "daemon/api/handlers.h"
#include "daemon/api/notice_request.h"
#include "daemon/api/until_gone.h"
#include "daemon/base/json.h"
#include "daemon/state/engine.h"
#include "daemon/state/notice_wait.h"
#include "daemon/state/render.h"
#include "layers/duration.h"
#include "layers/quote.h"

namespace cobble::api {

namespace {

std::string render_list(const std::vector<const state::Notice*>& notices) {
  base::JsonWriter writer;
  writer.begin_array();
  for (const state::Notice* notice : notices) writer.raw(state::notice_json(*notice));
  writer.end_array();
  return writer.take();
}

}  // namespace

Task<Response> post_notices(Context& context, Request& request) {
  if (!request.user.uid) {
    co_return error_response({403, "cannot determine UID of request, so cannot create notice", {}});
  }
  const auto body = co_await request.body->read_all();
  if (!body) co_return error_response(body.error());
  auto added = parse_added_notice(*body);
  if (!added) co_return error_response(added.error());
  const std::string id =
      context.notices.add(request.user.uid, "custom", added->key, std::move(added->data), added->repeat_after, base::wall_now());
  co_await context.engine.durable();
  base::JsonWriter writer;
  writer.begin_object();
  writer.field("id", id);
  writer.end_object();
  co_return sync_response(writer.take());
}

Task<Response> get_notices(Context& context, Request& request) {
  const auto wanted = parse_notice_query(request.query, request.user);
  if (!wanted) co_return error_response(wanted.error());
  if (wanted->nothing) co_return sync_response("[]");
  auto found = context.notices.list(wanted->filter, base::wall_now());
  if (found.empty() && wanted->timeout > base::Nanoseconds(0)) {
    const auto woken = co_await until_gone(
        request, state::wait_for_notice(context.loop, context.notices, wanted->filter, deadline_after(wanted->timeout)));
    if (!woken) co_return error_response({400, "request canceled", {}});
    found = context.notices.list(wanted->filter, base::wall_now());
  }
  co_return sync_response(render_list(found));
}

Task<Response> get_notice(Context& context, Request& request) {
  if (!request.user.uid) {
    co_return error_response({403, "cannot determine UID of request, so cannot retrieve notice", {}});
  }
  const std::string& id = request.params[0];
  const state::Notice* notice = context.notices.find(id);
  if (notice == nullptr) co_return error_response({404, "cannot find notice with ID " + layers::quote(id), {}});
  const bool visible = !notice->user_id || notice->user_id == request.user.uid || request.user.level == access::Level::admin;
  if (!visible) co_return error_response({403, "not allowed to access notice with id " + layers::quote(id), {}});
  co_return sync_response(state::notice_json(*notice));
}

}  // namespace cobble::api
