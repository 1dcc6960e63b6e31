#include "daemon/state/state_image.h"

#include <algorithm>

#include "daemon/base/json_writer.h"
#include "daemon/state/state_document.h"

namespace cobble::state {

namespace {

constexpr std::size_t block_size = 32;

void append_key(std::string& out, const std::string& id) {
  base::append_json_string(out, id);
  out += ':';
}

}  // namespace

void StateImage::apply(const Effects& effects) {
  for (const std::string& id : effects.changed) {
    entries_[id].change.reset();
    dirty_.insert(id);
  }
  for (const auto& [id, position] : effects.changed_tasks) {
    Entry& entry = entries_[id];
    const std::size_t block = position / block_size;
    if (entry.blocks.size() <= block) entry.blocks.resize(block + 1);
    entry.blocks[block].reset();
    dirty_.insert(id);
  }
  for (const std::string& id : effects.removed) {
    entries_.erase(id);
    dirty_.erase(id);
  }
}

void StateImage::refresh(const std::string& id, Entry& entry, const ChangeBook& book) {
  if (!entry.change) {
    std::string text;
    append_key(text, id);
    append_change_record(text, *book.find_change(id));
    entry.change = make_piece(std::move(text));
  }
  const std::size_t count = book.task_count(id);
  entry.blocks.resize((count + block_size - 1) / block_size);
  for (std::size_t block = 0; block < entry.blocks.size(); ++block) {
    if (entry.blocks[block]) continue;
    std::string text;
    for (std::size_t i = block * block_size; i < std::min(count, (block + 1) * block_size); ++i) {
      const TaskRecord& task = *book.task_at(id, i);
      if (!text.empty()) text += ',';
      append_key(text, task.id);
      append_task_record(text, task);
    }
    entry.blocks[block] = make_piece(std::move(text));
  }
}

Pieces StateImage::compose(const RecordData& data, const ChangeBook& book, const NoticeBook& notices, WallTime now) {
  for (const std::string& id : dirty_) refresh(id, entries_[id], book);
  dirty_.clear();

  base::JsonWriter head;
  head.begin_object();
  for (const auto& [key, text] : data) head.raw_field(key, text);
  head.end_object();
  Pieces pieces{make_piece("{\"data\":" + head.text() + ",\"changes\":{")};
  CommaList changes(pieces);
  for (const auto& [id, entry] : entries_) changes.add(entry.change);

  pieces.push_back(make_piece("},\"tasks\":{"));
  CommaList tasks(pieces);
  for (const auto& [id, entry] : entries_) {
    for (const Piece& block : entry.blocks) tasks.add(block);
  }

  Pieces noted = notices.pieces(now);
  std::string tail = "}";
  if (!noted.empty()) {
    pieces.push_back(make_piece("},\"notices\":["));
    pieces.insert(pieces.end(), noted.begin(), noted.end());
    tail = "]";
  }
  tail += ",\"last-change-id\":" + std::to_string(book.counters().change);
  tail += ",\"last-task-id\":" + std::to_string(book.counters().task);
  tail += ",\"last-lane-id\":" + std::to_string(book.counters().lane);
  tail += ",\"last-notice-id\":" + std::to_string(notices.last_id()) + '}';
  pieces.push_back(make_piece(std::move(tail)));
  return pieces;
}

}  // namespace cobble::state
