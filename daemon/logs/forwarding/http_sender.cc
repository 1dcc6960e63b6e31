#include <charconv>

#include "daemon/base/blocking.h"
#include "daemon/logs/forwarding/encode.h"
#include "daemon/logs/forwarding/sender.h"
#include "daemon/net/gzip.h"
#include "daemon/net/http_client.h"
#include "daemon/net/url.h"

namespace cobble::logs::forwarding {

namespace {

constexpr std::string_view user_agent = "pebble/v1.32.1";
constexpr int redirect_limit = 10;

/// What a kind of target that is reached by HTTP needs.
struct HttpForm {
  std::string (*encode)(std::span<const QueuedEntry>);
  std::string_view path_suffix;
  std::string_view content_type;
  std::string_view error_prefix;
};

constexpr HttpForm loki_form{encode_loki, "", "application/json; charset=utf-8", ""};
constexpr HttpForm opentelemetry_form{encode_opentelemetry, "/v1/logs", "application/json", "cannot send logs: "};

/// Seconds of a Retry-After header; a date is left to the usual delay.
std::optional<base::Nanoseconds> retry_after(const net::HttpResponse& response) {
  const std::string_view text = response.header("Retry-After");
  unsigned seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return std::chrono::seconds(seconds);
}

Outcome judge(const net::HttpResponse& response) {
  Outcome outcome;
  if (response.status >= 200 && response.status < 300) return outcome;
  const std::string status = std::to_string(response.status) + (response.reason.empty() ? "" : " " + response.reason);
  const bool client_error = response.status >= 400 && response.status < 500;
  const bool error = client_error || (response.status >= 500 && response.status < 600);
  outcome.kind = client_error && response.status != 429 ? Outcome::Kind::drop : Outcome::Kind::keep;
  outcome.reason = (error ? "server returned HTTP " : "unexpected response from server: ") + status;
  outcome.status = response.status;
  outcome.retry_after = retry_after(response);
  return outcome;
}

class HttpSender final : public Sender {
 public:
  HttpSender(std::shared_ptr<net::HttpClient> client, const HttpForm& form, const layers::LogTarget& target)
      : client_(std::move(client)),
        form_(form),
        url_(target.location + std::string(form.path_suffix)),
        tls_(tls_options(target)),
        headers_(target.headers),
        gzip_(target.compression == "gzip") {}

  base::Task<Outcome> send(std::span<const QueuedEntry> batch, base::Nanoseconds limit) override {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    std::string body = form_.encode(batch);
    if (gzip_) body = co_await base::blocking([plain = std::move(body)] { return net::pack_gzip(plain); });
    std::string url = url_;
    for (int requests = 0; requests < redirect_limit; ++requests) {
      net::HttpOptions options;
      options.timeout = std::chrono::duration_cast<base::Nanoseconds>(deadline - std::chrono::steady_clock::now());
      options.redirect_limit = 0;
      options.user_agent = user_agent;
      options.tls = tls_;
      net::HttpRequest request{"POST", url, headers_for(url), body};
      auto response = co_await client_->send(std::move(request), options);
      if (!response) co_return kept(response.error().text);
      // Only these ask for the same request elsewhere; any other redirect would lose the body.
      const std::string_view location = response->header("Location");
      if ((response->status != 307 && response->status != 308) || location.empty()) {
        co_return judge(*response);
      }
      const auto from = net::parse_url(url);
      const auto to = net::parse_url(location);
      if (!from || !to) co_return kept("invalid Location in the server's answer");
      url = net::resolve_reference(*from, *to).text(false);
    }
    const auto shown = net::parse_url(url);
    co_return kept("Post \"" + (shown ? shown->text(true) : std::string()) + "\": stopped after 10 redirects");
  }

 private:
  /// Headers of the plan may be secrets: they go to the target's own host and nowhere else.
  std::vector<std::pair<std::string, std::string>> headers_for(const std::string& url) const {
    std::vector<std::pair<std::string, std::string>> headers{{"Content-Type", std::string(form_.content_type)}};
    if (gzip_) headers.emplace_back("Content-Encoding", "gzip");
    if (headers_.empty()) return headers;
    const auto own = net::parse_url(url_);
    const auto asked = net::parse_url(url);
    const bool same_host = own && asked && own->scheme == asked->scheme && own->host_port() == asked->host_port();
    if (same_host) headers.insert(headers.end(), headers_.begin(), headers_.end());
    return headers;
  }

  Outcome kept(const std::string& reason) const {
    return {Outcome::Kind::keep, std::string(form_.error_prefix) + reason, 0, 0, std::nullopt};
  }

  std::shared_ptr<net::HttpClient> client_;
  const HttpForm& form_;
  std::string url_;
  net::TlsOptions tls_;
  layers::StringMap headers_;
  bool gzip_;
};

}  // namespace

net::TlsOptions tls_options(const layers::LogTarget& target) {
  return {target.tls.ca_file, target.tls.cert_file, target.tls.key_file};
}

std::unique_ptr<Sender> make_http_sender(std::shared_ptr<net::HttpClient> client, const layers::LogTarget& target) {
  return std::make_unique<HttpSender>(std::move(client), target.type == "loki" ? loki_form : opentelemetry_form, target);
}

std::expected<std::unique_ptr<Sender>, std::string> make_sender(base::IoContext& loop, std::shared_ptr<net::HttpClient> client,
                                                                const layers::LogTarget& target) {
  if (target.type == "syslog") return make_syslog_sender(loop, target);
  return make_http_sender(std::move(client), target);
}

}  // namespace cobble::logs::forwarding
