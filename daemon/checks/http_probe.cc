#include <cctype>
#include <map>
#include <string>
#include <utility>

#include "daemon/base/log.h"
#include "daemon/checks/details.h"
#include "daemon/checks/probe.h"
#include "layers/quote.h"

namespace cobble::checks {

namespace {

/// `x-one` as `X-One`; a name with bytes that don't belong there stays as it is.
std::string canonical(std::string_view name) {
  std::string out(name);
  bool first = true;
  for (char& c : out) {
    if (c == ' ') return std::string(name);
    const auto byte = static_cast<unsigned char>(c);
    c = static_cast<char>(first ? std::toupper(byte) : std::tolower(byte));
    first = c == '-';
  }
  return out;
}

/// In the order of canonical names; of several that differ only in case, the last in the order of the given names counts.
std::vector<std::pair<std::string, std::string>> header_fields(const layers::StringMap& given) {
  std::map<std::string, std::string> fields;
  for (const auto& [name, value] : given) fields[canonical(name)] = value;
  return {fields.begin(), fields.end()};
}

}  // namespace

base::Task<ProbeResult> Prober::run_http(const layers::Check& check) {
  const std::string& url = check.http->url;
  if (base::log_debug_enabled())
    base::log_debug("Check " + layers::quote(check.name) + " (http): requesting " + layers::quote(url));
  net::HttpRequest request;
  request.url = url;
  request.headers = header_fields(check.http->headers);
  net::HttpOptions options;
  options.timeout = check.effective_timeout();
  options.body_limit = details_limit;
  options.skip_body_on_2xx = true;
  const auto response = co_await http_.send(std::move(request), options);
  if (!response) {
    const net::HttpError& error = response.error();
    if (error.kind == net::HttpError::Kind::timed_out) co_return std::unexpected(timeout_error(check));
    const bool bad_url = error.kind == net::HttpError::Kind::bad_url;
    co_return std::unexpected(ProbeError{(bad_url ? "cannot build request: " : "") + error.text, {}});
  }
  if (response->status >= 200 && response->status < 300) co_return ProbeResult();
  ProbeError error{"non-2xx status code " + std::to_string(response->status), body_details(response->body)};
  if (!response->body_error.empty()) error.details = "cannot read response: " + response->body_error;
  co_return std::unexpected(std::move(error));
}

}  // namespace cobble::checks
