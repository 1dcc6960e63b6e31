#include "client/api/envelope.h"

#include "client/api/decode.h"
#include "layers/quote.h"

namespace cobble::client {
namespace {

using nlohmann::json;

Error server_error(const json& result, const std::string& status) {
  Error error{Error::Source::server, {}, {}};
  Decoder in(result);
  error.message = in.text("message");
  error.kind = in.text("kind");
  if (error.message.empty()) error.message = "server error: " + layers::quote(status);
  return error;
}

}  // namespace

Result<Envelope> open_envelope(std::string_view body) {
  const json value = json::parse(body, nullptr, false);
  const std::string shown = layers::quote(body.substr(0, 1000));
  if (value.is_discarded()) return fail("cannot decode " + shown + ": " + (body.empty() ? "EOF" : "invalid JSON"));
  if (!value.is_object()) return fail("cannot decode " + shown + ": not an object");
  Envelope envelope;
  Decoder in(value);
  envelope.type = in.text("type");
  envelope.status_code = in.integer("status-code");
  envelope.change = in.text("change");
  envelope.latest_warning = in.time("latest-warning");
  const std::string status = in.text("status");
  if (const json& maintenance = in.at("maintenance"); !maintenance.is_null()) {
    Decoder fields(maintenance);
    envelope.maintenance = Maintenance{fields.text("kind"), fields.text("message")};
    in.note(fields.fault());
  }
  if (!in.fault().empty()) return fail("cannot decode " + shown + ": " + in.fault());
  envelope.result = in.at("result");
  if (envelope.type == "error") return std::unexpected(server_error(envelope.result, status));
  return envelope;
}

Result<void> check_file_result(const json& result) {
  const std::size_t count = result.is_array() ? result.size() : 0;
  if (count != 1) return fail("expected exactly one result from API, got " + std::to_string(count));
  Decoder item(result[0]);
  const json& error = item.at("error");
  if (error.is_null()) return {};
  Decoder fields(error);
  return std::unexpected(Error{Error::Source::server, fields.text("message"), fields.text("kind")});
}

}  // namespace cobble::client
