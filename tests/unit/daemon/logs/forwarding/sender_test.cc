#include "daemon/logs/forwarding/sender.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/local/datagram_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <optional>

#include "daemon/base/stream.h"
#include "daemon/logs/forwarding/encode.h"
#include "daemon/net/gzip.h"
#include "daemon/net/http_client.h"

namespace cobble::logs::forwarding {
namespace {

using boost::asio::ip::tcp;
using Kind = Outcome::Kind;

/// A server on the test's own loop: takes connections one by one and notes what comes; to each request (all that is there at
/// once) it gives the next answer; without one it closes.
struct Server {
  base::IoContext& loop;
  tcp::acceptor acceptor{loop, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)};
  std::deque<std::string> answers;
  bool reads = true;
  int connections = 0;
  std::vector<std::string> requests;
  std::optional<tcp::socket> current;

  explicit Server(base::IoContext& io) : loop(io) { base::spawn(io, "test server", serve(*this)); }
  std::string port() const { return std::to_string(acceptor.local_endpoint().port()); }

  static base::Task<void> serve(Server& self) {
    while (true) {
      base::ErrorCode error;
      tcp::socket socket(self.loop);
      co_await self.acceptor.async_accept(socket, boost::asio::redirect_error(boost::asio::use_awaitable, error));
      if (error) co_return;
      ++self.connections;
      self.current = std::move(socket);
      if (self.reads) co_await answer_all(self);
    }
  }
  static base::Task<void> answer_all(Server& self) {
    while (true) {
      std::string buffer(65536, '\0');
      base::ErrorCode error;
      const auto size = co_await self.current->async_read_some(boost::asio::buffer(buffer),
                                                               boost::asio::redirect_error(boost::asio::use_awaitable, error));
      if (error) co_return;
      self.requests.push_back(buffer.substr(0, size));
      if (self.answers.empty()) break;
      const std::string answer = self.answers.front();
      self.answers.pop_front();
      co_await boost::asio::async_write(*self.current, boost::asio::buffer(answer),
                                        boost::asio::redirect_error(boost::asio::use_awaitable, error));
    }
    base::ErrorCode ignored;
    self.current->close(ignored);
  }
};

struct SenderFixture {
  base::IoContext loop;
  Server server{loop};
  std::shared_ptr<net::HttpClient> client = std::make_shared<net::HttpClient>(loop);
  std::vector<QueuedEntry> batch{{1'795'419'670'536, std::make_shared<const Stream>(Stream{"svc", {}}), "hello"}};

  std::unique_ptr<Sender> sender(const std::string& type, const std::string& location) {
    layers::LogTarget target;
    target.type = type;
    target.location = location;
    auto made = make_sender(loop, client, target);
    REQUIRE(made);
    return std::move(*made);
  }
  Outcome send(Sender& by, base::Nanoseconds limit = std::chrono::seconds(10)) {
    Outcome outcome;
    base::spawn(loop, "send",
                [](Sender& s, const std::vector<QueuedEntry>& b, base::Nanoseconds l, Outcome& out,
                   base::IoContext& io) -> base::Task<void> {
                  out = co_await s.send(b, l);
                  io.stop();
                }(by, batch, limit, outcome, loop));
    loop.restart();
    loop.run();
    return outcome;
  }
};

TEST_CASE("What each status means for a batch") {
  struct Row {
    const char* status;
    Kind kind;
    const char* reason;
  };
  for (const auto& [status, kind, reason] : {
           Row{"200 OK", Kind::sent, ""},
           Row{"204 No Content", Kind::sent, ""},
           Row{"201 Created", Kind::sent, ""},
           Row{"429 Too Many Requests", Kind::keep, "server returned HTTP 429 Too Many Requests"},
           Row{"400 Bad Request", Kind::drop, "server returned HTTP 400 Bad Request"},
           Row{"404 Nowhere", Kind::drop, "server returned HTTP 404 Nowhere"},
           Row{"503 Down", Kind::keep, "server returned HTTP 503 Down"},
           Row{"304 Not Modified", Kind::keep, "unexpected response from server: 304 Not Modified"},
           Row{"302 Found\r\nLocation: /x", Kind::keep, "unexpected response from server: 302 Found"},
           Row{"600 What", Kind::keep, "unexpected response from server: 600 What"},
       }) {
    SenderFixture f;
    f.server.answers = {"HTTP/1.1 " + std::string(status) + "\r\nContent-Length: 0\r\nRetry-After: 7\r\n\r\n"};
    const auto sender = f.sender("loki", "http://127.0.0.1:" + f.server.port() + "/push");
    const Outcome outcome = f.send(*sender);
    CHECK(outcome.kind == kind);
    CHECK(outcome.reason == reason);
    if (kind == Kind::keep) CHECK(outcome.retry_after == std::chrono::seconds(7));
  }
}

TEST_CASE("The request that a target gets, over one connection, and the same one again where 307 points to") {
  SenderFixture f;
  const std::string answer = "HTTP/1.1 204 OK\r\n\r\n";
  f.server.answers = {answer, "HTTP/1.1 307 There\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n", answer};
  const auto sender = f.sender("opentelemetry", "http://u:p%20w@127.0.0.1:" + f.server.port() + "/base");
  CHECK(f.send(*sender).kind == Kind::sent);
  CHECK(f.send(*sender).kind == Kind::sent);
  REQUIRE(f.server.requests.size() == 3);
  CHECK(f.server.connections == 1);
  const std::string& first = f.server.requests[0];
  CHECK(first.starts_with("POST /base/v1/logs HTTP/1.1\r\nHost: 127.0.0.1:" + f.server.port() +
                          "\r\nUser-Agent: pebble/v1.32.1\r\n"));
  CHECK(first.find("\r\nAuthorization: Basic dTpwIHc=\r\n") != std::string::npos);
  CHECK(first.find("\r\nContent-Type: application/json\r\n") != std::string::npos);
  CHECK(f.server.requests[2].starts_with("POST /other HTTP/1.1\r\n"));
  CHECK(f.server.requests[2].ends_with("\"hello\"}}]}]}]}"));
}

TEST_CASE("Headers of the plan go to the target itself only, and bodies are packed if asked for") {
  SenderFixture f;
  Server other(f.loop);
  const std::string answer = "HTTP/1.1 204 OK\r\n\r\n";
  f.server.answers = {"HTTP/1.1 307 There\r\nLocation: http://127.0.0.1:" + other.port() + "/x\r\nContent-Length: 0\r\n\r\n"};
  other.answers = {answer};
  layers::LogTarget target;
  target.type = "loki";
  target.location = "http://127.0.0.1:" + f.server.port() + "/push";
  target.headers = {{"X-Scope-OrgID", "tenant 1"}};
  target.compression = "gzip";
  const auto sender = make_sender(f.loop, f.client, target);
  REQUIRE(sender);
  CHECK(f.send(**sender).kind == Kind::sent);
  REQUIRE(f.server.requests.size() == 1);
  REQUIRE(other.requests.size() == 1);
  CHECK(f.server.requests[0].find("\r\nX-Scope-OrgID: tenant 1\r\n") != std::string::npos);
  CHECK(other.requests[0].find("X-Scope-OrgID") == std::string::npos);
  for (const std::string& request : {f.server.requests[0], other.requests[0]}) {
    CHECK(request.find("\r\nContent-Encoding: gzip\r\n") != std::string::npos);
    CHECK(net::unpack_gzip(request.substr(request.find("\r\n\r\n") + 4), 10'000) == encode_loki(f.batch));
  }
}

TEST_CASE("TLS files that can't be used keep the batch, with a reason that names them") {
  SenderFixture f;
  for (const auto& [type, location] : {std::pair("loki", "https://127.0.0.1:"), std::pair("syslog", "tls://127.0.0.1:")}) {
    layers::LogTarget target;
    target.type = type;
    target.location = location + f.server.port();
    target.tls.ca_file = "/nowhere/ca.pem";
    const auto sender = make_sender(f.loop, f.client, target);
    REQUIRE(sender);
    const Outcome missing = f.send(**sender);
    CHECK(missing.kind == Kind::keep);
    CHECK(missing.reason.ends_with("tls: cannot read CA file /nowhere/ca.pem: no such file or directory"));
    target.tls = {.ca_file = {}, .cert_file = "/dev/null", .key_file = {}};
    CHECK(f.send(**make_sender(f.loop, f.client, target)).reason.ends_with("certificate file /dev/null: not a regular file"));
  }
}

TEST_CASE("A server that closes, hangs, or isn't there keeps the batch, and no password is told") {
  SenderFixture f;
  const std::string port = f.server.port();
  const auto sender = f.sender("opentelemetry", "http://u:secret@127.0.0.1:" + port);
  CHECK(f.send(*sender).reason == "cannot send logs: Post \"http://u:***@127.0.0.1:" + port + "/v1/logs\": EOF");
  f.server.reads = false;
  const Outcome late = f.send(*sender, std::chrono::milliseconds(50));
  CHECK(late.kind == Kind::keep);
  CHECK(late.reason.find("deadline exceeded") != std::string::npos);
  f.server.acceptor.close();
  CHECK(f.send(*sender).reason.ends_with("dial tcp 127.0.0.1:" + port + ": connect: connection refused"));
}

TEST_CASE("Syslog notices that its server has gone, and comes back") {
  SenderFixture f;
  f.server.answers = {""};
  const auto sender = f.sender("syslog", "tcp://127.0.0.1:" + f.server.port());
  CHECK(f.send(*sender).kind == Kind::sent);
  CHECK(f.send(*sender).kind == Kind::sent);
  f.loop.restart();
  f.loop.poll();
  CHECK(f.send(*sender).kind == Kind::sent);
  f.loop.restart();
  f.loop.run_for(std::chrono::milliseconds(20));
  CHECK(f.server.connections == 2);
  for (const auto& request : f.server.requests) CHECK(request.ends_with("svc - - [pebble@28978] hello"));
  CHECK(f.server.requests.size() == 3);
}

/// A datagram socket that things are sent to.
template <typename Protocol>
std::string received(typename Protocol::socket& socket) {
  std::string buffer(65536, '\0');
  buffer.resize(socket.receive(boost::asio::buffer(buffer)));
  return buffer;
}

TEST_CASE("Syslog by datagrams: a message each, to UDP cut to 4000 bytes, to a unix socket whole") {
  SenderFixture f;
  f.batch.push_back({0, f.batch.front().stream, std::string(4001, 'x')});
  using boost::asio::ip::udp;
  udp::socket by_udp(f.loop, udp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  CHECK(f.send(*f.sender("syslog", "udp://127.0.0.1:" + std::to_string(by_udp.local_endpoint().port()))).kind == Kind::sent);
  CHECK(received<udp>(by_udp).ends_with("svc - - [pebble@28978] hello"));
  CHECK(received<udp>(by_udp).ends_with("] " + std::string(3997, 'x') + "..."));

  using Unix = boost::asio::local::datagram_protocol;
  std::string folder = "/tmp/cobble-syslog-XXXXXX";
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  Unix::socket by_path(f.loop, Unix::endpoint(folder + "/log"));
  CHECK(f.send(*f.sender("syslog", "unix://" + folder + "/log")).kind == Kind::sent);
  CHECK(received<Unix>(by_path).ends_with("hello"));
  CHECK(received<Unix>(by_path).ends_with("] " + std::string(4001, 'x')));
  std::filesystem::remove_all(folder);
  CHECK(f.send(*f.sender("syslog", "unix://" + folder + "/log")).reason ==
        "cannot connect to unix://" + folder + "/log: dial unixgram: connect: no such file or directory");
}

TEST_CASE("Syslog servers that don't read, or aren't there") {
  SenderFixture f;
  f.server.reads = false;
  f.batch.assign(100, {0, f.batch.front().stream, std::string(1 << 20, 'x')});
  const std::string location = "tcp://127.0.0.1:" + f.server.port();
  const auto sender = f.sender("syslog", location);
  const Outcome stuck = f.send(*sender, std::chrono::milliseconds(100));
  CHECK(stuck.kind == Kind::keep);
  CHECK(stuck.reason.find("i/o timeout") != std::string::npos);
  f.server.acceptor.close();
  CHECK(f.send(*sender).reason ==
        "cannot connect to " + location + ": dial tcp 127.0.0.1:" + location.substr(16) + ": connect: connection refused");
  CHECK(f.send(*f.sender("syslog", "tcp://127.0.0.1")).reason ==
        "cannot connect to tcp://127.0.0.1: dial tcp: address 127.0.0.1: missing port in address");
}

}  // namespace
}  // namespace cobble::logs::forwarding
