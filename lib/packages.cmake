# Debian packages: cmake --preset package, build, then cpack -G DEB in the folder of the build.
#   libreprise      shared libraries, and the program that reads records for them
#   libreprise-dev  headers, CMake package, and what a project outside links
#   reprise         the command, its programs, data, manual pages, completion
#   reprise-openmpi, reprise-mpich    runs on several ranks, where these were found
#   python3-reprise the Python module, where it is built

set(CPACK_PACKAGE_NAME reprise)
set(CPACK_PACKAGE_VENDOR "The Reprise developers")
set(CPACK_PACKAGE_CONTACT "The Reprise developers")
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL library development programs)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_COMPONENT_DEVELOPMENT_DEPENDS library)
set(CPACK_COMPONENT_PROGRAMS_DEPENDS library)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Its own libraries are no package's yet.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/lib)

set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "Reproducible experiments with convolutional networks: libraries")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libreprise)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS "libopenblas0")  # loaded at the first use of im2col_gemm

set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "Reproducible experiments with convolutional networks: headers")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libreprise-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libxtensor-dev")
if(NOT BUILD_SHARED_LIBS)  # whose archives name what they are linked with
  string(APPEND CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
         ", libtbb-dev, libssl-dev, zlib1g-dev, libtomlplusplus-dev, libfmt-dev, libhwy-dev, libhdf5-dev, pkg-config")
  if(REPRISE_HAVE_ONNX)
    string(APPEND CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS ", libonnx-dev, libprotobuf-dev")
  endif()
endif()

set(CPACK_COMPONENT_PROGRAMS_DESCRIPTION "Reproducible experiments with convolutional networks: programs")
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_NAME reprise)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_DEPENDS "gnuplot-nox | gnuplot")  # draws a report's figures
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_RECOMMENDS "dataset-fashion-mnist")  # the default data

# Runs on several ranks: a package for each MPI library, which a program loads when a launcher starts it.
foreach(name openmpi mpich)
  if(TARGET reprise_ranks_${name})
    string(TOUPPER ${name} component)
    list(APPEND CPACK_COMPONENTS_ALL ${name})
    set(CPACK_COMPONENT_${component}_DEPENDS programs)
    set(CPACK_COMPONENT_${component}_DESCRIPTION
        "Reproducible experiments with convolutional networks: several ranks by ${name}")
    set(CPACK_DEBIAN_${component}_PACKAGE_NAME reprise-${name})
    set(CPACK_DEBIAN_${component}_PACKAGE_SECTION science)
  endif()
endforeach()

if(TARGET reprise_python)
  list(APPEND CPACK_COMPONENTS_ALL python)
  set(CPACK_COMPONENT_PYTHON_DEPENDS library)  # which has what reads records
  set(CPACK_COMPONENT_PYTHON_DESCRIPTION "Reproducible experiments with convolutional networks: Python module")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_NAME python3-reprise)
  set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
  # Compiled for one minor version of Python.
  get_property(version GLOBAL PROPERTY REPRISE_PYTHON_VERSION)
  string(REPLACE "." ";" parts "${version}")
  list(GET parts 0 major)
  list(GET parts 1 minor)
  math(EXPR next "${minor} + 1")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS
      "python3 (>= ${major}.${minor}), python3 (<< ${major}.${next}), python3-numpy")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_SUGGESTS "python3-xarray, python3-matplotlib, dataset-fashion-mnist")
endif()

include(CPack)
