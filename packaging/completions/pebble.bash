# Completion of pebble for bash.
_pebble_names() {
  local socket="${PEBBLE_SOCKET:-${PEBBLE:-/var/lib/pebble/default}/.pebble.socket}"
  [ -S "$socket" ] && pebble "$1" 2>/dev/null | sed -e 1d -e 's/ .*//'
}
_pebble_words() {
  GO_FLAGS_COMPLETION=1 pebble "$@"
  case "$1" in
    services|logs|start|restart|signal|stop|changes) [ $# -gt 1 ] && _pebble_names services ;;
    checks|check|start-checks|stop-checks|health) [ $# -gt 1 ] && _pebble_names checks ;;
  esac
}
_pebble() {
  local IFS=$'\n'
  COMPREPLY=($(compgen -W "$(_pebble_words "${COMP_WORDS[@]:1:COMP_CWORD}")" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _pebble pebble
