#include "daemon/state/state_file.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "daemon/state/change_engine.h"

namespace cobble::state {
namespace {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

/// A directory of its own, gone with the test.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "cobble-state-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const fs::path& path() const { return path_; }
  fs::path state() const { return path_ / ".pebble.state"; }
  std::string content() const { return read(state()); }
  static std::string read(const fs::path& path) {
    std::ifstream stream(path);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  void put(std::string_view text) const { std::ofstream(state()) << text; }
  Strings names() const {
    Strings result;
    for (const auto& entry : fs::directory_iterator(path_)) result.push_back(entry.path().filename());
    return result;
  }

 private:
  fs::path path_;
};

/// A daemon's state, from its start to its end.
struct Life {
  base::IoContext loop;
  std::unique_ptr<StateFile> file;
  NoticeBook notices;
  std::unique_ptr<ChangeEngine> engine;

  explicit Life(const Folder& folder, bool persist = true) {
    auto opened = open_state(loop, options(folder, persist));
    if (!opened) throw std::runtime_error(opened.error());
    file = std::move(*opened);
    engine = std::make_unique<ChangeEngine>(loop, notices, *file);
    engine->start();
  }
  ~Life() { file->stop(std::chrono::seconds(10)); }

  static StateOptions options(const Folder& folder, bool persist) {
    return {.directory = folder.path(),
            .socket_path = "/the/socket",
            .persist = persist,
            .retry_period = std::chrono::milliseconds(5)};
  }
  template <typename Condition>
  void until(Condition condition) {
    const base::SteadyTime limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      REQUIRE(std::chrono::steady_clock::now() < limit);
      loop.restart();
      loop.run_one_for(std::chrono::milliseconds(50));
    }
  }
  void make_durable() {
    bool done = false;
    base::spawn(loop, "durable", wait_durable(done));
    until([&] { return done; });
  }
  base::Task<void> wait_durable(bool& done) {
    co_await file->durable();
    done = true;
  }
  void notify(const std::string& key) { notices.add(1, "custom", key, {}, {}, base::wall_now()); }
};

}  // namespace

TEST_CASE("what is durable is in the file, whole and private") {
  const Folder folder;
  const mode_t before = ::umask(0);
  {
    Life life(folder);
    life.notify("a.b/c");
    life.file->set_data("identities", R"({"bob":{}})");
    life.make_durable();
    CHECK(folder.content().contains(R"("key":"a.b/c")"));
    CHECK(folder.content().contains(R"("data":{"identities":{"bob":{}},"patch-level":2,)"));
    struct stat status{};
    REQUIRE(::stat(folder.state().c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    CHECK(folder.names() == Strings{".pebble.state"});
  }
  ::umask(before);
  Life again(folder);
  CHECK(again.notices.find("1")->key == "a.b/c");
  CHECK(again.file->data("identities") == R"({"bob":{}})");
  again.file->remove_data("identities");
  again.make_durable();
  CHECK_FALSE(folder.content().contains("identities"));
}

TEST_CASE("a new directory has its state file before anybody is served") {
  const Folder folder;
  SECTION("where there was none") {}
  SECTION("where a damaged one was kept aside") {
    folder.put("{\"data");
  }
  const Life life(folder);  // whose loop has not run yet
  CHECK(folder.content().contains(R"("patch-level":2,)"));
}

TEST_CASE("what nobody waits for is written all the same, and at the end at the latest") {
  const Folder folder;
  {
    Life life(folder);
    life.notify("a.b/early");
    life.until([&] { return folder.content().contains("a.b/early"); });
    life.notify("a.b/late");
  }
  CHECK(folder.content().contains("a.b/late"));
}

TEST_CASE("many modifications share few writings") {
  const Folder folder;
  Life life(folder);
  std::size_t done = 0;
  std::vector<char> flags(200, 0);
  life.make_durable();
  for (std::size_t i = 0; i < flags.size(); ++i) {
    life.notify("a.b/k" + std::to_string(i));
    base::spawn(life.loop, "durable", [](StateFile& file, std::size_t& count) -> base::Task<void> {
      co_await file.durable();
      ++count;
    }(*life.file, done));
  }
  std::size_t writings = 0;
  ino_t last = 0;
  life.until([&] {
    struct stat status{};
    if (::stat(folder.state().c_str(), &status) == 0 && status.st_ino != last) {
      last = status.st_ino;
      ++writings;
    }
    return done == flags.size();
  });
  CHECK(writings <= 4);
  CHECK(folder.content().contains("a.b/k199"));
}

TEST_CASE("a damaged file is kept aside with a warning") {
  for (const std::string text : {"", "garbage", R"({"data":{"patch-level":2},"changes":{"1":{"spawn-)", "[]"}) {
    CAPTURE(text);
    const Folder folder;
    folder.put(text);
    Life life(folder);
    const Strings names = folder.names();
    const auto kept = std::ranges::find_if(names, [](const auto& name) { return name.starts_with(".pebble.state.corrupt-"); });
    REQUIRE(kept != names.end());
    CHECK(Folder::read(folder.path() / *kept) == text);
    CHECK(life.notices.latest_warning(base::wall_now()));
    life.make_durable();
    CHECK(fs::exists(folder.state()));
  }
}

TEST_CASE("a file that is not ours to touch stops the start") {
  const Folder folder;
  base::IoContext loop;
  const auto error = [&] {
    const auto opened = open_state(loop, Life::options(folder, true));
    REQUIRE_FALSE(opened);
    return opened.error();
  };
  SECTION("of a newer format") {
    folder.put(R"({"data":{"patch-level":3}})");
    CHECK(error() == "cannot downgrade: software version is too old for the current system state (patch level 3)");
    CHECK(folder.content() == R"({"data":{"patch-level":3}})");
    CHECK(folder.names() == Strings{".pebble.state"});
  }
  SECTION("a directory") {
    fs::create_directory(folder.state());
    CHECK(error() == "cannot read state: read " + folder.state().string() + ": is a directory");
  }
  SECTION("another daemon's") {
    const Life life(folder);
    CHECK(error() == "when trying to listen on /the/socket: socket \"/the/socket\" already in use");
  }
}

TEST_CASE("a file of an older format is brought up to date before anybody is served") {
  const Folder folder;
  folder.put(R"({"data":{"patch-level":1},"identities":{"bob":{}},"last-change-id":4})");
  const Life life(folder);
  CHECK(folder.content().contains(R"({"data":{"identities":{"bob":{}},"patch-level":2,)"));
  CHECK(folder.content().contains(R"("last-change-id":4)"));
}

TEST_CASE("without persistence nothing is read or written") {
  const Folder folder;
  folder.put("garbage");
  {
    Life life(folder, false);
    life.notify("a.b/c");
    life.make_durable();
  }
  CHECK(folder.content() == "garbage");
  CHECK(folder.names() == Strings{".pebble.state"});
}

TEST_CASE("what is noted of processes stands beside the state file, as long as there is something") {
  const Folder folder;
  const fs::path beside = folder.path() / ".pebble.processes";
  {
    Life life(folder);
    CHECK(life.file->processes().empty());
    life.file->set_processes(R"({"a":1})");
    life.make_durable();
    CHECK(Folder::read(beside) == R"({"a":1})");
    CHECK_FALSE(folder.content().contains(R"("a")"));
  }
  Life again(folder);
  CHECK(again.file->processes() == R"({"a":1})");
  again.file->set_processes("");
  again.make_durable();
  CHECK_FALSE(fs::exists(beside));
}

TEST_CASE("a symbolic link is read and then replaced") {
  const Folder folder;
  const fs::path elsewhere = folder.path() / "elsewhere";
  std::ofstream(elsewhere) << R"({"data":{"patch-level":2},"last-change-id":5})";
  fs::create_symlink(elsewhere, folder.state());
  Life life(folder);
  CHECK(life.engine->add_change({"replan", "", {}, {}, {}, Status::done}) == "6");
  life.make_durable();
  CHECK_FALSE(fs::is_symlink(folder.state()));
  CHECK(Folder::read(elsewhere).contains("\"last-change-id\":5"));
}

TEST_CASE("what a cut-off writing left is removed, other files stay") {
  const Folder folder;
  for (const char* name : {".pebble.state.123~", ".pebble.state.x~", ".pebble.state.~", "other.1~"})
    std::ofstream(folder.path() / name) << "x";
  const Life life(folder);
  CHECK_FALSE(fs::exists(folder.path() / ".pebble.state.123~"));
  CHECK(folder.names().size() >= 3);
}

TEST_CASE("while the file cannot be written the daemon goes on, and writes when it can") {
  const Folder folder;
  const fs::path away = folder.path().string() + "-away";
  Life life(folder);
  life.make_durable();
  fs::rename(folder.path(), away);
  life.notify("a.b/c");
  life.make_durable();  // doesn't wait for what cannot be
  CHECK(life.notices.latest_warning(base::wall_now()));
  life.notify("a.b/d");
  life.make_durable();
  fs::rename(away, folder.path());
  life.until([&] { return folder.content().contains("a.b/d"); });
  CHECK(folder.content().contains("cannot write state file"));
  CHECK(folder.names() == Strings{".pebble.state"});
}

TEST_CASE("a write that breaks off leaves the old file and nothing else") {
  const Folder folder;
  Life life(folder);
  life.notify("a.b/c");
  life.make_durable();
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);  // should this process's own output be a file
  rlimit small = before;
  small.rlim_cur = 16 * 1024;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  life.notify("a.b/" + std::string(20'000, 'x'));
  life.make_durable();
  CHECK(folder.content().contains("a.b/c"));
  CHECK(folder.names() == Strings{".pebble.state"});
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  life.until([&] { return folder.content().contains("a.b/xxx"); });
  CHECK(folder.content().contains("file too large"));
  ::signal(SIGXFSZ, handler);
}

}  // namespace cobble::state
