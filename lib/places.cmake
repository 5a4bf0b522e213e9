# Where programs and data are, installed and in the folder of a build: bin/reprise is the command,
# libexec/reprise has the programs that it starts, share/reprise the data that they need. Programs
# look from where they are themselves; nothing else of the place is compiled in.

set(REPRISE_PROGRAM_DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/reprise)
set(REPRISE_DATA_DESTINATION ${CMAKE_INSTALL_DATADIR}/reprise)
file(RELATIVE_PATH REPRISE_PROGRAMS_FROM_COMMAND
     ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBEXECDIR}/reprise)
file(RELATIVE_PATH REPRISE_DATA_FROM_PROGRAM
     ${CMAKE_INSTALL_FULL_LIBEXECDIR}/reprise ${CMAKE_INSTALL_FULL_DATADIR}/reprise)

# reprise_data(NAME folder): installs a folder of the source as share/reprise/NAME, and puts a link
# to it there in the build.
function(reprise_data name folder)
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/share/reprise)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${folder} ${PROJECT_BINARY_DIR}/share/reprise/${name} SYMBOLIC)
  if(REPRISE_INSTALL)
    install(DIRECTORY ${folder}/ DESTINATION ${REPRISE_DATA_DESTINATION}/${name} COMPONENT programs)
  endif()
endfunction()

# reprise_licence(component package): installs the licence with a component, in the folder for the package's
# documents: no two Debian packages may own the same path.
function(reprise_licence component package)
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE
          DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/${package} COMPONENT ${component})
endfunction()

# reprise_program(TARGET folder): installs a program that the command starts, which is in that folder
# of the build, with a link to it where the command looks.
function(reprise_program target folder)
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/libexec/reprise)
  file(CREATE_LINK ../../${folder}/${target} ${PROJECT_BINARY_DIR}/libexec/reprise/${target} SYMBOLIC)
  reprise_install_program(${target} ${CMAKE_INSTALL_LIBEXECDIR}/reprise)
endfunction()

# reprise_install_program(TARGET destination): with the way from there to the shared libraries.
function(reprise_install_program target destination)
  file(RELATIVE_PATH libraries ${CMAKE_INSTALL_PREFIX}/${destination} ${CMAKE_INSTALL_FULL_LIBDIR})
  set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN/${libraries}")
  if(REPRISE_INSTALL)
    install(TARGETS ${target} RUNTIME DESTINATION ${destination} COMPONENT programs)
  endif()
endfunction()

if(REPRISE_BUILD_PROGRAMS AND NOT REPRISE_PORTABLE_ONLY)
  reprise_data(studies experiments/studies)
  reprise_data(settings experiments/settings)
  reprise_data(shapes fixtures/shapes)
  reprise_data(fashion-mnist fixtures/fashion-mnist)
  if(REPRISE_INSTALL)
    # The README as it is installed: without pictures of, and links to, folders that are not.
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/README.md)
    file(READ ${PROJECT_SOURCE_DIR}/README.md readme)
    string(REGEX REPLACE "!\\[[^]]*\\]\\([^)]*\\)\n" "" readme "${readme}")
    string(REGEX REPLACE "\\[([^]]*)\\]\\((lib|reports|experiments)/[^)]*\\)" "\\1" readme "${readme}")
    file(WRITE ${PROJECT_BINARY_DIR}/installed/README.md "${readme}")
    install(FILES LICENSE ${PROJECT_BINARY_DIR}/installed/README.md CHANGELOG.md CITATION.cff CONTRIBUTING.md SECURITY.md
            DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT programs)
    install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT programs
            FILES_MATCHING PATTERN "*.md" PATTERN "*.svg")
  endif()
endif()
