#include "support/golden.hpp"

#include <hdf5.h>

#include <stdexcept>

namespace reprise::test {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error("golden file: " + what);
}

hid_t checked(hid_t id, const std::string& what) {
  if (id < 0) fail("cannot open " + what);
  return id;
}

}  // namespace

GoldenFile::GoldenFile(const std::string& name)
    : file_(checked(H5Fopen((std::string(REPRISE_FIXTURES "/golden/") + name).c_str(),
                            H5F_ACC_RDONLY, H5P_DEFAULT),
                    name)) {}

GoldenFile::~GoldenFile() {
  H5Fclose(file_);
}

GoldenArray GoldenFile::array(const std::string& path) const {
  const hid_t dataset = checked(H5Dopen2(file_, path.c_str(), H5P_DEFAULT), path);
  const hid_t space = H5Dget_space(dataset);
  std::vector<hsize_t> sizes(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space)));
  H5Sget_simple_extent_dims(space, sizes.data(), nullptr);
  GoldenArray array{{sizes.begin(), sizes.end()}, {}};
  array.values.resize(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
  const herr_t status =
      H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, array.values.data());
  H5Sclose(space);
  H5Dclose(dataset);
  if (status < 0) fail("cannot read " + path);
  return array;
}

std::vector<std::string> GoldenFile::names(const std::string& path) const {
  const hid_t group = checked(H5Gopen2(file_, path.c_str(), H5P_DEFAULT), path);
  std::vector<std::string> names;
  const auto collect = [](hid_t, const char* name, const H5L_info_t*, void* into) -> herr_t {
    static_cast<std::vector<std::string>*>(into)->emplace_back(name);
    return 0;
  };
  hsize_t start = 0;
  H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &start, collect, &names);
  H5Gclose(group);
  return names;
}

long long GoldenFile::integer(const std::string& path, const std::string& attribute) const {
  const hid_t id = checked(
      H5Aopen_by_name(file_, path.c_str(), attribute.c_str(), H5P_DEFAULT, H5P_DEFAULT), attribute);
  long long value = 0;
  const herr_t status = H5Aread(id, H5T_NATIVE_LLONG, &value);
  H5Aclose(id);
  if (status < 0) fail("cannot read " + attribute);
  return value;
}

std::string GoldenFile::text(const std::string& path, const std::string& attribute) const {
  const hid_t id = checked(
      H5Aopen_by_name(file_, path.c_str(), attribute.c_str(), H5P_DEFAULT, H5P_DEFAULT), attribute);
  const hid_t type = H5Aget_type(id);
  std::string value;
  if (H5Tis_variable_str(type) > 0) {
    char* read = nullptr;
    if (H5Aread(id, type, &read) < 0) fail("cannot read " + attribute);
    value = read;
    H5free_memory(read);
  } else {
    value.resize(H5Tget_size(type));
    if (H5Aread(id, type, value.data()) < 0) fail("cannot read " + attribute);
    value = value.c_str();
  }
  H5Tclose(type);
  H5Aclose(id);
  return value;
}

}  // namespace reprise::test
