#include "daemon/api/download.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <random>

#include "daemon/base/blocking.h"
#include "daemon/base/log.h"
#include "layers/form_data.h"

namespace cobble::api {

namespace {

constexpr std::size_t first_step = 64 * 1024;
constexpr std::uint64_t file_step = 16 * 1024 * 1024;

std::string random_boundary() {
  std::array<unsigned char, 30> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    std::random_device device;
    std::ranges::generate(bytes, [&] { return static_cast<unsigned char>(device()); });
  }
  std::string text;
  for (const unsigned byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

}  // namespace

void log_transfer(const access::RequestUser& user, std::string_view event, std::string_view verb, std::string_view path) {
  std::string name = user.text();
  if (name.empty()) name = "<unknown>";
  base::log_security("WARN", "authz_admin:" + name + "," + std::string(event), std::string(verb) + " file " + std::string(path));
}

Download::Download(std::vector<std::string> paths, access::RequestUser user)
    : paths_(std::move(paths)), user_(std::move(user)), boundary_(random_boundary()) {}

std::string Download::part_head(std::string_view disposition, std::string_view content_type) {
  std::string head = line_end_ + "--" + boundary_ + "\r\nContent-Disposition: form-data; name=";
  head.append(disposition).append("\r\nContent-Type: ").append(content_type).append("\r\n\r\n");
  line_end_ = "\r\n";
  return head;
}

Task<void> Download::send(BodyWriter& out) {
  for (const std::string& path : paths_) {
    if (!co_await send_file(out, path)) co_return;
  }
  std::string last = part_head("\"response\"", "application/json");
  last += sync_response(files::results_json(results_)).body;
  last += "\n\r\n--" + boundary_ + "--\r\n";
  co_await out.write(last);
}

Task<bool> Download::send_file(BodyWriter& out, const std::string& path) {
  log_transfer(user_, "pull_file", "Pulling", path);
  // Shared with the pool, where it may be in use when this coroutine is already gone.
  auto opened = co_await base::blocking([path] {
    auto file = files::SourceFile::open(path);
    return file ? base::Result<std::shared_ptr<files::SourceFile>>(std::make_shared<files::SourceFile>(std::move(*file)))
                : std::unexpected(file.error());
  });
  files::PathResult& result = results_.emplace_back(path);
  if (!opened) {
    result.error = opened.error();
    co_return true;
  }
  const bool sent = co_await send_content(out, *opened);
  result.error = (*opened)->error();
  co_return sent;
}

Task<bool> Download::send_content(BodyWriter& out, std::shared_ptr<files::SourceFile> file) {
  const std::string head =
      part_head("\"files\"; filename=\"" + layers::escape_file_name(results_.back().path) + "\"", "application/octet-stream");
  if (!co_await out.write(head)) co_return false;
  while (!file->at_end()) {
    // What the file's size promises goes the short way; its end is where read says so, whatever the size was.
    const std::uint64_t left = co_await base::blocking([file] { return file->left(); });
    if (left > first_step) {
      const std::uint64_t count = std::min(left, file_step);
      if (!co_await out.send_file(file->descriptor(), count)) co_return false;
      file->passed(count);
      continue;
    }
    const std::string bytes = co_await base::blocking([file] { return file->read(first_step); });
    if (!bytes.empty() && !co_await out.write(bytes)) co_return false;
  }
  co_return true;
}

}  // namespace cobble::api
