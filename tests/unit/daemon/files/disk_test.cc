// What the files room does to a real directory: writing, making directories, removing, listing.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "daemon/files/atomic_file.h"
#include "daemon/files/list.h"
#include "daemon/files/make_dirs.h"
#include "daemon/files/remove.h"
#include "daemon/files/source_file.h"
#include "daemon/files/upload.h"

using namespace cobble::files;
namespace fs = std::filesystem;

namespace {

/// A directory of the test's own.
struct Folder {
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "cobble-files-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  std::string operator/(const std::string& name) const { return path + "/" + name; }

  std::string path;
};

void put(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

mode_t mode_of(const std::string& path) {
  struct stat info{};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

std::size_t entries_in(const std::string& path) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("atomic file: nothing is there before commit, all of it after") {
  Folder folder;
  const std::string path = folder / "f";
  put(path, "old");
  {
    auto file = AtomicFile::create(path);
    REQUIRE(file);
    REQUIRE(file->write("new"));
    CHECK(text_of(path) == "old");
    CHECK(entries_in(folder.path) == 2);
    REQUIRE(file->commit(0640, {}));
  }
  CHECK(text_of(path) == "new");
  CHECK(mode_of(path) == 0640);
  CHECK(entries_in(folder.path) == 1);
  {
    auto file = AtomicFile::create(path);
    REQUIRE(file);
    REQUIRE(file->write("given up"));
  }
  CHECK(text_of(path) == "new");
  CHECK(entries_in(folder.path) == 1);
}

TEST_CASE("atomic file: links are replaced, directories are not, long names work") {
  Folder folder;
  put(folder / "target", "target");
  fs::create_symlink("target", folder / "link");
  auto link = AtomicFile::create(folder / "link");
  REQUIRE(link);
  REQUIRE(link->commit(0644, {}));
  CHECK(fs::is_regular_file(fs::symlink_status(folder / "link")));
  CHECK(text_of(folder / "target") == "target");
  fs::create_directory(folder / "dir");
  auto directory = AtomicFile::create(folder / "dir");
  REQUIRE(directory);
  const auto refused = directory->commit(0644, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.starts_with("rename " + (folder / "dir") + "."));
  CHECK(refused.error().message.ends_with("~ " + (folder / "dir") + ": file exists"));
  auto long_name = AtomicFile::create(folder / std::string(255, 'n'));
  REQUIRE(long_name);
  CHECK(long_name->commit(0600, {}));
  CHECK_FALSE(AtomicFile::create(folder / "missing/x"));
  CHECK_FALSE(AtomicFile::create("/"));
}

TEST_CASE("make directory: modes are exact, parents are made alike, nothing is left after an error") {
  Folder folder;
  const mode_t before = ::umask(077);
  REQUIRE(make_directory(folder / "a//b/./c/", true, 0755, {}));
  ::umask(before);
  CHECK(mode_of(folder / "a/b") == 0755);
  CHECK(mode_of(folder / "a/b/c") == 0755);
  CHECK(make_directory(folder / "a", true, 0700, {}));
  CHECK(mode_of(folder / "a") == 0755);
  CHECK(make_directory(folder / "a", false, 0700, {}).error().message == "mkdir " + (folder / "a") + ": file exists");
  CHECK(make_directory(folder / "x/y", false, 0700, {}).error().kind == "not-found");
  put(folder / "file", "");
  for (const bool parents : {false, true}) {
    CHECK(make_directory(folder / "file", parents, 0700, {}).error().message ==
          "mkdir " + (folder / "file") + ": not a directory");
    CHECK_FALSE(make_directory(folder / "file/below", parents, 0700, {}));
  }
  fs::create_symlink("nowhere", folder / "dangling");
  for (const bool parents : {false, true}) {
    const auto error = make_directory(folder / "dangling", parents, 0700, {}).error();
    CHECK(error.kind == "generic-file-error");
    CHECK(error.message == "rename " + (folder / "dangling.mkdir-new") + " " + (folder / "dangling") + ": not a directory");
  }
  CHECK(entries_in(folder.path) == 3);
}

TEST_CASE("remove all: trees of any depth, links not followed, descriptors bounded") {
  Folder folder;
  fs::create_directories(folder / "keep");
  put(folder / "keep/safe", "safe");
  fs::create_directories(folder / "tree/x");
  fs::create_symlink(folder / "keep", folder / "tree/x/link");
  // Deeper than a path may be long, and than descriptors may be open.
  int at = ::open((folder / "tree").c_str(), O_RDONLY | O_DIRECTORY);
  for (int i = 0; i < 2000; ++i) {
    REQUIRE(::mkdirat(at, "a-rather-long-name", 0700) == 0);
    const int next = ::openat(at, "a-rather-long-name", O_RDONLY | O_DIRECTORY);
    REQUIRE(next >= 0);
    ::close(at);
    at = next;
    if (i % 100 == 0) REQUIRE(::symlinkat("/", at, "root") == 0);
  }
  ::close(at);
  const auto removed = remove_all(folder / "tree");
  INFO((removed ? "" : removed.error().message));
  CHECK(removed);
  CHECK_FALSE(fs::exists(folder / "tree"));
  CHECK(text_of(folder / "keep/safe") == "safe");
}

TEST_CASE("remove: what is refused, what is missing, links with a slash") {
  Folder folder;
  fs::create_directories(folder / "dir/inner");
  fs::create_symlink("dir", folder / "link");
  CHECK(remove_one(folder / "dir").error().message == "remove " + (folder / "dir") + ": directory not empty");
  CHECK(remove_one(folder / "link/").error().message == "remove " + (folder / "link/") + ": not a directory");
  CHECK(remove_all(folder / "dir/.").error().message == "RemoveAll " + (folder / "dir/.") + ": invalid argument");
  CHECK(remove_all(folder / "dir/inner/..").error().message == "RemoveAll " + (folder / "dir/inner/..") + ": invalid argument");
  CHECK_FALSE(remove_all("/"));
  CHECK_FALSE(remove_all("//"));
  CHECK(remove_all(folder / "missing/deep"));
  CHECK(remove_all(folder / "link/"));
  CHECK(fs::exists(folder / "dir/inner"));
  put(folder / "file", "");
  CHECK(remove_all(folder / "file/x").error().kind == "generic-file-error");
  CHECK(remove_one(folder / "file"));
  CHECK(remove_one(folder / "file").error().kind == "not-found");
  CHECK_FALSE(remove_all(std::string("/tmp\0x", 6)));
}

TEST_CASE("remove all: a parent that may not be searched is named") {
  Folder folder;
  put(folder / "file", "");
  // Modes mean nothing to root, so that somebody else asks then.
  const bool root = ::geteuid() == 0;
  REQUIRE((root ? ::seteuid(65534) : ::chmod(folder.path.c_str(), 0)) == 0);
  const auto removed = remove_all(folder / "file");
  REQUIRE((root ? ::seteuid(0) : ::chmod(folder.path.c_str(), 0700)) == 0);
  REQUIRE_FALSE(removed);
  CHECK(removed.error().message == "open " + folder.path + ": permission denied");
  CHECK(removed.error().kind == "permission-denied");
}

TEST_CASE("source file: regular files only, sizes that aren't known, the end") {
  Folder folder;
  put(folder / "f", "content");
  auto file = SourceFile::open(folder / "f");
  REQUIRE(file);
  CHECK(file->left() == 7);
  CHECK(file->read(4) == "cont");
  CHECK(file->left() == 3);
  CHECK_FALSE(file->at_end());
  CHECK(file->read(100) == "ent");
  CHECK(file->at_end());
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  CHECK(SourceFile::open(folder / "fifo").error().message == "can only read a regular file: \"" + (folder / "fifo") + "\"");
  CHECK(SourceFile::open("f").error().message == "paths must be absolute, got \"f\"");
  auto version = SourceFile::open("/proc/version");
  if (version) {
    CHECK(version->left() == 0);
    CHECK_FALSE(version->read(1000).empty());
  }
}

TEST_CASE("list: entries in order, kinds, and one entry by itself") {
  Folder folder;
  put(folder / "b", "123");
  put(folder / ".a", "");
  fs::create_symlink("nowhere", folder / "link");
  ::chmod((folder / "b").c_str(), 04750);
  auto listed = list_files(folder.path, "", false);
  REQUIRE(listed);
  auto json = nlohmann::json::parse(*listed);
  REQUIRE(json.size() == 3);
  CHECK(json[0]["name"] == ".a");
  CHECK(json[0]["size"] == 0);
  CHECK(json[1]["path"] == folder / "b");
  CHECK(json[1]["permissions"] == "750");
  CHECK(json[2]["type"] == "symlink");
  CHECK_FALSE(json[2].contains("size"));
  json = nlohmann::json::parse(list_files(folder.path + "//b", "", true).value());
  CHECK(json[0]["path"] == folder / "b");
  CHECK(list_files(folder.path, "x*", false).value() == "[]");
  CHECK(list_files(folder.path, "[", false).error().message == "syntax error in pattern");
  CHECK(list_files(folder / "link", "", false).error().status == 404);
}

TEST_CASE("upload: a body that breaks off leaves the earlier files and no temporary one") {
  Folder folder;
  const std::string boundary(40, 'b');
  const std::string line = "\r\n--" + boundary + "\r\nContent-Disposition: form-data; name=";
  const std::string body = line.substr(2) + "request\r\n\r\n{\"action\":\"write\",\"files\":[{\"path\":\"" + (folder / "a") +
                           "\"},{\"path\":\"" + (folder / "b") + "\"}]}" + line + "files; filename=\"" + (folder / "a") +
                           "\"\r\n\r\nA" + line + "files; filename=\"" + (folder / "b") + "\"\r\n\r\nB";
  std::string seen;
  {
    Upload upload(boundary, [&](const std::string& path) { seen += path.back(); });
    const auto space = upload.space();
    std::memcpy(space.data(), body.data(), body.size());
    upload.proceed(body.size());
    REQUIRE(upload.wants_more());
    CHECK(entries_in(folder.path) == 2);
    upload.proceed(0);
    REQUIRE(upload.error());
    CHECK(upload.error()->message == "cannot read file part 1: unexpected EOF");
  }
  CHECK(seen == "ab");
  CHECK(text_of(folder / "a") == "A");
  CHECK(entries_in(folder.path) == 1);
}
