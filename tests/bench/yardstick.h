#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// Bare work to measure the daemon against, and clients that ask it for the same; one executable, a word names what to do. Each
/// prints one line of JSON.
namespace cobble::bench {

using Arguments = std::vector<std::string>;

/// Time since it was made.
class Meter {
 public:
  Meter();
  /// Prints `{"wall": SECONDS, "cpu": SECONDS}`; the CPU time is this thread's own.
  void print() const;

 private:
  double wall_;
  double cpu_;
};

/// The number of an argument; ends the program when it is none.
std::uint64_t number(const std::string& text);
/// Ends the program unless `good`, with errno's text.
void require(bool good, const char* what);

// copies.cc
/// `pipe-read COMMAND...`: reads what a command prints, to the end.
void pipe_read(const Arguments& arguments);
/// `pipe-to-socket COMMAND...`: copies what a command prints to a unix socket.
void pipe_to_socket(const Arguments& arguments);
/// `copy-sync FROM TO`: copies a file, flushes it to the disk, and puts it in the place of an earlier one.
void copy_sync(const Arguments& arguments);
/// `file-to-socket FILE`: copies a file to a unix socket.
void file_to_socket(const Arguments& arguments);

// spawns.cc
/// `spawn COUNT COMMAND...`: starts a command that many times, one after the other, without waiting for it to end; ends all.
void spawn_many(const Arguments& arguments);
/// `run COUNT COMMAND...`: runs a command that many times, a line of output for each.
void run_many(const Arguments& arguments);
/// `first-answer SOCKET COMMAND...`: starts a daemon and waits until it answers on its socket; ends it.
void first_answer(const Arguments& arguments);

// http_server.cc
/// `http-server ADDRESS FILE`: a minimal server of Beast that gives every request the file's content, until it is killed. ADDRESS
/// is a path of a unix socket or a port of 127.0.0.1.
void http_server(const Arguments& arguments);

// http_client.cc
/// `http-load SOCKET TARGET CLIENTS REQUESTS`: that many requests over that many connections.
void http_load(const Arguments& arguments);
/// `http-count SOCKET TARGET LINES`: reads an answer until it has brought that many lines.
void http_count(const Arguments& arguments);

// yaml_pass.cc
/// `yaml-pass FILE`: what yaml-cpp needs for the events of a text.
void yaml_pass(const Arguments& arguments);

}  // namespace cobble::bench
