#include "daemon/lifecycle/notify.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "daemon/base/fd.h"
#include "layers/quote.h"

namespace cobble::lifecycle {

void notify(std::string_view text) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || (path[0] != '/' && path[0] != '@')) return;
  const std::size_t size = std::strlen(path);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (size >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path, size);
  if (path[0] == '@') address.sun_path[0] = '\0';
  const base::UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return;
  ::sendto(fd.get(), text.data(), text.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
           static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size));
}

void notify_stop_time(base::Nanoseconds time) {
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  notify("EXTEND_TIMEOUT_USEC=" + std::to_string(microseconds) + "\nSTATUS=Stopping services");
}

std::expected<std::optional<base::Nanoseconds>, std::string> watchdog_interval() {
  const char* text = std::getenv("WATCHDOG_USEC");
  if (text == nullptr || *text == '\0') return std::nullopt;
  char* end = nullptr;
  const double microseconds = std::strtod(text, &end);
  if (*end != '\0' || !std::isfinite(microseconds) || microseconds <= 0) {
    return std::unexpected("cannot run software watchdog: cannot parse WATCHDOG_USEC: " + layers::quote(text));
  }
  constexpr double longest = 1e15;  // about 30 years, in microseconds
  return base::Nanoseconds(static_cast<std::int64_t>(std::fmin(microseconds, longest) * 500));
}

Watchdog::Watchdog(base::IoContext& loop, base::Nanoseconds interval) : timer_(loop), interval_(interval) {
  beat();
}

void Watchdog::beat() {
  notify("WATCHDOG=1");
  timer_.start(interval_, [this] { beat(); });
}

}  // namespace cobble::lifecycle
