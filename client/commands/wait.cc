#include "client/commands/wait.h"

#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include "client/commands/interrupt.h"
#include "client/commands/names.h"
#include "client/commands/progress.h"
#include "client/commands/terminal.h"
#include "layers/quote.h"

namespace cobble::client {
namespace {

using std::chrono::steady_clock;

constexpr auto poll_pause = std::chrono::milliseconds(100);
constexpr auto grace = std::chrono::seconds(5);
constexpr int interrupted_status = 130;

/// A display is for people: both ends must be a terminal.
bool shows_progress() {
  const char* quiet = std::getenv("SPREAD_SYSTEM");
  return is_terminal(STDIN_FILENO) && is_terminal(STDOUT_FILENO) && !(quiet && *quiet != '\0');
}

/// One wait for one change.
class Waiting {
 public:
  Waiting(Context& context, std::string id, Interrupt& interrupt)
      : context_(context),
        id_(std::move(id)),
        on_terminal_(shows_progress()),
        display_(on_terminal_, columns_of(STDIN_FILENO)),
        interrupt_(interrupt) {}

  Result<int> run() {
    for (;;) {
      const auto change = context_.client().change(id_);
      std::optional<Result<int>> end = change ? judge(*change) : judge(change.error());
      if (end) {
        context_.print(display_.finish());
        return std::move(*end);
      }
      if (!interrupt_.happened(poll_pause)) continue;
      if (aborted_) {
        context_.print(display_.finish());
        return interrupted_status;
      }
      abort();
    }
  }

 private:
  std::optional<Result<int>> judge(const Change& change) {
    failing_since_.reset();
    const auto& maintenance = context_.client().maintenance();
    if (maintenance && maintenance->kind == "system-restart" && !change.ready) {
      context_.note(reboot_text() + "\n");
      return 0;
    }
    const std::chrono::duration<double> waited = steady_clock::now() - began_;
    context_.print(change.ready ? display_.end(change, waited.count()) : display_.look(change, waited.count()));
    if (!change.ready) return std::nullopt;
    if (change.status == "Done") return 0;
    if (!change.err.empty()) return fail(change.err);
    return fail("change finished in status " + layers::quote(change.status) + " with no error message");
  }

  std::optional<Result<int>> judge(const Error& error) {
    if (aborted_ && error.message.ends_with(interrupted_text)) return interrupted_status;
    if (error.source != Error::Source::connection) return std::unexpected(error);
    const auto now = steady_clock::now();
    if (!failing_since_) failing_since_ = now;
    if (now - *failing_since_ >= grace) return std::unexpected(error);
    context_.print(display_.message("Waiting for server to restart"));
    return std::nullopt;
  }

  void abort() {
    aborted_ = true;
    const auto done = context_.client().abort_change(id_);
    if (!done) context_.note(done.error().message + "\n");
    if (done && on_terminal_) {
      context_.print(display_.finish());
      context_.note("Aborting change " + id_ + "; waiting for it to end (Ctrl-C again: stop waiting)\n");
    }
    context_.client().set_interrupt(interrupt_.fd());
  }

  Context& context_;
  std::string id_;
  bool on_terminal_;
  ProgressDisplay display_;
  Interrupt& interrupt_;
  bool aborted_ = false;
  steady_clock::time_point began_ = steady_clock::now();
  std::optional<steady_clock::time_point> failing_since_;
};

}  // namespace

std::string reboot_text() {
  return std::string(display_name) + " is about to reboot the system";
}

Result<int> change_services(Context& context, const Arguments& arguments, const std::string& action,
                            const std::optional<Names>& names) {
  const bool waits = !arguments.given("no-wait");
  // From here on Ctrl-C is for the change: it may be at work before its ID is here.
  std::optional<Interrupt> interrupt;
  if (waits) interrupt.emplace();
  const auto id = context.client().change_services(action, names);
  if (!id) return std::unexpected(id.error());
  if (!waits) {
    context.print(*id + "\n");
    return 0;
  }
  auto end = Waiting(context, *id, *interrupt).run();
  context.client().set_interrupt(-1);
  return end;
}

}  // namespace cobble::client
