# The library's package for projects outside: find_package(reprise), target reprise::reprise.

# The headers that belong together with the sources of the library are not installed.
set(internal
  record/description record/details record/schema_rules record/toml_table
  record_file/reader/ record_file/hdf5 record_file/hdf5_image record_file/reader_process
  record_file/reader_program record_file/reading_limits record_file/record_stream record_file/superblock
  conv/conv_problem conv/direct/ conv/fft/ conv/im2col_gemm/ conv/onednn/ conv/winograd/
  core/file_descriptor core/manual_page core/parallel_backend data/dataset_folder
  exchange/formats exchange/incoming_weights exchange/npy exchange/tensor_places exchange/zip
  linalg/dispatch linalg/gemm_unpacked linalg/unroll nn/layer_convolution nn/models/chain nn/models/digit_codes
  pool/window run/rank_witness run/ranks_module run/toml_settings)
file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}
     ${CMAKE_CURRENT_SOURCE_DIR}/reprise/*.hpp)
list(FILTER headers EXCLUDE REGEX "-inl\\.hpp$")
foreach(header ${internal})
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
