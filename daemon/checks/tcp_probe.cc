#include <utility>

#include "daemon/base/log.h"
#include "daemon/base/within.h"
#include "daemon/checks/probe.h"
#include "daemon/net/connect.h"
#include "layers/quote.h"

namespace cobble::checks {

namespace {

base::Task<void> connect(base::IoContext& loop, std::string host, std::string port, std::string& error) {
  auto socket = co_await net::dial(loop, std::move(host), std::move(port));
  if (!socket) error = std::move(socket.error());
}

}  // namespace

base::Task<ProbeResult> Prober::run_tcp(const layers::Check& check) {
  const std::string host = check.tcp->host.empty() ? "localhost" : check.tcp->host;
  const std::string port = std::to_string(check.tcp->port);
  if (base::log_debug_enabled()) base::log_debug("Check " + layers::quote(check.name) + " (tcp): opening port " + port);
  std::string error;
  if (!co_await base::within(check.effective_timeout(), connect(loop_, host, port, error)))
    co_return std::unexpected(timeout_error(check));
  if (!error.empty()) co_return std::unexpected(ProbeError{std::move(error), {}});
  co_return ProbeResult();
}

}  // namespace cobble::checks
