#compdef pebble
# Completion of pebble for zsh: source <(pebble completion zsh)
_pebble() {
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
  (( $#found )) && _describe pebble found
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _pebble "$@"
else
  compdef _pebble pebble
fi
