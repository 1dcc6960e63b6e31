#include "daemon/api/handlers.h"
#include "daemon/base/json_writer.h"

namespace cobble::api {

Task<Response> get_system_info(Context& context, Request&) {
  base::JsonWriter json;
  json.begin_object();
  json.field("boot-id", context.boot_id);
  if (!context.http_address.empty()) json.field("http-address", context.http_address);
  if (!context.https_address.empty()) json.field("https-address", context.https_address);
  // The version of the contract that is fulfilled: clients compare it to detect features.
  json.field("version", "v1.32.1");
  json.key("implementation");
  json.begin_object();
  json.field("name", "cobble");
  json.field("version", COBBLE_VERSION);
  json.end_object();
  if (!context.http_bound.empty() || !context.https_bound.empty()) {
    json.key("details");
    json.begin_object();
    if (!context.http_bound.empty()) json.field("http-address", context.http_bound);
    if (!context.https_bound.empty()) json.field("https-address", context.https_bound);
    if (!context.fingerprint.empty()) json.field("fingerprint", context.fingerprint);
    json.end_object();
  }
  json.end_object();
  co_return sync_response(json.take());
}

}  // namespace cobble::api
