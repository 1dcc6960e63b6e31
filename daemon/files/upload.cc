#include "daemon/files/upload.h"

#include "daemon/files/make_dirs.h"
#include "daemon/files/media_type.h"
#include "daemon/files/path.h"
#include "layers/quote.h"

namespace cobble::files {

using Event = MultipartParser::Event;

Upload::Upload(std::string_view boundary, std::function<void(const std::string&)> on_file)
    : parser_(boundary), on_file_(std::move(on_file)) {}

void Upload::fail(std::string message) {
  error_ = base::Error{400, std::move(message), {}};
  finished_ = true;
  file_.reset();
}

void Upload::proceed(std::size_t count) {
  if (count == 0) {
    parser_.ended();
  } else {
    parser_.took(count);
  }
  while (!finished_) {
    const Event event = parser_.next();
    if (event == Event::need_bytes) return;
    handle(event);
  }
}

void Upload::handle(Event event) {
  switch (event) {
    case Event::need_bytes:
      return;
    case Event::part:
      return begin_part();
    case Event::content:
      if (in_metadata_) {
        if (metadata_.size() + parser_.content().size() > max_metadata) return fail("cannot read request metadata: too large");
        metadata_ += parser_.content();
      } else if (file_) {
        if (auto written = file_->write(parser_.content()); !written) settle(std::move(written));
      }
      return;
    case Event::part_end:
      if (in_metadata_) return take_metadata();
      return finish_file();
    case Event::end:
      if (!have_metadata_) return fail("cannot read request metadata: multipart: NextPart: EOF");
      finished_ = true;
      return;
    case Event::error:
      // Metadata cut short is judged by what there is of it.
      if (in_metadata_) take_metadata();
      if (finished_) return;
      if (!have_metadata_) return fail("cannot read request metadata: " + parser_.error());
      return fail("cannot read file part " + std::to_string(in_file_ ? parts_ - 1 : parts_) + ": " + parser_.error());
  }
}

void Upload::begin_part() {
  const auto disposition = parse_media_type(parser_.disposition());
  const bool is_form_data = disposition && disposition->type == "form-data";
  const std::string name(is_form_data ? disposition->parameter("name") : std::string_view());
  if (!have_metadata_) return begin_metadata(name);
  if (name != "files") return fail("field name must be \"files\", got " + layers::quote(name));
  ++parts_;
  in_file_ = true;
  begin_file(std::string(disposition->parameter("filename")));
}

void Upload::begin_metadata(const std::string& name) {
  if (name != "request") return fail("metadata field name must be \"request\", got " + layers::quote(name));
  in_metadata_ = true;
}

void Upload::take_metadata() {
  in_metadata_ = false;
  have_metadata_ = true;
  auto request = parse_files_request(metadata_);
  metadata_ = {};
  if (!request) return fail("cannot decode request metadata: " + request.error());
  if (request->action != "write") return fail("multipart action must be \"write\", got " + layers::quote(request->action));
  if (request->files.empty()) return fail("must specify one or more files");
  items_ = std::move(request->files);
  for (std::size_t i = 0; i < items_.size(); ++i) by_path_[items_[i].path] = i;
}

void Upload::begin_file(const std::string& path) {
  const auto known = by_path_.find(path);
  if (known == by_path_.end()) return fail("no metadata for path " + layers::quote(path));
  on_file_(path);
  path_ = path;
  if (auto opened = open_file(items_[known->second]); !opened) settle(std::move(opened));
}

base::Result<void> Upload::open_file(const Item& item) {
  if (!item.path.starts_with('/')) return std::unexpected(not_absolute(item.path));
  const auto owner = resolve_owner(item.owner);
  if (!owner) return std::unexpected(owner.error());
  if (item.make_dirs) {
    if (auto made = make_directory(directory_of(item.path), true, parent_mode, *owner); !made) {
      made.error().message.insert(0, "cannot create directory: ");
      return made;
    }
  }
  const auto mode = parse_permissions(item.permissions, default_mode);
  if (!mode) return std::unexpected(mode.error());
  auto file = AtomicFile::create(item.path);
  if (!file) return std::unexpected(file.error());
  file_.emplace(std::move(*file));
  mode_ = *mode;
  owner_ = *owner;
  return {};
}

void Upload::finish_file() {
  if (file_) settle(file_->commit(mode_, owner_));
  in_file_ = false;
}

/// The file's outcome is known; what still comes of its part is passed over.
void Upload::settle(base::Result<void> result) {
  file_.reset();
  outcomes_[path_] = result ? std::nullopt : std::optional(std::move(result.error()));
}

std::vector<PathResult> Upload::results() const {
  std::vector<PathResult> results;
  for (const Item& item : items_) {
    const auto outcome = outcomes_.find(item.path);
    results.push_back({item.path, outcome != outcomes_.end()
                                      ? outcome->second
                                      : generic_error("no file content for path " + layers::quote(item.path))});
  }
  return results;
}

}  // namespace cobble::files
