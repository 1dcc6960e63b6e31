#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cctype>
#include <fstream>
#include <sstream>

#include "tests/bench/yardstick.h"

namespace cobble::bench {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

template <typename Socket>
asio::awaitable<void> serve(Socket socket, const std::string& content) {
  boost::beast::flat_buffer buffer;
  boost::system::error_code error;
  while (true) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(boost::none);
    co_await http::async_read(socket, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;
    http::response<http::string_body> response(http::status::ok, 11, content);
    response.set(http::field::content_type, "application/json");
    response.prepare_payload();
    co_await http::async_write(socket, response, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;
  }
}

template <typename Protocol>
asio::awaitable<void> accept(typename Protocol::endpoint endpoint, const std::string& content) {
  const auto executor = co_await asio::this_coro::executor;
  typename Protocol::acceptor acceptor(executor, endpoint);
  while (true) asio::co_spawn(executor, serve(co_await acceptor.async_accept(asio::use_awaitable), content), asio::detached);
}

}  // namespace

void http_server(const Arguments& arguments) {
  std::stringstream content;
  content << std::ifstream(arguments[1]).rdbuf();
  const std::string text = content.str();
  asio::io_context loop{1};
  const std::string& address = arguments[0];
  if (std::isdigit(static_cast<unsigned char>(address.front())) != 0) {
    const asio::ip::tcp::endpoint endpoint(asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(number(address)));
    asio::co_spawn(loop, accept<asio::ip::tcp>(endpoint, text), asio::detached);
  } else {
    asio::co_spawn(loop, accept<asio::local::stream_protocol>(asio::local::stream_protocol::endpoint(address), text),
                   asio::detached);
  }
  loop.run();
}

}  // namespace cobble::bench
