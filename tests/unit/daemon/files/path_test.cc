#include "daemon/files/path.h"

#include <catch2/catch.hpp>
#include <cerrno>

using namespace cobble::files;

TEST_CASE("path: cleaning by text") {
  CHECK(clean_path("/a/./b//c/") == "/a/b/c");
  CHECK(clean_path("/a/x/../b") == "/a/b");
  CHECK(clean_path("/../..") == "/");
  CHECK(clean_path("//") == "/");
  CHECK(clean_path("") == ".");
  CHECK(clean_path("../a/..") == "..");
  CHECK(directory_of("/a/b") == "/a");
  CHECK(directory_of("/a/b/") == "/a/b");
  CHECK(directory_of("/a") == "/");
  CHECK(base_name("/a/b/") == "b");
  CHECK(base_name("/") == "/");
  CHECK(base_name("a") == "a");
}

TEST_CASE("path: errors carry kind and status") {
  const auto missing = os_error("stat", "/x", ENOENT);
  CHECK(missing.message == "stat /x: no such file or directory");
  CHECK(missing.kind == "not-found");
  CHECK(missing.status == 404);
  CHECK(os_error("open", "/x", EACCES).kind == "permission-denied");
  CHECK(bare_os_error(EPERM).message == "operation not permitted");
  CHECK(bare_os_error(EPERM).status == 403);
  CHECK(os_error("open", "/x", ELOOP).kind == "generic-file-error");
  CHECK(not_absolute("a\"b").message == "paths must be absolute, got \"a\\\"b\"");
}
