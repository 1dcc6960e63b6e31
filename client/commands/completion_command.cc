#include <algorithm>

#include "client/commands/context.h"
#include "client/commands/line_completion.h"
#include "client/commands/shell_completion.h"
#include "client/commands/table_of_commands.h"
#include "layers/quote.h"

namespace cobble::client {
namespace {

constexpr Positional completion_positionals[] = {{.name = "<shell>", .refers_to = Refers::shells},
                                                 {.name = "<word>", .required = false, .list = true}};

/// The line behind a name in a list of names.
std::string state_of(const ServiceInfo& service) {
  return service.current;
}
std::string state_of(const CheckInfo& check) {
  return check.status;
}

template <typename Item>
std::vector<Candidate> named(const Result<std::vector<Item>>& items) {
  std::vector<Candidate> candidates;
  if (!items) return candidates;
  for (const Item& item : *items) candidates.push_back({item.name, state_of(item)});
  return candidates;
}

/// The names that the server knows; none if it cannot be asked, since a person waits at a prompt.
std::vector<Candidate> ask_names(Client& client, Refers refers_to) {
  std::vector<Candidate> candidates;
  if (refers_to == Refers::services) return named(client.services({}));
  if (refers_to == Refers::checks) return named(client.checks({}, {}));
  if (refers_to == Refers::identities) {
    if (const auto identities = client.identities())
      for (const auto& [name, identity] : *identities) candidates.push_back({name, identity.access});
  }
  if (refers_to == Refers::changes) {
    if (const auto changes = client.changes({}))
      for (const Change& change : *changes) candidates.push_back({change.id, change.summary});
  }
  return candidates;
}

/// Prints what the last of `words` could become, a line each: the word, a tab, what it means. `:files` for names of files.
void print_candidates(Context& context, const Names& words) {
  LineCompletion completion = complete_line(all_commands(), words);
  if (completion.names == Refers::files) {
    context.print(":files\n");
  } else if (completion.names != Refers::nothing) {
    context.client().set_patient(false);
    for (Candidate& name : ask_names(context.client(), completion.names)) {
      name.word.insert(0, completion.prefix);
      if (name.word.starts_with(words.back())) completion.words.push_back(std::move(name));
    }
  }
  std::string text;
  for (const Candidate& candidate : completion.words) {
    std::string line = candidate.word + "\t" + candidate.help;
    std::ranges::replace(line, '\n', ' ');
    text += line + "\n";
  }
  context.print(text);
}

Result<int> completion(Context& context, const Arguments& arguments) {
  const std::string shell = arguments.positional(0);
  if (std::ranges::find(shells, shell) == std::end(shells))
    return fail("no completion for shell " + layers::quote(shell) + ": try bash, zsh or fish");
  if (const Names words = arguments.rest(1); !words.empty()) {
    print_candidates(context, words);
  } else {
    context.print(shell_completion(shell));
  }
  return 0;
}

}  // namespace

const Command completion_command{
    .name = "completion",
    .summary = "Print a completion script for a shell",
    .description =
        "The completion command prints a script that teaches bash, zsh or fish to complete commands, options and their values, "
        "and "
        "the names of services, checks, identities and changes that the server knows.\n\n"
        "bash: source <(pebble completion bash)\n"
        "zsh: source <(pebble completion zsh)\n"
        "fish: pebble completion fish | source\n\n"
        "With words it prints what the last one of them could become, as these scripts ask it: a line each, with the meaning "
        "behind "
        "a tab; :files stands for the names of files.",
    .category = Category::more,
    .positionals = completion_positionals,
    .run = completion,
};

}  // namespace cobble::client
