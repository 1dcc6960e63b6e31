#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/state/change_book.h"
#include "daemon/state/records.h"

/// The text of the state file (contract 03 section 6.2): pure functions between text and records.
namespace cobble::state {

/// What a state file says.
struct Document {
  RecordData data;
  std::vector<ChangeRecord> changes;
  std::vector<TaskRecord> tasks;
  std::vector<Notice> notices;
  Counters counters;
  std::int64_t last_notice_id = 0;
  std::optional<std::string> legacy_identities;  ///< JSON text of the top-level object that older files have
};

/// The version of the format that is written; files of a newer one are refused.
constexpr std::int64_t patch_level = 2;

/// Reads a state file. Missing parts are empty; text after the document is ignored. The error is the reference's reason (contract
/// 03 section 6.4), without `cannot read state: `.
std::expected<Document, std::string> parse_document(std::string_view text);

/// Brings a document of an older format up to date and fills in what every file has (contract 03 sections 6.4 and 9.3). What is
/// worth a line in the log is appended to `log`. An error for a format newer than ours: the file must be left alone.
std::expected<void, std::string> upgrade_document(Document& document, WallTime now, std::vector<std::string>& log);

/// Appends `{…}`, a change as the state file has it.
void append_change_record(std::string& out, const ChangeRecord& change);
/// Appends `{…}`, a task as the state file has it.
void append_task_record(std::string& out, const TaskRecord& task);

}  // namespace cobble::state
