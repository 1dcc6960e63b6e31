#include "daemon/access/manager.h"
#include "daemon/api/handlers.h"
#include "daemon/state/engine.h"

namespace cobble::api {

Task<Response> get_identities(Context& context, Request&) {
  co_return sync_response(access::shown_json(context.access.identities()));
}

Task<Response> post_identities(Context& context, Request& request) {
  const auto body = co_await request.body->read_all();
  if (!body) co_return error_response(body.error());
  const auto asked = access::parse_identity_request(*body);
  if (!asked) co_return error_response({400, asked.error(), {}});
  if (const auto changed = context.access.change(request.user, *asked); !changed) co_return error_response(changed.error());
  co_await context.engine.durable();
  co_return sync_response();
}

}  // namespace cobble::api
