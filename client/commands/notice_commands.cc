#include <algorithm>
#include <optional>

#include "client/commands/context.h"
#include "client/commands/interrupt.h"
#include "client/commands/names.h"
#include "client/commands/table.h"
#include "client/commands/table_of_commands.h"
#include "client/commands/when.h"
#include "layers/duration.h"
#include "layers/quote.h"

namespace cobble::client {
namespace {

constexpr Option notices_options[] = {
    abs_time_option,
    format_option,
    {.long_name = "users",
     .help = "The only value is 'all': list the notices of all users (administrators only).",
     .takes = Takes::text},
    {.long_name = "uid", .help = "List the notices of this user (administrators only).", .takes = Takes::uint32},
    {.long_name = "type", .help = "List only notices of this type; may be repeated.", .takes = Takes::texts},
    {.long_name = "key", .help = "List only notices of this key; may be repeated.", .takes = Takes::texts},
    {.long_name = "timeout", .help = "If there is no notice, wait this long for one.", .takes = Takes::duration},
};
constexpr Option notice_options[] = {
    format_option,
    {.long_name = "uid", .help = "Look for a notice of this user (administrators only).", .takes = Takes::uint32},
};
constexpr Option notify_options[] = {
    {.long_name = "repeat-after", .help = "Do not repeat the notice before this much time has passed.", .takes = Takes::duration},
};
constexpr Option okay_options[] = {{.long_name = "warnings", .help = "Only for warnings, not for other notices."}};
constexpr Positional notice_positionals[] = {{.name = "<id-or-type>"}, {.name = "<key>", .required = false}};
constexpr Positional notify_positionals[] = {{.name = "<key>"}, {.name = "<name=value>", .required = false, .list = true}};

/// A key with its middle left out if it is longer than 32 bytes.
std::string short_key(const std::string& key) {
  constexpr std::size_t limit = 32;
  constexpr std::size_t head = 14;
  constexpr std::size_t tail = 15;
  if (key.size() <= limit) return key;
  return key.substr(0, head) + "..." + key.substr(key.size() - tail);
}

std::string notices_table(const std::vector<Notice>& notices, bool absolute) {
  Table table;
  table.add({"ID", "User", "Type", "Key", "First", "Repeated", "Occurrences"});
  for (const Notice& notice : notices) {
    table.add({notice.id, notice.user_id ? std::to_string(*notice.user_id) : "public", notice.type, short_key(notice.key),
               show_time(notice.first_occurred, absolute), show_time(notice.last_repeated, absolute),
               std::to_string(notice.occurrences)});
  }
  return table.text();
}

Result<int> notices(Context& context, const Arguments& arguments) {
  auto seen = context.seen();
  if (!seen) {
    context.note("WARNING: " + seen.error().message + "\n");
    seen = SeenTimes();
  }
  NoticeFilter filter{
      arguments.text("users"),      arguments.integer("uid"), arguments.texts("type"), arguments.texts("key"), std::nullopt,
      arguments.duration("timeout")};
  if (!seen->notices_last_okayed.is_zero()) filter.after = seen->notices_last_okayed;
  std::optional<Interrupt> interrupt;
  if (filter.timeout.count() != 0) {
    interrupt.emplace();
    context.client().set_interrupt(interrupt->fd());
  }
  const auto list = context.client().notices(filter);
  context.client().set_interrupt(-1);
  if (!list) return std::unexpected(list.error());
  if (!list->empty()) {
    seen->notices_last_listed = list->back().last_repeated;
    if (auto kept = context.keep_seen(*seen); !kept) return std::unexpected(kept.error());
  }
  Value::List items;
  for (const Notice& notice : *list) items.push_back(to_value(notice));
  if (context.print_formatted(arguments, Value::Fields{{"notices", std::move(items)}})) return 0;
  if (list->empty()) {
    const bool waited = filter.timeout.count() != 0;
    context.note(waited ? "No matching notices after waiting " + layers::format_duration(filter.timeout) + ".\n"
                        : "No matching notices.\n");
    return 0;
  }
  context.print(notices_table(*list, arguments.given("abs-time")));
  return 0;
}

Result<Notice> find_by_key(Client& client, const std::string& type, const std::string& key, std::optional<std::int64_t> user_id) {
  NoticeFilter filter;
  filter.types = {type};
  filter.keys = {key};
  filter.user_id = user_id;
  auto list = client.notices(filter);
  if (!list) return std::unexpected(list.error());
  if (list->empty()) return fail("cannot find " + type + " notice with key " + layers::quote(key));
  const auto owned = std::ranges::find_if(*list, [](const Notice& notice) { return notice.user_id.has_value(); });
  return owned != list->end() ? std::move(*owned) : std::move(list->front());
}

Result<Notice> find_notice(Client& client, const Arguments& arguments) {
  const std::string id = arguments.positional(0);
  const std::string key = arguments.positional(1);
  if (!key.empty()) return find_by_key(client, id, key, arguments.integer("uid"));
  if (arguments.given("uid")) return fail("cannot use --uid option when looking up notice by key");
  if (id.empty() || id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") != std::string::npos) {
    return fail("invalid notice ID " + layers::quote(id));
  }
  return client.notice(id);
}

Result<int> notice(Context& context, const Arguments& arguments) {
  const auto found = find_notice(context.client(), arguments);
  if (!found) return std::unexpected(found.error());
  const Value value = to_value(*found);
  if (!context.print_formatted(arguments, value)) context.print(to_yaml(value));
  return 0;
}

Result<int> notify(Context& context, const Arguments& arguments) {
  NewNotice notice{"custom", arguments.positional(0), arguments.duration("repeat-after"), {}};
  for (const std::string& word : arguments.rest(1)) {
    const auto equals = word.find('=');
    if (equals == std::string::npos) return fail("data args must be in \"name=value\" format, not " + layers::quote(word));
    notice.data[word.substr(0, equals)] = word.substr(equals + 1);
  }
  const auto id = context.client().notify(notice);
  if (!id) return std::unexpected(id.error());
  context.print("Recorded notice " + *id + "\n");
  return 0;
}

Result<int> okay(Context& context, const Arguments& arguments) {
  auto seen = context.seen();
  if (!seen) return std::unexpected(seen.error());
  const bool only_warnings = arguments.given("warnings");
  const std::string program(program_name);
  if (seen->warnings_last_listed.is_zero() && (only_warnings || seen->notices_last_listed.is_zero())) {
    return fail(only_warnings
                    ? "no warnings have been listed; try '" + program + " warnings'"
                    : "no notices or warnings have been listed; try '" + program + " notices' or '" + program + " warnings'");
  }
  if (!seen->warnings_last_listed.is_zero()) seen->warnings_last_okayed = seen->warnings_last_listed;
  if (!only_warnings && !seen->notices_last_listed.is_zero()) seen->notices_last_okayed = seen->notices_last_listed;
  if (auto kept = context.keep_seen(*seen); !kept) return std::unexpected(kept.error());
  return 0;
}

}  // namespace

const Command notices_command{
    .name = "notices",
    .summary = "List notices",
    .description =
        "The notices command lists the notices that have not been okayed yet, the oldest first. After it, the okay command "
        "silences what it has "
        "listed.",
    .category = Category::notices,
    .options = notices_options,
    .run = notices,
};

const Command notice_command{
    .name = "notice",
    .summary = "Show one notice",
    .description = "The notice command shows one notice as YAML: by its ID, or by its type and key.",
    .category = Category::notices,
    .options = notice_options,
    .positionals = notice_positionals,
    .run = notice,
};

const Command notify_command{
    .name = "notify",
    .summary = "Record a notice of your own",
    .description =
        "The notify command records an occurrence of a notice of type \"custom\". Its key has the form example.com/path; data "
        "may be added as "
        "words name=value.",
    .category = Category::notices,
    .options = notify_options,
    .positionals = notify_positionals,
    .run = notify,
};

const Command okay_command{
    .name = "okay",
    .summary = "Silence the notices and warnings that were listed",
    .description =
        "The okay command marks the notices and warnings that were listed last as seen, so that they are not listed again until "
        "they repeat.",
    .category = Category::notices,
    .options = okay_options,
    .run = okay,
};

}  // namespace cobble::client
