#include "client/commands/shell_completion.h"

#include "client/commands/names.h"

namespace cobble::client {
namespace {

// A line that is `:files` asks for the shell's own completion of file names; the others are
// a word, a tab, and what it means.

constexpr std::string_view bash_script = R"(# Completion of PROGRAM for bash: source <(PROGRAM completion bash)
_PROGRAM() {
  local -a words=()
  local i line word last
  # A "=" is a word of its own here, what belongs together is joined again.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if ((${#words[@]})) && { [[ $word == "=" ]] || [[ ${COMP_WORDS[i-1]} == "=" ]]; }; then
      words[${#words[@]}-1]+=$word
    else
      words+=("$word")
    fi
  done
  last=${words[${#words[@]}-1]}
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      compopt -o default
      continue
    fi
    word=${line%%$'\t'*}
    [[ $last == --*=* ]] && word=${word#*=}
    printf -v word %q "$word"
    COMPREPLY+=("$word")
  done < <("$1" completion bash -- "${words[@]}" 2>/dev/null)
}
complete -F _PROGRAM PROGRAM
)";

constexpr std::string_view zsh_script = R"(#compdef PROGRAM
# Completion of PROGRAM for zsh: source <(PROGRAM completion zsh)
_PROGRAM() {
  local -a found
  local line word
  for line in "${(@f)$("${words[1]}" completion zsh -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == :files ]]; then
      _files
      continue
    fi
    [[ -z $line ]] && continue
    word=${line%%$'\t'*}
    found+=("${word//:/\\:}:${line#*$'\t'}")
  done
  (( $#found )) && _describe PROGRAM found
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _PROGRAM "$@"
else
  compdef _PROGRAM PROGRAM
fi
)";

constexpr std::string_view fish_script = R"(# Completion of PROGRAM for fish: PROGRAM completion fish | source
function __PROGRAM_complete
  set -l words (commandline -opc)
  set -l last (commandline -ct)
  for line in (command $words[1] completion fish -- $words[2..] "$last" 2>/dev/null)
    if test "$line" = :files
      __fish_complete_path (string replace -r '^--[^=]*=' '' -- "$last")
    else
      echo $line
    end
  end
end
complete -c PROGRAM -f -a '(__PROGRAM_complete)'
)";

/// The script with the program's name in its places.
std::string with_name(std::string_view script) {
  static constexpr std::string_view place = "PROGRAM";
  std::string text(script);
  for (std::size_t at = 0; (at = text.find(place, at)) != std::string::npos; at += program_name.size())
    text.replace(at, place.size(), program_name);
  return text;
}

}  // namespace

std::string shell_completion(std::string_view shell) {
  if (shell == "zsh") return with_name(zsh_script);
  return with_name(shell == "fish" ? fish_script : bash_script);
}

}  // namespace cobble::client
