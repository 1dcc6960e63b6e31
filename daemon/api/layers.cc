#include <nlohmann/json.hpp>

#include "daemon/api/handlers.h"
#include "daemon/base/blocking.h"
#include "daemon/base/json.h"
#include "daemon/base/log.h"
#include "daemon/process/accounts.h"
#include "layers/parse.h"
#include "layers/plan_store.h"
#include "layers/quote.h"

namespace cobble::api {

namespace {

/// Texts longer than this are parsed on a thread of the pool.
constexpr std::size_t large_layer = 64 * 1024;

struct AddRequest {
  std::string action;
  std::string label;
  std::string format;
  std::string layer;
  bool combine = false;
  bool inner = false;
};

Result<AddRequest> read_request(std::string_view body) {
  const std::string prefix = "cannot decode request body: ";
  auto json = base::parse_json(body);
  if (!json) return base::bad_request(prefix + json.error());
  AddRequest request;
  base::JsonFields fields(*json);
  fields.read("action", request.action);
  fields.read("combine", request.combine);
  fields.read("inner", request.inner);
  fields.read("label", request.label);
  fields.read("format", request.format);
  fields.read("layer", request.layer);
  if (fields.error()) return base::bad_request(prefix + *fields.error());
  if (request.action != "add") return base::bad_request("invalid action " + layers::quote(request.action));
  if (request.label.empty()) return base::bad_request("label must be set");
  if (request.format != "yaml") return base::bad_request("invalid format " + layers::quote(request.format));
  return request;
}

Task<std::expected<layers::ParsedLayer, std::string>> parse(std::string label, std::string text) {
  const bool large = text.size() >= large_layer;
  auto work = [label = std::move(label), text = std::move(text)] {
    return layers::parse_layer(label, text, process::system_accounts());
  };
  if (!large) co_return work();
  co_return co_await base::blocking(std::move(work));
}

int status_of(layers::AddError::Kind kind) {
  return kind == layers::AddError::Kind::needs_inner ? 500 : 400;
}

}  // namespace

Task<Response> post_layers(Context& context, Request& request) {
  auto body = co_await request.body->read_all();
  if (!body) co_return error_response(body.error());
  auto add = read_request(*body);
  if (!add) co_return error_response(add.error());
  auto parsed = co_await parse(add->label, std::move(add->layer));
  if (!parsed) co_return error_response({400, "cannot parse layer YAML: " + parsed.error(), {}});
  for (const std::string& warning : parsed->warnings) base::log(warning);
  base::log_security("WARN", "authz_admin:" + request.user.text() + ",add_layer", "Adding layer " + add->label);
  if (auto done = context.plan.add(std::move(parsed->layer), add->combine, add->inner); !done) {
    co_return error_response({status_of(done.error().kind), done.error().message, {}});
  }
  co_return sync_response("true");
}

Task<Response> get_plan(Context& context, Request& request) {
  const std::string_view format = request.query.get("format");
  if (format != "yaml") co_return error_response({400, "invalid format " + layers::quote(format), {}});
  base::JsonWriter json;
  json.value(context.plan.yaml());
  co_return sync_response(json.take());
}

}  // namespace cobble::api
