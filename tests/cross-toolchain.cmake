# Cross-builds with Debian's g++ for another processor, against the packages that cross_sysroot
# unpacked into build/PROCESSOR-sysroot; runs programs under qemu. Wants
# -DREPRISE_PROCESSOR=aarch64, ppc64le, riscv64 or s390x.
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES REPRISE_PROCESSOR)
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${REPRISE_PROCESSOR})
string(REPLACE "ppc64le" "powerpc64le" triplet "${REPRISE_PROCESSOR}-linux-gnu")
set(CMAKE_LIBRARY_ARCHITECTURE ${triplet})
set(CMAKE_C_COMPILER ${triplet}-gcc)
set(CMAKE_CXX_COMPILER ${triplet}-g++)
get_filename_component(CMAKE_SYSROOT "${CMAKE_CURRENT_LIST_DIR}/../build/${REPRISE_PROCESSOR}-sysroot" ABSOLUTE)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-${REPRISE_PROCESSOR} -L "${CMAKE_SYSROOT}")

# Nothing of this machine but its programs.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${CMAKE_SYSROOT}")
set(ENV{PKG_CONFIG_LIBDIR} "${CMAKE_SYSROOT}/usr/lib/${triplet}/pkgconfig:${CMAKE_SYSROOT}/usr/share/pkgconfig")
# Debian has HDF5 and OpenBLAS in folders of their own, and this machine's h5cc tells this machine's.
set(CMAKE_INCLUDE_PATH /usr/include/hdf5/serial)
set(CMAKE_LIBRARY_PATH /usr/lib/${triplet}/hdf5/serial)
set(HDF5_C_COMPILER_EXECUTABLE "" CACHE FILEPATH "None, so that HDF5 is looked for")
set(OpenBLAS_DIR "${CMAKE_SYSROOT}/usr/lib/${triplet}/openblas-pthread/cmake/openblas" CACHE PATH "")
if(REPRISE_PROCESSOR STREQUAL "riscv64")
  # Packages of Debian 13 need newer C and C++ libraries than the cross compiler links: those that the
  # emulator loads. And g++ 12 calls a library for atomic bytes.
  set(CMAKE_EXE_LINKER_FLAGS_INIT -Wl,--allow-shlib-undefined)
  set(CMAKE_SHARED_LINKER_FLAGS_INIT -Wl,--allow-shlib-undefined)
  set(CMAKE_CXX_STANDARD_LIBRARIES -latomic)
endif()
