# Completion of the command reprise in bash. The command itself says what there is: subcommands by
# `reprise --help=options`, options, algorithms, models and the like by `reprise train --help=options`.

_reprise() {
  local command=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ] || { [ "$COMP_CWORD" -eq 2 ] && [ "$before" = help ]; }; then
    mapfile -t COMPREPLY < <(compgen -W "$("$command" --help=options 2>/dev/null)" -- "$word")
    return
  fi
  # bash takes "--conv-algorithm=fft" apart at "=".
  if [ "$word" = = ]; then
    word=
  elif [ "$before" = = ] && [ "$COMP_CWORD" -gt 2 ]; then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  local name form choices options= values= takes_value=no
  while read -r name form choices; do
    case $name in
      --*) options+=" $name" ;;
      *)
        [ "$takes_value" = yes ] || values="$form $choices" # operands
        continue
        ;;
    esac
    if [ "$name" = "$before" ] && [ "$form" != - ]; then
      takes_value=yes values=$choices
      # Items of a list, of which the last is being written.
      if [ "$form" = LIST ] && [[ $word == *,* ]]; then
        local head=${word%,*} item
        values=
        for item in $choices; do values+=" $head,$item"; done
      fi
    fi
  done < <("$command" "${COMP_WORDS[1]}" --help=options 2>/dev/null)
  if [[ $word == -* ]] && [ $takes_value = no ]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -W "$values" -- "$word")
  fi
}

# Where nothing of the command's own fits: files.
complete -o bashdefault -o default -F _reprise reprise
