#include "daemon/access/password_checker.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "daemon/access/password.h"
#include "daemon/base/blocking.h"
#include "tls/openssl.h"

namespace cobble::access {

namespace {

constexpr std::size_t remembered = 256;
constexpr int max_running = 2;
constexpr int max_waiting = 64;

/// Counts one for as long as it lives, also when the coroutine around it is cancelled.
class Counted {
 public:
  explicit Counted(int& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  int& count_;
};

}  // namespace

PasswordChecker::PasswordChecker(base::IoContext& loop) : turn_(loop) {}

std::string PasswordChecker::digest(std::string_view stored, std::string_view password) const {
  std::string text(stored);
  text.append(1, '\0').append(password);
  std::array<unsigned char, 32> result{};
  unsigned int size = 0;
  ::HMAC(::EVP_sha256(), key_.data(), static_cast<int>(key_.size()), reinterpret_cast<const unsigned char*>(text.data()),
         text.size(), result.data(), &size);
  return std::string(reinterpret_cast<const char*>(result.data()), size);
}

std::optional<bool> PasswordChecker::known(std::string_view stored, std::string_view password) const {
  if (!usable_password_hash(stored) || password.size() > max_password_size) return false;
  if (answers_.empty()) return std::nullopt;
  const auto found = answers_.find(digest(stored, password));
  return found == answers_.end() ? std::nullopt : std::optional(found->second);
}

base::Task<bool> PasswordChecker::check(std::string stored, std::string password) {
  if (waiting_ >= max_waiting) co_return false;
  {
    const Counted waiting(waiting_);
    while (running_ >= max_running) {
      if (!co_await turn_.wait()) co_return false;
    }
  }
  // Somebody before us may have asked the same.
  if (const auto answer = known(stored, password)) {
    turn_.notify_all();
    co_return *answer;
  }
  tls::start_openssl();
  if (!keyed_ && ::RAND_bytes(key_.data(), static_cast<int>(key_.size())) != 1) co_return false;
  keyed_ = true;
  std::string name = digest(stored, password);
  bool matches = false;
  {
    const Counted running(running_);
    matches = co_await base::blocking(
        [stored = std::move(stored), password = std::move(password)] { return password_matches(stored, password); });
  }
  remember(std::move(name), matches);
  turn_.notify_all();
  co_return matches;
}

void PasswordChecker::remember(std::string digest, bool matches) {
  if (!answers_.emplace(digest, matches).second) return;
  order_.push_back(std::move(digest));
  if (order_.size() <= remembered) return;
  answers_.erase(order_.front());
  order_.pop_front();
}

}  // namespace cobble::access
