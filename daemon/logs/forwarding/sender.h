#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "daemon/base/loop.h"
#include "daemon/base/time.h"
#include "daemon/logs/forwarding/entry.h"
#include "layers/plan.h"

namespace cobble::net {
class HttpClient;
struct TlsOptions;
}  // namespace cobble::net

namespace cobble::logs::forwarding {

/// What became of one attempt to send a batch.
struct Outcome {
  enum class Kind {
    sent,  ///< the target has all of it
    keep,  ///< to be tried again, but for the first `sent` entries
    drop   ///< the target will never take it
  };
  Kind kind = Kind::sent;
  std::string reason;    ///< behind `Cannot flush logs to target "NAME": `; empty when sent
  std::size_t sent = 0;  ///< entries of the batch that arrived although the rest failed
  int status = 0;        ///< of the answer that made it drop
  std::optional<base::Nanoseconds> retry_after;
};

/// Brings batches to one target; one at a time. Cancelling the caller gives the attempt up.
class Sender {
 public:
  virtual ~Sender() = default;
  /// Sends a batch within `limit`.
  virtual base::Task<Outcome> send(std::span<const QueuedEntry> batch, base::Nanoseconds limit) = 0;
};

/// The sender for a target's type, location, TLS files, headers and compression. The error is why there can't be one (an unusable
/// syslog location).
std::expected<std::unique_ptr<Sender>, std::string> make_sender(base::IoContext& loop, std::shared_ptr<net::HttpClient> client,
                                                                const layers::LogTarget& target);

/// A target's TLS files.
net::TlsOptions tls_options(const layers::LogTarget& target);
/// http_sender.cc
std::unique_ptr<Sender> make_http_sender(std::shared_ptr<net::HttpClient> client, const layers::LogTarget& target);
/// syslog_sender.cc
std::expected<std::unique_ptr<Sender>, std::string> make_syslog_sender(base::IoContext& loop, const layers::LogTarget& target);

}  // namespace cobble::logs::forwarding
