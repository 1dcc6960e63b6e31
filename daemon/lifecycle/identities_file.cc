#include "daemon/lifecycle/identities_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "daemon/base/error.h"
#include "daemon/base/fd.h"
#include "daemon/base/json_writer.h"
#include "layers/identities_file.h"

namespace cobble::lifecycle {

namespace {

constexpr std::size_t file_limit = 16 * 1024 * 1024;

std::expected<std::string, std::string> read_file(const std::string& path) {
  const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::unexpected("open " + path + ": " + base::errno_text(errno));
  std::string text;
  std::array<char, 16 * 1024> buffer;
  ssize_t count = 0;
  while ((count = ::read(fd.get(), buffer.data(), buffer.size())) > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > file_limit) return std::unexpected("read " + path + ": " + base::errno_text(EFBIG));
  }
  if (count < 0) return std::unexpected("read " + path + ": " + base::errno_text(errno));
  return text;
}

void write_entry(base::JsonWriter& json, const layers::IdentityEntry& entry) {
  json.begin_object();
  json.field("access", entry.access);
  if (entry.local) {
    json.key("local");
    json.begin_object();
    if (entry.user_id) json.field("user-id", *entry.user_id);
    json.end_object();
  }
  if (entry.password) {
    json.key("basic");
    json.begin_object();
    json.field("password", *entry.password);
    json.end_object();
  }
  if (entry.pem) {
    json.key("cert");
    json.begin_object();
    json.field("pem", *entry.pem);
    json.end_object();
  }
  json.end_object();
}

}  // namespace

std::expected<std::string, std::string> identities_request(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return std::unexpected("cannot read identities: " + text.error());
  const auto entries = layers::parse_identities_file(*text);
  if (!entries) return std::unexpected("cannot read identities: " + entries.error());
  base::JsonWriter json;
  json.begin_object();
  json.field("action", "replace");
  json.key("identities");
  json.begin_object();
  for (const auto& [name, entry] : *entries) {
    json.key(name);
    if (entry) {
      write_entry(json, *entry);
    } else {
      json.null();
    }
  }
  json.end_object();
  json.end_object();
  return json.take();
}

}  // namespace cobble::lifecycle
