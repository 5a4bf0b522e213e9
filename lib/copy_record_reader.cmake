# reprise_copy_record_reader(TARGET): for a program outside that loads records. It puts
# reprise_record_reader, which reads them, beside the program, where the library looks for it.
function(reprise_copy_record_reader target)
  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND ${CMAKE_COMMAND} -E copy_if_different
            $<TARGET_FILE:reprise::record_reader> $<TARGET_FILE_DIR:${target}>/reprise_record_reader
    VERBATIM)
endfunction()
