#include "client/api/resolver.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <optional>

namespace cobble::client {
namespace {

constexpr int query_timeout_ms = 2000;
constexpr int query_tries = 2;

bool is_number(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 || inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

std::string_view reason(int code) {
  switch (code) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_EBADNAME:
      return "no such host";
    case ARES_ETIMEOUT:
      return "i/o timeout";
    case ARES_ECONNREFUSED:
      return "connection refused";
    default:
      return "server misbehaving";
  }
}

/// What c-ares has answered.
struct Answer {
  std::optional<int> code;
  std::vector<std::string> addresses;
};

void take(void* data, int code, int, ares_addrinfo* found) {
  auto& answer = *static_cast<Answer*>(data);
  answer.code = code;
  for (const auto* node = found ? found->nodes : nullptr; node; node = node->ai_next) {
    char text[INET6_ADDRSTRLEN] = "";
    const void* bytes = node->ai_family == AF_INET
                            ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(node->ai_addr)->sin_addr)
                            : &reinterpret_cast<const sockaddr_in6*>(node->ai_addr)->sin6_addr;
    if (inet_ntop(node->ai_family, bytes, text, sizeof text)) answer.addresses.emplace_back(text);
  }
  if (found) ares_freeaddrinfo(found);
}

/// Waits for the sockets of a query once, as long as c-ares wants to.
void turn(ares_channel channel) {
  ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
  const auto wanted = static_cast<unsigned>(ares_getsock(channel, sockets, ARES_GETSOCK_MAXNUM));
  std::vector<pollfd> polled;
  for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
    const bool reads = (wanted >> i & 1U) != 0;
    const bool writes = (wanted >> (i + ARES_GETSOCK_MAXNUM) & 1U) != 0;
    if (reads || writes) polled.push_back({sockets[i], static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)), 0});
  }
  timeval longest{1, 0};
  timeval room{};
  const timeval* left = ares_timeout(channel, &longest, &room);
  poll(polled.data(), polled.size(), static_cast<int>(left->tv_sec * 1000 + left->tv_usec / 1000 + 1));
  for (const pollfd& one : polled) {
    const bool reads = (one.revents & (POLLIN | POLLERR | POLLHUP)) != 0;
    const bool writes = (one.revents & POLLOUT) != 0;
    ares_process_fd(channel, reads ? one.fd : ARES_SOCKET_BAD, writes ? one.fd : ARES_SOCKET_BAD);
  }
  ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

Answer ask(const std::string& host) {
  ares_options options{};
  char lookups[] = "fb";  // the hosts file, then DNS
  options.lookups = lookups;
  options.timeout = query_timeout_ms;
  options.tries = query_tries;
  Answer answer;
  ares_channel channel = nullptr;
  if (const int code = ares_init_options(&channel, &options, ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
      code != ARES_SUCCESS) {
    answer.code = code;
    return answer;
  }
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  ares_getaddrinfo(channel, host.c_str(), nullptr, &hints, take, &answer);
  while (!answer.code) turn(channel);
  ares_destroy(channel);
  return answer;
}

}  // namespace

std::expected<std::vector<std::string>, std::string> resolve(const std::string& host) {
  if (is_number(host)) return std::vector{host};
  std::string name = lower_case(host);
  if (name.ends_with('.')) name.pop_back();
  if (name == "localhost" || name.ends_with(".localhost")) return std::vector<std::string>{"127.0.0.1", "::1"};
  Answer answer = ask(host);
  if (!answer.addresses.empty()) return std::move(answer.addresses);
  return std::unexpected("lookup " + host + ": " +
                         std::string(reason(*answer.code == ARES_SUCCESS ? ARES_ENODATA : *answer.code)));
}

}  // namespace cobble::client
