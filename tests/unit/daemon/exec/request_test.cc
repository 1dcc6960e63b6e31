#include "daemon/exec/request.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

using namespace cobble::exec;

namespace {

std::string refusal(const std::string& json) {
  const auto request = parse_request(json);
  return request ? "none" : request.error().message;
}

}  // namespace

TEST_CASE("exec request: all keys, nulls, what is refused") {
  const auto request = parse_request(
      R"({"command":["a","b"],"timeout":"1.5s","environment":{"A":"1"},"user":null,"user-id":5,"split-stderr":true,"width":100} x)");
  REQUIRE(request);
  CHECK(request->command == std::vector<std::string>{"a", "b"});
  CHECK(request->timeout == std::chrono::milliseconds(1500));
  CHECK(request->own.environment.at("A") == "1");
  CHECK(request->own.user_id == 5);
  CHECK(request->split_stderr);
  CHECK(request->width == 100);
  CHECK(refusal("") == "cannot decode request body: EOF");
  CHECK(refusal(R"({"command":"true"})").starts_with("cannot decode request body: json: cannot unmarshal string"));
  CHECK(refusal(R"({"command":[],"timeout":"x"})") == "must specify command");
  CHECK(refusal(R"({"command":["x"],"timeout":"5"})") == "invalid timeout: time: missing unit in duration \"5\"");
  CHECK_FALSE(parse_request(R"({"command":["x"],"timeout":"0s"})")->timeout);
}

TEST_CASE("exec request: programs are files that can be executed") {
  CHECK(executable_exists("/bin/sh"));
  CHECK(executable_exists("sh"));
  for (const std::string name : {"", "/", "/etc", "/etc/passwd", "sh ", "no-such-program", "bin/no-such-program"}) {
    INFO(name);
    CHECK_FALSE(executable_exists(name));
  }
  CHECK_FALSE(executable_exists(std::string("/bin/sh\0x", 9)));
}

TEST_CASE("exec request: environment and directory") {
  Request request;
  request.command = {"true"};
  cobble::process::CommandContext context;
  context.environment = {{"HOME", "/usr"}, {"PATH", ""}, {"A", "b"}};
  auto command = prepare(request, context);
  REQUIRE(command);
  CHECK(command->working_dir == "/usr");
  CHECK(command->environment.at("PATH").empty());
  CHECK(command->environment.at("A") == "b");
  CHECK(command->environment.contains("LANG"));
  CHECK_FALSE(command->uid);
  CHECK(command->columns == 80);
  context.environment["HOME"] = "/nonexistent";
  CHECK(prepare(request, context).error().message == "cannot call exec: home directory \"/nonexistent\" does not exist");
  context.working_dir = "/etc/passwd";
  CHECK(prepare(request, context).error().message == "cannot call exec: working directory \"/etc/passwd\" not a directory");
  context.working_dir = "/etc/passwd/x";
  CHECK(prepare(request, context).error().message ==
        "cannot call exec: cannot stat working directory \"/etc/passwd/x\": stat /etc/passwd/x: not a directory");
  request.interactive = true;
  CHECK(prepare(request, context).error().status == 500);
  context.user = "no-such-user";
  CHECK(prepare(request, context).error().message == "user: unknown user no-such-user");
}

TEST_CASE("exec request: an unknown user has neither HOME nor USER") {
  Request request;
  request.command = {"true"};
  cobble::process::CommandContext context;
  context.user_id = 54321;
  context.group_id = 54321;
  const auto command = prepare(request, context);
  REQUIRE(command);
  CHECK_FALSE(command->environment.contains("HOME"));
  CHECK_FALSE(command->environment.contains("USER"));
  CHECK(command->working_dir == "/");
  CHECK(command->uid == 54321);
}

TEST_CASE("exec request: the terminal's size counts when both are given") {
  Request request;
  request.command = {"true"};
  const auto size = [&](std::int64_t width, std::int64_t height) {
    request.width = width;
    request.height = height;
    const auto command = prepare(request, {});
    REQUIRE(command);
    return std::pair<int, int>(command->columns, command->rows);
  };
  CHECK(size(100, 0) == std::pair(80, 25));
  CHECK(size(-1, 50) == std::pair(80, 25));
  CHECK(size(101, 55) == std::pair(101, 55));
  CHECK(size(65536 + 7, 9) == std::pair(7, 9));
}
