#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>

#include "client/commands/context.h"
#include "client/commands/local_file.h"
#include "client/commands/signal_catcher.h"
#include "client/commands/table_of_commands.h"
#include "client/commands/terminal.h"
#include "client/commands/top/screen.h"

namespace cobble::client {
namespace {

using std::chrono::steady_clock;

constexpr Option top_options[] = {
    {.long_name = "once", .help = "Print what there is once instead of a live view, as also when stdout is no terminal."},
    {.long_name = "interval",
     .help = "How often to look, for example 500ms: every second if not given.",
     .takes = Takes::duration},
    format_option,
};
constexpr std::int64_t snapshot_lines = 20;
constexpr std::int64_t live_lines = 1000;
constexpr auto least_interval = std::chrono::milliseconds(100);
constexpr auto default_interval = std::chrono::seconds(1);

/// Asks the server for everything.
Result<top::Model> look(Client& client, const std::string& log_of, std::int64_t lines) {
  top::Model model;
  auto services = client.services({}, true);
  if (!services) return std::unexpected(services.error());
  for (ServiceInfo& service : *services) model.services.push_back({std::move(service), std::nullopt});
  auto checks = client.checks({}, {});
  if (!checks) return std::unexpected(checks.error());
  model.checks = std::move(*checks);
  LogQuery query;
  query.n = lines;
  if (!log_of.empty()) query.services = {log_of};
  const auto read = client.logs(query, [&](const LogLine& line) {
    model.log.push_back(line);
    return true;
  });
  if (!read) return std::unexpected(read.error());
  model.now = std::time(nullptr);
  return model;
}

Value value_of(const top::Model& model) {
  Value::Map services, checks;
  for (const top::ServiceRow& row : model.services) services.entries.emplace_back(row.info.name, to_value(row.info, true));
  for (const CheckInfo& check : model.checks) checks.entries.emplace_back(check.name, to_value(check, check.last_error));
  Value::List log;
  for (const LogLine& line : model.log) log.push_back(to_value(line));
  return Value::Fields{{"services", std::move(services)}, {"checks", std::move(checks)}, {"log", std::move(log)}};
}

Result<int> print_once(Context& context, const Arguments& arguments) {
  const auto model = look(context.client(), {}, snapshot_lines);
  if (!model) return std::unexpected(model.error());
  if (context.print_formatted(arguments, value_of(*model))) return 0;
  const std::string text = top::snapshot_text(*model);
  if (text.empty()) context.note("There are no services, checks or log lines.\n");
  context.print(text);
  return 0;
}

/// The terminal's other screen, without a cursor and without line breaks of its own, for as long as it lives.
class OtherScreen {
 public:
  OtherScreen() { static_cast<void>(write_all(STDOUT_FILENO, "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J")); }
  OtherScreen(const OtherScreen&) = delete;
  OtherScreen& operator=(const OtherScreen&) = delete;
  ~OtherScreen() { static_cast<void>(write_all(STDOUT_FILENO, "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l")); }
};

/// Readable when one of two descriptors is: what ends the wait for a server.
FileDescriptor either(int a, int b) {
  FileDescriptor both(epoll_create1(EPOLL_CLOEXEC));
  for (const int fd : {a, b}) {
    epoll_event event{};
    event.events = EPOLLIN;
    epoll_ctl(both.get(), EPOLL_CTL_ADD, fd, &event);
  }
  return both;
}

/// The live view: shows, listens to keys and signals, and looks again at each interval.
class LiveTop {
 public:
  LiveTop(Client& client, steady_clock::duration interval)
      : client_(client),
        interval_(interval),
        colour_(std::getenv("NO_COLOR") == nullptr || *std::getenv("NO_COLOR") == '\0'),
        woken_(either(STDIN_FILENO, catcher_.fd())) {
    client_.set_interrupt(woken_.get());
    client_.set_patient(false);
  }
  LiveTop(const LiveTop&) = delete;
  LiveTop& operator=(const LiveTop&) = delete;
  ~LiveTop() {
    client_.set_interrupt(-1);
    client_.set_patient(true);
  }

  /// Runs until the person or a signal ends it; the signal's number, 0 for none.
  int run(top::Model first) {
    take(std::move(first));
    const RawMode raw(STDIN_FILENO);
    const OtherScreen screen;
    while (!view_.quits() && ended_by_ == 0) {
      show();
      wait();
      listen();
      if (steady_clock::now() >= next_look_) refresh();
    }
    return ended_by_;
  }

 private:
  TerminalSize size() const {
    const auto size = terminal_size(STDOUT_FILENO);
    return size && size->columns > 0 && size->rows > 0 ? *size : TerminalSize{80, 24};
  }

  void show() { static_cast<void>(write_all(STDOUT_FILENO, top::paint(top::draw(view_, size()), colour_))); }

  void wait() {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_look_ - steady_clock::now());
    epoll_event event{};
    epoll_wait(woken_.get(), &event, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
  }

  /// Takes what has come of signals and keys, without waiting.
  void listen() {
    while (const int number = catcher_.next())
      if (number != SIGWINCH) ended_by_ = number;
    pollfd polled{STDIN_FILENO, POLLIN, 0};
    if (poll(&polled, 1, 0) <= 0) return;
    char buffer[256];
    const ssize_t count = read(STDIN_FILENO, buffer, sizeof buffer);
    if (count <= 0) {
      ended_by_ = SIGHUP;  // the terminal is gone
      return;
    }
    const std::string log_of = view_.log_of();
    for (const top::Key key : keys_.feed({buffer, static_cast<std::size_t>(count)}))
      view_.press(key, top::log_rows(view_, size()));
    if (view_.log_of() != log_of) next_look_ = steady_clock::now();
  }

  bool woken() const {
    pollfd polled{woken_.get(), POLLIN, 0};
    return poll(&polled, 1, 0) > 0;
  }

  void refresh() {
    next_look_ = steady_clock::now() + interval_;
    auto model = look(client_, view_.log_of(), live_lines);
    if (model && woken()) {
      // A key came while the log was read, which may be cut short by that.
      next_look_ = steady_clock::now() + least_interval;
    } else if (model) {
      take(std::move(*model));
    } else if (model.error().message.ends_with(interrupted_text)) {
      next_look_ = steady_clock::now() + least_interval;
    } else {
      const bool gone = model.error().source == Error::Source::connection;
      view_.lose(gone ? "The server is gone, waiting for it: " + model.error().message : model.error().message);
    }
  }

  void take(top::Model model) {
    const auto now = steady_clock::now();
    for (top::ServiceRow& row : model.services) row.cpu_percent = meter_.look(row.info, now.time_since_epoch());
    view_.take(std::move(model));
    next_look_ = now + interval_;
  }

  Client& client_;
  steady_clock::duration interval_;
  bool colour_;
  SignalCatcher catcher_{std::array{SIGINT, SIGTERM, SIGHUP, SIGWINCH}};
  FileDescriptor woken_;
  top::View view_;
  top::CpuMeter meter_;
  top::KeyReader keys_;
  steady_clock::time_point next_look_;
  int ended_by_ = 0;
};

/// Whether there is a person to show something to.
bool can_be_live() {
  const char* term = std::getenv("TERM");
  return is_terminal(STDIN_FILENO) && is_terminal(STDOUT_FILENO) && term && *term != '\0' && std::string_view(term) != "dumb";
}

Result<int> top_(Context& context, const Arguments& arguments) {
  const Nanoseconds wanted = arguments.duration("interval");
  if (arguments.given("interval") && wanted < least_interval) return fail("the interval must be at least 100ms");
  if (arguments.given("once") || arguments.text("format") != "text" || !can_be_live()) return print_once(context, arguments);
  auto first = look(context.client(), {}, live_lines);
  if (!first) return std::unexpected(first.error());
  const steady_clock::duration interval = arguments.given("interval") ? steady_clock::duration(wanted) : default_interval;
  const int number = LiveTop(context.client(), interval).run(std::move(*first));
  if (number != 0 && number != SIGINT) std::raise(number);
  return 0;
}

}  // namespace

const Command top_command{
    .name = "top",
    .summary = "Watch services, checks and their log live",
    .description =
        "The top command shows, again and again, what services do, the CPU time and memory that their main processes use, the "
        "state of health checks, and the newest log lines.\n\n"
        "Keys: q or Ctrl-C ends it; the arrow keys, or j and k, choose a service; Enter shows the log of the chosen service "
        "alone, "
        "or of all again; s orders services by the next column, r turns the order round; PgUp and PgDn scroll the log, End goes "
        "back to its newest line.\n\n"
        "Without a terminal, or with --once, one snapshot is printed.",
    .category = Category::more,
    .options = top_options,
    .run = top_,
};

}  // namespace cobble::client
