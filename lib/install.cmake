# The library's package for projects outside: find_package(reprise), target reprise::reprise.

include(internal_headers.cmake)
file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}
     ${CMAKE_CURRENT_SOURCE_DIR}/reprise/*.hpp)
list(FILTER headers EXCLUDE REGEX "-inl\\.hpp$")
foreach(header ${REPRISE_INTERNAL_HEADERS})
  if(NOT header MATCHES "/$")
    set(header "${header}.hpp")
  endif()
  list(FILTER headers EXCLUDE REGEX "^reprise/${header}")
endforeach()
foreach(header ${headers})
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/${folder} COMPONENT development)
endforeach()

install(TARGETS reprise EXPORT reprise-targets)
reprise_licence(library libreprise)
reprise_licence(development libreprise-dev)
install(TARGETS reprise_record_reader EXPORT reprise-targets
        DESTINATION ${REPRISE_PROGRAM_DESTINATION} COMPONENT library)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/reprise)
install(EXPORT reprise-targets NAMESPACE reprise:: DESTINATION ${package} COMPONENT development)
configure_package_config_file(reprise-config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/reprise-config.cmake
  INSTALL_DESTINATION ${package})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/reprise-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/reprise-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/reprise-config-version.cmake
              copy_record_reader.cmake
        DESTINATION ${package} COMPONENT development)
