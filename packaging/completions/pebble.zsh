#compdef pebble
# Completion of pebble for zsh.
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
  local -a words_found
  words_found=(${(f)"$(_pebble_words "${(@)words[2,CURRENT]}")"})
  compadd -a words_found || _files
}
compdef _pebble pebble
