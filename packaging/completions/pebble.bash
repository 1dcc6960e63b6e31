# Completion of pebble for bash: source <(pebble completion bash)
_pebble() {
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
complete -F _pebble pebble
