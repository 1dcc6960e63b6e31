// The only place that knows spdlog.
#include "daemon/base/log.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <string>

#include "daemon/base/fd_writer.h"
#include "daemon/base/json_writer.h"

namespace cobble::base {

namespace {

constexpr std::size_t queue_limit = 1024 * 1024;

/// Formats `TIME [pebble] TEXT` and hands whole lines to the writer thread, or to the descriptor while there is none.
class StderrSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  void start() {
    std::lock_guard lock(mutex_);
    if (!writer_) writer_ = std::make_unique<FdWriter>(STDERR_FILENO, queue_limit);
  }
  void stop(Nanoseconds limit) {
    std::unique_ptr<FdWriter> writer;
    {
      std::lock_guard lock(mutex_);
      writer = std::move(writer_);
    }
    if (!writer) return;
    writer->stop(limit);
    dropped_before_ += writer->dropped();
  }
  std::uint64_t position() {
    std::lock_guard lock(mutex_);
    return writer_ ? writer_->position() : 0;
  }
  bool written(std::uint64_t position) {
    std::lock_guard lock(mutex_);
    return !writer_ || writer_->written(position);
  }
  std::uint64_t dropped() {
    std::lock_guard lock(mutex_);
    return dropped_before_ + (writer_ ? writer_->dropped() : 0);
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::uint64_t lost = writer_ ? writer_->dropped() : 0;
    std::string block;
    if (lost != reported_)
      append_line(block, message.time, std::to_string(lost - reported_) + " log lines were dropped because stderr was blocked");
    append_line(block, message.time, std::string_view(message.payload.data(), message.payload.size()));
    if (!writer_) {
      [[maybe_unused]] const auto written = ::write(STDERR_FILENO, block.data(), block.size());
    } else if (writer_->write(block)) {
      reported_ = lost;
    }
  }
  void flush_() override {}

 private:
  static void append_line(std::string& out, spdlog::log_clock::time_point time, std::string_view text) {
    append_log_time(out, std::chrono::time_point_cast<Nanoseconds>(time));
    out += " [pebble] ";
    out += text;
    if (!text.ends_with('\n')) out += '\n';
  }

  std::unique_ptr<FdWriter> writer_;
  std::uint64_t reported_ = 0;
  std::uint64_t dropped_before_ = 0;
};

std::shared_ptr<StderrSink> sink() {
  static const auto the_sink = std::make_shared<StderrSink>();
  return the_sink;
}

spdlog::logger& logger() {
  static spdlog::logger the_logger("pebble", sink());
  return the_logger;
}

}  // namespace

void set_log_quiet(bool quiet) {
  logger().set_level(quiet ? spdlog::level::off : spdlog::level::info);
}

void log(std::string_view text) {
  logger().log(spdlog::level::info, spdlog::string_view_t(text.data(), text.size()));
}

bool log_debug_enabled() {
  static const bool enabled = [] {
    const char* value = std::getenv("PEBBLE_DEBUG");
    return value != nullptr && std::string_view(value) == "1";
  }();
  return enabled;
}

void log_debug(std::string_view text) {
  if (log_debug_enabled()) log("DEBUG " + std::string(text));
}

std::string security_event(WallTime time, std::string_view level, std::string_view event, std::string_view description) {
  std::string out = "{\"type\":\"security\",\"datetime\":";
  const auto append = [&out](std::string_view key, std::string_view value) {
    out.append(",\"").append(key).append("\":");
    append_json_string(out, value, Markup::keep);
  };
  append_json_string(out, format_utc(std::chrono::floor<std::chrono::seconds>(time)));
  append("level", level);
  append("event", event);
  if (!description.empty()) append("description", description);
  append("appid", "pebble");
  out += '}';
  return out;
}

void log_security(std::string_view level, std::string_view event, std::string_view description) {
  log(security_event(wall_now(), level, event, description));
}

std::uint64_t log_position() {
  return sink()->position();
}

bool log_written(std::uint64_t position) {
  return sink()->written(position);
}

void start_logging() {
  sink()->start();
}
void stop_logging(Nanoseconds limit) {
  sink()->stop(limit);
}
std::uint64_t dropped_log_lines() {
  return sink()->dropped();
}

}  // namespace cobble::base
