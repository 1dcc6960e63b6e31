#include "layers/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <optional>

#include "layers/parse.h"
#include "layers/quote.h"

namespace cobble::layers {

namespace {

/// A larger layer file is refused.
constexpr std::size_t file_limit = 64 * 1024 * 1024;

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

std::string problem(int error) {
  std::string text = ::strerrordesc_np(error) == nullptr ? "unknown error" : ::strerrordesc_np(error);
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

/// `123-some-label` of a name without its suffix.
struct NumberedLabel {
  int number = 0;
  std::string label;
};

bool is_label(std::string_view text) {
  std::size_t characters = 0;
  bool dash_before = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool letter = c >= 'a' && c <= 'z';
    const bool digit = c >= '0' && c <= '9';
    if (c == '-') {
      if (i == 0 || dash_before) return false;
    } else if (!letter && !(digit && i > 0)) {
      return false;
    } else {
      ++characters;
    }
    dash_before = c == '-';
  }
  return characters >= 3 && !dash_before;
}

std::optional<NumberedLabel> parse_name(std::string_view name) {
  name.remove_suffix(name.ends_with(".yaml") ? 5 : 2);
  if (name.size() < 5 || name[3] != '-') return std::nullopt;
  NumberedLabel result;
  for (const char c : name.substr(0, 3)) {
    if (c < '0' || c > '9') return std::nullopt;
    result.number = result.number * 10 + (c - '0');
  }
  result.label = name.substr(4);
  return is_label(result.label) ? std::optional(result) : std::nullopt;
}

struct Entry {
  std::string path;
  NumberedLabel name;
  bool is_directory = false;
};

std::expected<std::vector<std::string>, std::string> list(const std::string& path) {
  std::unique_ptr<DIR, CloseDir> dir(::opendir(path.c_str()));
  std::vector<std::string> names;
  if (!dir) {
    if (errno == ENOENT) return names;
    return std::unexpected("cannot read layers directory: open " + path + ": " + problem(errno));
  }
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (name.ends_with(".yaml") || name.ends_with(".d")) names.emplace_back(name);
  }
  std::ranges::sort(names);
  return names;
}

/// Checks all names of a directory before any file of it is read.
std::expected<std::vector<Entry>, std::string> entries_of(const std::string& path, bool top) {
  auto names = list(path);
  if (!names) return std::unexpected(std::move(names.error()));
  std::vector<Entry> entries;
  std::map<int, std::string> by_number;
  std::map<std::string, std::string> by_label;
  for (const std::string& file : *names) {
    Entry entry{path + "/" + file, {}, false};
    struct stat info{};
    if (::stat(entry.path.c_str(), &info) != 0) return std::unexpected("stat " + entry.path + ": " + problem(errno));
    entry.is_directory = S_ISDIR(info.st_mode);
    const auto name = parse_name(file);
    if (!name && entry.is_directory)
      return std::unexpected("invalid layer sub-directory name: " + quote(file) + " (must look like \"123-some-label.d\")");
    if (!name) return std::unexpected("invalid layer filename: " + quote(file) + " (must look like \"123-some-label.yaml\")");
    if (entry.is_directory && !top) return std::unexpected("cannot have a layers sub-directory at this level");
    entry.name = *name;
    const auto not_unique = [&](const std::string& other) {
      return std::unexpected("invalid layer filename: " + quote(file) + " not unique (have " + quote(other) + " already)");
    };
    std::array<char, 4> digits{};
    std::snprintf(digits.data(), digits.size(), "%03d", entry.name.number);
    const std::string shown = std::string(digits.data()) + "-" + entry.name.label + ".yaml";
    if (const auto found = by_number.find(entry.name.number); found != by_number.end()) return not_unique(found->second);
    if (const auto found = by_label.find(entry.name.label); found != by_label.end()) return not_unique(found->second);
    by_number[entry.name.number] = shown;
    by_label[entry.name.label] = shown;
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::expected<std::string, std::string> read_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::unexpected("cannot read layer file: open " + path + ": " + problem(errno));
  std::string text;
  std::array<char, 64 * 1024> buffer;
  ssize_t count = 0;
  while ((count = ::read(fd, buffer.data(), buffer.size())) > 0 && text.size() <= file_limit)
    text.append(buffer.data(), static_cast<std::size_t>(count));
  const int error = errno;
  ::close(fd);
  if (count < 0) return std::unexpected("cannot read layer file: read " + path + ": " + problem(error));
  if (text.size() > file_limit) return std::unexpected("cannot read layer file: " + path + " is larger than 64 MiB");
  return text;
}

class Reader {
 public:
  explicit Reader(const Accounts& accounts) : accounts_(accounts) {}

  std::expected<void, std::string> read(const std::string& path, const std::string& label_prefix, std::int64_t order, bool top) {
    auto entries = entries_of(path, top);
    if (!entries) return std::unexpected(std::move(entries.error()));
    for (const Entry& entry : *entries) {
      const std::int64_t number = order + (top ? 1000 : 1) * entry.name.number;
      std::expected<void, std::string> done;
      if (entry.is_directory) {
        done = read(entry.path, entry.name.label + "/", number, false);  // one level deep: the next one refuses folders
      } else {
        done = read_layer(entry.path, label_prefix + entry.name.label, number);
      }
      if (!done) return done;
    }
    return {};
  }

  DirectoryLayers result;

 private:
  std::expected<void, std::string> read_layer(const std::string& path, const std::string& label, std::int64_t order) {
    auto text = read_file(path);
    if (!text) return std::unexpected(std::move(text.error()));
    auto parsed = parse_layer(label, *text, accounts_);
    if (!parsed) return std::unexpected(std::move(parsed.error()));
    parsed->layer.order = order;
    result.warnings.insert(result.warnings.end(), parsed->warnings.begin(), parsed->warnings.end());
    result.layers.push_back(std::make_shared<const Layer>(std::move(parsed->layer)));
    return {};
  }

  const Accounts& accounts_;
};

std::expected<void, std::string> collect_paths(const std::string& path, bool top, std::vector<std::string>& paths) {
  const auto entries = entries_of(path, top);
  if (!entries) return std::unexpected(entries.error());
  for (const Entry& entry : *entries) {
    if (!entry.is_directory) {
      paths.push_back(entry.path);
    } else if (auto done = collect_paths(entry.path, false, paths); !done) {  // one level deep: the next one refuses folders
      return done;
    }
  }
  return {};
}

}  // namespace

std::expected<DirectoryLayers, std::string> read_layers_directory(const std::string& path, const Accounts& accounts) {
  Reader reader(accounts);
  if (auto done = reader.read(path, "", 0, true); !done) return std::unexpected(std::move(done.error()));
  return std::move(reader.result);
}

std::expected<std::vector<std::string>, std::string> layer_paths(const std::string& path) {
  std::vector<std::string> paths;
  if (auto done = collect_paths(path, true, paths); !done) return std::unexpected(done.error());
  return paths;
}

}  // namespace cobble::layers
