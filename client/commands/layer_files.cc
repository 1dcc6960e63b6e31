#include "client/commands/layer_files.h"

#include <sys/stat.h>

#include "client/commands/local_file.h"

namespace cobble::client {
namespace {

/// The label of a layer in a file: its name without the ending and without the number in front.
std::string label_of(const std::string& path) {
  std::string name = path.substr(path.rfind('/') + 1);
  if (const auto dot = name.rfind('.'); dot != std::string::npos && dot > 0) name.erase(dot);
  const auto digits = name.find_first_not_of("0123456789");
  if (digits != std::string::npos && digits > 0 && name[digits] == '-') name.erase(0, digits + 1);
  return name;
}

bool is_directory(const std::string& path) {
  struct stat info{};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace

Result<layers::DirectoryLayers> read_layers(const std::string& path, const layers::Accounts& accounts) {
  if (is_directory(path)) {
    auto read = layers::read_layers_directory(path, accounts);
    if (!read) return fail(path + ": " + read.error());
    return std::move(*read);
  }
  const auto text = read_local_file(path);
  if (!text) return fail(text.error().message);
  auto parsed = layers::parse_layer(label_of(path), *text, accounts);
  if (!parsed) return fail(path + ": " + parsed.error());
  return layers::DirectoryLayers{
      {std::make_shared<const layers::Layer>(std::move(parsed->layer))}, std::move(parsed->warnings), {}};
}

std::vector<FileFault> find_faults(const std::string& path, const layers::Accounts& accounts) {
  std::vector<std::string> files = {path};
  std::vector<FileFault> faults;
  if (is_directory(path)) {
    auto listed = layers::layer_paths(path);
    for (std::string& problem : listed.problems) faults.push_back({path, {0, 0, std::move(problem)}});
    files = std::move(listed.paths);
  }
  for (const std::string& file : files) {
    const auto text = read_local_file(file);
    if (!text) {
      faults.push_back({file, {0, 0, text.error().message}});
      continue;
    }
    for (layers::Fault& fault : layers::find_faults(label_of(file), *text, accounts)) faults.push_back({file, std::move(fault)});
  }
  return faults;
}

}  // namespace cobble::client
