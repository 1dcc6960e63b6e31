#include "layers/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
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

std::string problem_text(int error) {
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

  bool same_number(const Entry& other) const { return name.number == other.name.number; }
  bool same_label(const Entry& other) const { return name.label == other.name.label; }
  /// `001-some-label.yaml`
  std::string shown() const {
    std::string digits = std::to_string(name.number);
    digits.insert(0, 3 - digits.size(), '0');
    return digits + "-" + name.label + ".yaml";
  }
};

std::expected<std::vector<std::string>, std::string> list(const std::string& path) {
  std::unique_ptr<DIR, CloseDir> dir(::opendir(path.c_str()));
  std::vector<std::string> names;
  if (!dir) {
    if (errno == ENOENT) return names;
    return std::unexpected("cannot read layers directory: open " + path + ": " + problem_text(errno));
  }
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (name.ends_with(".yaml") || name.ends_with(".d")) names.emplace_back(name);
  }
  std::ranges::sort(names);
  return names;
}

std::expected<std::string, std::string> read_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::unexpected("cannot read layer file: open " + path + ": " + problem_text(errno));
  std::string text;
  std::array<char, 64 * 1024> buffer;
  ssize_t count = 0;
  while ((count = ::read(fd, buffer.data(), buffer.size())) > 0 && text.size() <= file_limit)
    text.append(buffer.data(), static_cast<std::size_t>(count));
  const int error = errno;
  ::close(fd);
  if (count < 0) return std::unexpected("cannot read layer file: read " + path + ": " + problem_text(error));
  if (text.size() > file_limit) return std::unexpected("cannot read layer file: " + path + " is larger than 64 MiB");
  return text;
}

/// Goes through a directory and those below it in the order of the layers. A problem ends that, unless all are to be found.
class Walk {
 public:
  /// Is told of each layer's file.
  using Visit = std::function<void(const std::string& path, const std::string& label, std::int64_t order)>;

  Walk(bool find_all, Visit visit) : find_all_(find_all), visit_(std::move(visit)) {}

  void through(const std::string& path) { through(path, "", 0, true); }
  void refuse(std::string problem) { problems.push_back(std::move(problem)); }

  std::vector<std::string> problems;

 private:
  bool ended() const { return !find_all_ && !problems.empty(); }

  void through(const std::string& path, const std::string& label_prefix, std::int64_t order, bool top) {
    for (const Entry& entry : entries_of(path, top)) {
      if (ended()) return;
      const std::int64_t number = order + (top ? 1000 : 1) * entry.name.number;
      if (entry.is_directory) {
        through(entry.path, entry.name.label + "/", number, false);  // one level deep: the next one refuses folders
      } else {
        visit_(entry.path, label_prefix + entry.name.label, number);
      }
    }
  }

  /// Checks all names of a directory before any file of it is visited.
  std::vector<Entry> entries_of(const std::string& path, bool top) {
    std::vector<Entry> entries;
    const auto names = list(path);
    if (!names) refuse(names.error());
    for (const std::string& file : names.value_or(std::vector<std::string>())) {
      auto entry = look_at(path, file, top, entries);
      if (entry) {
        entries.push_back(std::move(*entry));
      } else {
        refuse(std::move(entry.error()));
      }
      if (ended()) return {};
    }
    return entries;
  }

  static std::expected<Entry, std::string> look_at(const std::string& path, const std::string& file, bool top,
                                                   const std::vector<Entry>& before) {
    Entry entry{path + "/" + file, {}, false};
    struct stat info{};
    if (::stat(entry.path.c_str(), &info) != 0) return std::unexpected("stat " + entry.path + ": " + problem_text(errno));
    entry.is_directory = S_ISDIR(info.st_mode);
    const auto name = parse_name(file);
    if (!name && entry.is_directory)
      return std::unexpected("invalid layer sub-directory name: " + quote(file) + " (must look like \"123-some-label.d\")");
    if (!name) return std::unexpected("invalid layer filename: " + quote(file) + " (must look like \"123-some-label.yaml\")");
    if (entry.is_directory && !top) return std::unexpected("cannot have a layers sub-directory at this level");
    entry.name = *name;
    for (const auto same : {&Entry::same_number, &Entry::same_label}) {
      const auto other = std::ranges::find_if(before, [&](const Entry& one) { return (one.*same)(entry); });
      if (other != before.end())
        return std::unexpected("invalid layer filename: " + quote(file) + " not unique (have " + quote(other->shown()) +
                               " already)");
    }
    return entry;
  }

  bool find_all_;
  Visit visit_;
};

std::expected<ParsedLayer, std::string> read_layer(const std::string& path, const std::string& label, std::int64_t order,
                                                   const Accounts& accounts) {
  const auto text = read_file(path);
  if (!text) return std::unexpected(text.error());
  auto parsed = parse_layer(label, *text, accounts);
  if (parsed) parsed->layer.order = order;
  return parsed;
}

DirectoryLayers read_layers(const std::string& path, const Accounts& accounts, bool find_all) {
  DirectoryLayers result;
  Walk walk(find_all, [&](const std::string& file, const std::string& label, std::int64_t order) {
    auto parsed = read_layer(file, label, order, accounts);
    if (!parsed) return walk.refuse(std::move(parsed.error()));
    result.warnings.insert(result.warnings.end(), parsed->warnings.begin(), parsed->warnings.end());
    result.layers.push_back(std::make_shared<const Layer>(std::move(parsed->layer)));
  });
  walk.through(path);
  result.problems = std::move(walk.problems);
  return result;
}

}  // namespace

std::expected<DirectoryLayers, std::string> read_layers_directory(const std::string& path, const Accounts& accounts) {
  DirectoryLayers read = read_layers(path, accounts, false);
  if (!read.problems.empty()) return std::unexpected(std::move(read.problems.front()));
  return read;
}

DirectoryLayers examine_layers_directory(const std::string& path, const Accounts& accounts) {
  return read_layers(path, accounts, true);
}

LayerPaths layer_paths(const std::string& path) {
  LayerPaths result;
  Walk walk(true, [&](const std::string& file, const std::string&, std::int64_t) { result.paths.push_back(file); });
  walk.through(path);
  result.problems = std::move(walk.problems);
  return result;
}

}  // namespace cobble::layers
