# The program that reads records without rights. What it is made of is a library too, for tests and
# fuzzing in one process.

file(GLOB reader_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/reprise/record_file/reader/*.cpp)
list(FILTER reader_sources EXCLUDE REGEX "/main\\.cpp$")
add_library(reprise_record_reading STATIC ${reader_sources})
reprise_compile_together(reprise_record_reading)

# UndefinedBehaviorSanitizer asks whether it may read a virtual table by opening a pipe, which a
# process without rights cannot, and then takes every table for a broken one. Linked after
# reprise_flags, so that its option comes last.
add_library(reprise_without_vptr INTERFACE)
if(REPRISE_SANITIZE)
  target_compile_options(reprise_without_vptr INTERFACE -fno-sanitize=vptr)
endif()

# HDF5's shared library depends on thirty others, which take longer to load than a record to read;
# the static one, which Debian packages with it, needs three.
get_filename_component(hdf5_folder "${HDF5_C_LIBRARY_hdf5}" DIRECTORY)
find_library(REPRISE_HDF5_STATIC libhdf5.a HINTS "${hdf5_folder}")
find_library(REPRISE_HDF5_HL_STATIC libhdf5_hl.a HINTS "${hdf5_folder}")
set(reader_hdf5 hdf5::hdf5_hl HDF5::HDF5)
set(reader_rpath INSTALL_RPATH_USE_LINK_PATH TRUE)
reprise_part(STATIC_HDF5 "HDF5's static library in the program that reads records")
if(REPRISE_HDF5_STATIC AND REPRISE_HDF5_HL_STATIC)
  set(static_hdf5 ${REPRISE_HDF5_HL_STATIC} ${REPRISE_HDF5_STATIC} sz z m ${CMAKE_DL_LIBS})
  include(CheckCSourceCompiles)
  set(CMAKE_REQUIRED_INCLUDES ${HDF5_C_INCLUDE_DIRS})
  set(CMAKE_REQUIRED_LIBRARIES ${static_hdf5})
  check_c_source_compiles("#include <hdf5.h>\nint main(void) { return H5open(); }"
                          REPRISE_HDF5_STATIC_LINKS)
  unset(CMAKE_REQUIRED_INCLUDES)
  unset(CMAKE_REQUIRED_LIBRARIES)
endif()
set(found NO)
if(REPRISE_HDF5_STATIC_LINKS)
  set(found YES)
endif()
reprise_have(STATIC_HDF5 ${found} "libhdf5.a and libhdf5_hl.a that link with sz and z (Debian: libhdf5-dev)")
if(REPRISE_HAVE_STATIC_HDF5)
  set(reader_hdf5 ${static_hdf5})
  set(reader_rpath SKIP_BUILD_RPATH TRUE)  # it would be searched for every library
endif()

# It shares no library with anybody: a shared one of the records' would bring HDF5's shared one along.
set(reader_record reprise_record_file)
if(BUILD_SHARED_LIBS)
  set(reader_record reprise_record_in_reader)
  get_target_property(sources reprise_core SOURCES)
  get_target_property(record_sources reprise_record SOURCES)
  get_target_property(file_sources reprise_record_file SOURCES)
  add_library(reprise_record_in_reader STATIC ${sources} ${record_sources} ${file_sources})
  target_include_directories(reprise_record_in_reader PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}
                             SYSTEM PRIVATE ${HDF5_C_INCLUDE_DIRS})
  target_link_libraries(reprise_record_in_reader PUBLIC xtensor
    PRIVATE ${parallel_library} OpenSSL::Crypto tomlplusplus::tomlplusplus fmt::fmt ${reader_hdf5} ${CMAKE_DL_LIBS} reprise_flags)
endif()
target_include_directories(reprise_record_reading SYSTEM PRIVATE ${HDF5_C_INCLUDE_DIRS})
# HDF5 goes first: reprise_record_file names the shared one, which the linker then leaves out.
target_link_libraries(reprise_record_reading
  PRIVATE ${reader_hdf5} PUBLIC ${reader_record} PRIVATE PkgConfig::seccomp reprise_flags reprise_without_vptr)

add_executable(reprise_record_reader ${CMAKE_CURRENT_SOURCE_DIR}/reprise/record_file/reader/main.cpp)
add_executable(reprise::record_reader ALIAS reprise_record_reader)
target_link_libraries(reprise_record_reader
  PRIVATE reprise_record_reading reprise_flags reprise_without_vptr)
target_link_options(reprise_record_reader PRIVATE -Wl,--as-needed -static-libgcc)
set_target_properties(reprise_record_reader PROPERTIES EXPORT_NAME record_reader ${reader_rpath})
include(copy_record_reader.cmake)
