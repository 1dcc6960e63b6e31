#include "daemon/net/http_client.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <functional>
#include <optional>

#include "daemon/net/connect.h"
#include "daemon/net/resolver.h"

namespace cobble::net {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Tcp = asio::ip::tcp;

/// What the server does with a request: bytes to send, and whether the connection goes on, ends, or hangs.
struct Reply {
  enum class Then { go_on, close, hang };
  std::string bytes;
  Then then = Then::go_on;
};

std::string ok(const std::string& body = "", const std::string& status = "200 OK", const std::string& fields = "") {
  return "HTTP/1.1 " + status + "\r\n" + fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// A client and a server on one loop.
struct Fixture {
  base::IoContext loop;
  Tcp::acceptor acceptor{loop, {asio::ip::address_v4::loopback(), 0}};
  std::function<Reply(const std::string& head)> answer;
  std::vector<std::string> heads;
  int connections = 0;
  HttpClient client{loop};
  HttpOptions options;

  Fixture() { base::spawn(loop, "accepting", accept()); }

  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + path;
  }

  base::Task<void> accept() {
    base::ErrorCode error;
    while (!error) {
      auto socket = std::make_shared<Tcp::socket>(loop);
      co_await acceptor.async_accept(*socket, asio::redirect_error(asio::use_awaitable, error));
      if (error) break;
      ++connections;
      base::spawn(loop, "serving", serve(socket));
    }
  }

  base::Task<void> serve(std::shared_ptr<Tcp::socket> socket) {
    base::ErrorCode error;
    std::string buffer;
    while (!error) {
      const std::size_t size = co_await asio::async_read_until(*socket, asio::dynamic_buffer(buffer), "\r\n\r\n",
                                                               asio::redirect_error(asio::use_awaitable, error));
      if (error) break;
      heads.push_back(buffer.substr(0, size));
      buffer.erase(0, size);
      const Reply reply = answer(heads.back());
      co_await asio::async_write(*socket, asio::buffer(reply.bytes), asio::redirect_error(asio::use_awaitable, error));
      if (reply.then == Reply::Then::close) break;
      if (reply.then == Reply::Then::hang) hanging.push_back(socket);
    }
  }

  using Answer = std::expected<HttpResponse, HttpError>;
  Answer send(HttpRequest request) {
    std::optional<Answer> result;
    base::spawn(loop, "sending", send_into(std::move(request), result));
    run_until([&] { return result.has_value(); });
    return std::move(*result);
  }
  Answer get(const std::string& path) {
    HttpRequest request;
    request.url = url(path);
    return send(std::move(request));
  }
  base::Task<void> send_into(HttpRequest request, std::optional<Answer>& result) {
    result = co_await client.send(std::move(request), options);
  }
  template <typename Condition>
  void run_until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!condition()) {
      REQUIRE(std::chrono::steady_clock::now() < deadline);
      loop.restart();
      loop.run_one_for(10ms);
    }
  }

  std::vector<std::shared_ptr<Tcp::socket>> hanging;
};

std::string request_line(const std::string& head) {
  return head.substr(0, head.find("\r\n"));
}

TEST_CASE_METHOD(Fixture, "a request on the wire") {
  answer = [](const std::string&) { return Reply{ok("body")}; };
  HttpRequest request;
  request.url = url("/a b?q#f");
  request.url.insert(7, "me:secret@");
  request.headers = {{"X-One", " one "}, {"Content-Length", "7"}, {"Host", "example.org"}};
  const auto response = send(request);
  REQUIRE(response);
  CHECK(response->status == 200);
  CHECK(response->body == "body");
  CHECK(heads.at(0) ==
        "GET /a%20b?q HTTP/1.1\r\nHost: example.org\r\nUser-Agent: Go-http-client/1.1\r\nX-One: one\r\n"
        "Authorization: Basic bWU6c2VjcmV0\r\nAccept-Encoding: gzip\r\n\r\n");
}

TEST_CASE_METHOD(Fixture, "connections are used again while they are good") {
  answer = [](const std::string& head) { return Reply{ok("x", head.starts_with("GET /bad") ? "500 X" : "200 OK")}; };
  CHECK(get("/1"));
  CHECK(get("/bad"));
  CHECK(get("/2"));
  CHECK(connections == 1);
  answer = [](const std::string&) { return Reply{ok(), Reply::Then::close}; };
  CHECK(get("/3"));
  CHECK(get("/4"));
  CHECK(connections == 2);
  client.close_idle();
  CHECK(get("/5"));
  CHECK(connections == 3);
}

TEST_CASE_METHOD(Fixture, "redirects are followed, up to a limit") {
  answer = [](const std::string& head) {
    const int left = std::atoi(head.c_str() + std::string_view("GET /hop/").size());
    if (left == 0) return Reply{ok("end")};
    return Reply{ok("", "302 X", "Location: /hop/" + std::to_string(left - 1) + "\r\n")};
  };
  const auto nine = get("/hop/9");
  REQUIRE(nine);
  CHECK(nine->body == "end");
  CHECK(heads.size() == 10);
  const auto ten = get("/hop/10");
  REQUIRE_FALSE(ten);
  CHECK(ten.error().text == "Get \"/hop/0\": stopped after 10 redirects");
  options.redirect_limit = 0;
  CHECK(get("/hop/1")->status == 302);
}

TEST_CASE_METHOD(Fixture, "a redirected POST becomes a GET, but for 307 and 308; credentials stay with their host") {
  answer = [&](const std::string& head) {
    if (head.starts_with("POST /302")) return Reply{ok("", "302 X", "Location: /end\r\n")};
    if (head.starts_with("POST /307")) return Reply{ok("", "307 X", "Location: /end\r\n")};
    if (head.starts_with("POST /away")) {
      std::string other = url("/there");
      other.replace(other.find("127.0.0.1"), 9, "localhost");
      return Reply{ok("", "307 X", "Location: " + other + "\r\n")};
    }
    return Reply{ok()};
  };
  const std::pair<const char*, const char*> rows[] = {{"/302", "GET /end HTTP/1.1"}, {"/307", "POST /end HTTP/1.1"}};
  HttpRequest request;
  request.method = "POST";
  request.headers = {{"Authorization", "Bearer x"}, {"X-Mine", "1"}};
  for (const auto& [path, second] : rows) {
    heads.clear();
    request.url = url(path);
    REQUIRE(send(request));
    CHECK(request_line(heads.at(1)) == second);
    CHECK(heads.at(1).find("Authorization: Bearer x") != std::string::npos);
    CHECK(heads.at(1).find("Referer: " + url(path)) != std::string::npos);
  }
  heads.clear();
  request.url = url("/away");
  REQUIRE(send(request));
  CHECK(heads.at(1).find("Authorization") == std::string::npos);
  CHECK(heads.at(1).find("X-Mine: 1") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "what goes wrong is told in the reference's words") {
  answer = [](const std::string& head) {
    if (head.starts_with("GET /close")) return Reply{"", Reply::Then::close};
    if (head.starts_with("GET /garbage")) return Reply{"hello there\r\n\r\n", Reply::Then::close};
    return Reply{"HTTP/1.1 500 X\r\nContent-Length: 100\r\n\r\nno more", Reply::Then::close};
  };
  const auto error = [&](const std::string& text) {
    HttpRequest request;
    request.url = text;
    const auto response = send(request);
    return response ? response->body_error : response.error().text;
  };
  const auto told = [&](const std::string& path) { return "Get \"" + url(path) + "\": "; };
  CHECK(error(url("/close")) == told("/close") + "EOF");
  CHECK(error(url("/garbage")) ==
        told("/garbage") + "net/http: HTTP/1.x transport connection broken: malformed HTTP response \"hello there\"");
  CHECK(error(url("/short")) == "unexpected EOF");
  CHECK(error("ftp://127.0.0.1/") == "Get \"ftp://127.0.0.1/\": unsupported protocol scheme \"ftp\"");
  CHECK(error("/x") == "Get \"/x\": unsupported protocol scheme \"\"");
  CHECK(error("http:///x") == "Get \"http:///x\": http: no Host in request URL");
  CHECK(error("127.0.0.1:80/x") == "parse \"127.0.0.1:80/x\": first path segment in URL cannot contain colon");
  CHECK(error("http://127.0.0.1:99999/") == "Get \"http://127.0.0.1:99999/\": dial tcp: address 99999: invalid port");
  const std::string where = url("");
  acceptor.close();
  client.close_idle();
  CHECK(error("http://me:secret@" + where.substr(7) + "/") ==
        "Get \"http://me:***@" + where.substr(7) + "/\": dial tcp " + where.substr(7) + ": connect: connection refused");
}

TEST_CASE_METHOD(Fixture, "bad headers are refused before anything is sent") {
  HttpRequest request;
  request.url = url("/");
  request.headers = {{"bad name", "x"}};
  CHECK(send(request).error().text == "Get \"" + url("/") + "\": net/http: invalid header field name \"bad name\"");
  request.headers = {{"X", "a\nb"}};
  CHECK(send(request).error().text == "Get \"" + url("/") + "\": net/http: invalid header field value for \"X\"");
  CHECK(connections == 0);
}

TEST_CASE_METHOD(Fixture, "one limit of time covers everything") {
  options.timeout = 60ms;
  answer = [](const std::string& head) {
    if (head.starts_with("GET /silent")) return Reply{"", Reply::Then::hang};
    return Reply{"HTTP/1.1 500 X\r\nContent-Length: 100\r\n\r\npart", Reply::Then::hang};
  };
  const auto silent = get("/silent");
  REQUIRE_FALSE(silent);
  CHECK(silent.error().kind == HttpError::Kind::timed_out);
  CHECK(silent.error().text == "Get \"" + url("/silent") + "\": context deadline exceeded");
  const auto stalled = get("/stalled");
  REQUIRE(stalled);
  CHECK(stalled->body == "part");
  CHECK(stalled->body_error == "context deadline exceeded");
}

TEST_CASE_METHOD(Fixture, "bodies are read only as far as is wanted") {
  answer = [](const std::string& head) {
    const bool good = head.starts_with("GET /good");
    return Reply{
        std::string("HTTP/1.1 ") + (good ? "200" : "500") + " X\r\nContent-Length: 1000000\r\n\r\n" + std::string(50'000, 'x'),
        Reply::Then::hang};
  };
  options.body_limit = 512;
  options.skip_body_on_2xx = true;
  const auto bad = get("/bad");
  REQUIRE(bad);
  CHECK(bad->body.size() == 512);
  CHECK(bad->body_cut);
  CHECK(bad->body_error.empty());
  const auto good = get("/good");
  REQUIRE(good);
  CHECK(good->body.empty());
}

TEST_CASE_METHOD(Fixture, "names of this machine are known without asking") {
  std::optional<std::expected<std::vector<Address>, std::string>> found;
  const auto look_up = [](base::IoContext& on, std::string name, auto& result) -> base::Task<void> {
    result = co_await resolve(on, std::move(name));
  };
  for (const char* name : {"localhost", "LOCALHOST.", "a.localhost"}) {
    CAPTURE(name);
    found.reset();
    base::spawn(loop, "looking up", look_up(loop, name, found));
    run_until([&] { return found.has_value(); });
    REQUIRE(*found);
    CHECK((*found)->size() == 2);
    for (const Address& address : **found) CHECK(address.is_loopback());
  }
}

TEST_CASE_METHOD(Fixture, "of several addresses the one that answers is taken") {
  answer = [](const std::string&) { return Reply{ok()}; };
  HttpRequest request;
  request.url = url("/");
  request.url.replace(7, 9, "localhost");
  CHECK(send(request));  // the server listens on IPv4 alone
}

}  // namespace
}  // namespace cobble::net
