#include <chrono>
#include <nlohmann/json.hpp>

#include "daemon/access/manager.h"
#include "daemon/api/handlers.h"
#include "daemon/base/json.h"
#include "daemon/state/engine.h"
#include "layers/duration.h"
#include "layers/quote.h"

namespace cobble::api {

namespace {

/// How long the window stays open unless the request says otherwise, and at most.
constexpr base::Nanoseconds default_window = std::chrono::minutes(5);
constexpr base::Nanoseconds longest_window = std::chrono::hours(24);

struct PairingRequest {
  std::string action;
  std::string duration;
  std::string mode;
};

Task<Result<PairingRequest>> read_request(Request& request) {
  const auto body = co_await request.body->read_all();
  if (!body) co_return std::unexpected(body.error());
  const auto value = base::parse_json(*body);
  if (!value) co_return base::bad_request("cannot decode request body: " + value.error());
  PairingRequest asked;
  base::JsonFields fields(*value);
  fields.read("action", asked.action);
  fields.read("duration", asked.duration);
  fields.read("mode", asked.mode);
  if (fields.error()) co_return base::bad_request("cannot decode request body: " + *fields.error());
  co_return asked;
}

Result<base::Nanoseconds> window_duration(const std::string& text) {
  if (text.empty()) return default_window;
  const auto duration = layers::parse_duration(text);
  if (!duration) return base::bad_request("invalid duration: " + duration.error());
  if (*duration <= base::Nanoseconds::zero() || *duration > longest_window)
    return base::bad_request("invalid duration " + layers::quote(text) + ", must be more than 0s and at most 24h");
  return *duration;
}

/// The state of the window and what a client must know to be paired.
std::string window_json(const Context& context) {
  const access::PairingWindow& window = context.access.window();
  const base::SteadyTime now = std::chrono::steady_clock::now();
  base::JsonWriter json;
  json.begin_object();
  json.field("mode", window.mode().empty() ? std::string("disabled") : window.mode());
  json.field("open", window.is_open(now));
  json.field("paired", window.paired());
  if (window.is_open(now)) {
    const auto left = std::chrono::duration_cast<base::Nanoseconds>(*window.end() - now);
    json.field("closes", base::format_utc(base::wall_now() + left));
  }
  if (!context.fingerprint.empty()) {
    json.field("fingerprint", context.fingerprint);
    json.field("https-address", context.https_bound);
  }
  json.end_object();
  return json.take();
}

}  // namespace

Task<Response> post_pairing(Context& context, Request& request) {
  const auto asked = co_await read_request(request);
  if (!asked) co_return error_response(asked.error());
  if (asked->action != "pair")
    co_return error_response({400, "invalid action " + layers::quote(asked->action) + ", must be \"pair\"", {}});
  if (request.certificate_der.empty())
    co_return error_response({400, "cannot support client: single certificate expected, got 0", {}});
  if (const auto paired = context.access.pair(request.certificate_der); !paired) co_return error_response(paired.error());
  co_await context.engine.durable();
  co_return sync_response();
}

Task<Response> get_pairing_window(Context& context, Request&) {
  co_return sync_response(window_json(context));
}

Task<Response> post_pairing_window(Context& context, Request& request) {
  const auto asked = co_await read_request(request);
  if (!asked) co_return error_response(asked.error());
  if (asked->action == "close") {
    context.access.close_window();
    co_return sync_response(window_json(context));
  }
  if (asked->action != "open")
    co_return error_response({400, "invalid action " + layers::quote(asked->action) + ", must be \"open\" or \"close\"", {}});
  const auto duration = window_duration(asked->duration);
  if (!duration) co_return error_response(duration.error());
  if (!asked->mode.empty() && asked->mode != "single" && asked->mode != "multiple")
    co_return error_response({400, "invalid mode " + layers::quote(asked->mode) + ", must be \"single\" or \"multiple\"", {}});
  if (const auto opened = context.access.open_window(request.user, *duration, asked->mode); !opened)
    co_return error_response(opened.error());
  co_return sync_response(window_json(context));
}

}  // namespace cobble::api
