# Completion of pebble for fish: pebble completion fish | source
function __pebble_complete
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
complete -c pebble -f -a '(__pebble_complete)'
