# ONNX's definitions for protobuf, to write models for other runtimes. ONNX's CMake package does not
# find protobuf for its targets, so that the files are looked for.
reprise_part(ONNX "ONNX as a format that models are exported in")
find_path(ONNX_INCLUDE_DIR onnx/onnx_pb.h)
find_library(ONNX_PROTO_LIBRARY onnx_proto)
find_library(PROTOBUF_LIBRARY protobuf)
pkg_check_modules(onnx_protobuf QUIET protobuf>=3.21)
set(found NO)
if(ONNX_INCLUDE_DIR AND ONNX_PROTO_LIBRARY AND PROTOBUF_LIBRARY AND onnx_protobuf_FOUND)
  file(STRINGS ${ONNX_INCLUDE_DIR}/onnx/common/version.h line REGEX "LAST_RELEASE_VERSION")
  string(REGEX REPLACE ".*\"(.*)\".*" "\\1" version "${line}")
  if(version VERSION_GREATER_EQUAL 1.12)
    set(found YES)
  endif()
endif()
reprise_have(ONNX ${found}
  "onnx/onnx_pb.h, libonnx_proto of ONNX 1.12 and libprotobuf 3.21, or later (Debian: libonnx-dev, libprotobuf-dev)")
