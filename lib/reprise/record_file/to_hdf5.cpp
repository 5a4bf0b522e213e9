// Writes a record as an HDF5 file in memory.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <set>
#include <type_traits>

#include "reprise/core/error.hpp"
#include "reprise/record_file/hdf5.hpp"
#include "reprise/record_file/hdf5_image.hpp"
#include "reprise/record_file/superblock.hpp"

namespace reprise::details {
namespace {

using hdf5::check;
using hdf5::Handle;

/// Integers that take as much are compressed, in bytes. Floats are not: what a network learns packs
/// by a seventh, at a tenth of the speed.
constexpr std::size_t kCompressedFrom = std::size_t{1} << 16;

Handle scalar_space() {
  return {H5Screate(H5S_SCALAR), H5Sclose};
}

Handle space_of(const std::vector<std::size_t>& shape) {
  if (shape.empty()) return scalar_space();
  const std::vector<hsize_t> sizes(shape.begin(), shape.end());
  return {H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr), H5Sclose};
}

/// netCDF-4 lists links and attributes in the order in which they were made.
constexpr unsigned kOrdered = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;

/// No object times: they would differ from run to run.
Handle object_properties(hid_t kind) {
  Handle properties = hdf5::property_list(kind);
  check(H5Pset_obj_track_times(properties, false));
  check(H5Pset_attr_creation_order(properties, kOrdered));
  return properties;
}

Handle group_properties(hid_t kind) {
  Handle properties = object_properties(kind);
  check(H5Pset_link_creation_order(properties, kOrdered));
  return properties;
}

/// Large arrays of integers are cut into chunks along their first axis, shuffled and deflated.
template <class T>
Handle array_properties(const std::vector<std::size_t>& shape, Compression compression) {
  Handle properties = object_properties(H5P_DATASET_CREATE);
  if (!std::is_integral_v<T> || compression == Compression::no) return properties;
  std::size_t row_bytes = sizeof(T);
  for (std::size_t axis = 1; axis < shape.size(); ++axis) row_bytes *= shape[axis];
  const std::size_t rows = shape.empty() ? 1 : shape[0];
  if (rows * row_bytes < kCompressedFrom || row_bytes > kMaxChunk) return properties;
  std::vector<hsize_t> chunk(shape.begin(), shape.end());
  chunk[0] = std::min(rows, kMaxChunk / row_bytes);
  check(H5Pset_chunk(properties, static_cast<int>(chunk.size()), chunk.data()));
  check(H5Pset_shuffle(properties));
  check(H5Pset_deflate(properties, 4));
  return properties;
}

/// An axis name with a size: what one dimension scale serves.
using Axis = std::pair<std::string, std::size_t>;

struct Scale {
  std::string link;            ///< the scale's name in the group
  bool is_coordinate = false;  ///< a dataset of the record, not one made to be a scale
  int netcdf_id = 0;           ///< unique in the file
};

/// Whether a dataset is its own axis' scale.
bool is_coordinate(const std::string& name, const Dataset& dataset) {
  return dataset.shape.size() == 1 && dataset.dimensions[0] == name;
}

class Writer {
 public:
  Writer(Compression compression, AxisNames axis_names)
      : compression_(compression), axis_names_(axis_names) {
    check(H5Pset_char_encoding(link_properties_, H5T_CSET_UTF8));
    check(H5Pset_char_encoding(attribute_properties_, H5T_CSET_UTF8));
  }

  /// Writes into an HDF5 group that has nothing yet.
  void group(hid_t location, const Group& group, const Attributes& attributes) {
    for (const auto& [name, value] : attributes) attribute(location, name, value);
    const std::map<Axis, Scale> scales = plan_scales(group);
    std::map<std::string, Handle> opened;
    for (const auto& [axis, scale] : scales) {
      if (!scale.is_coordinate) opened.emplace(scale.link, bare_scale(location, axis, scale));
    }
    for (const auto& [name, data] : group.datasets) {
      const auto written = opened.emplace(name, dataset(location, name, data)).first;
      if (axis_names_ == AxisNames::yes && is_coordinate(name, data)) {
        make_scale(written->second, name, scales.at({name, data.shape[0]}));
      }
    }
    for (const auto& [name, data] : group.datasets) {
      if (axis_names_ == AxisNames::no || is_coordinate(name, data)) continue;
      for (std::size_t axis = 0; axis < data.shape.size(); ++axis) {
        const Scale& scale = scales.at({data.dimensions[axis], data.shape[axis]});
        check(
            H5DSattach_scale(opened.at(name), opened.at(scale.link), static_cast<unsigned>(axis)));
      }
    }
    for (const auto& [name, inner] : group.groups) {
      const Handle created(
          H5Gcreate2(location, name.c_str(), link_properties_, group_properties_, H5P_DEFAULT),
          H5Gclose);
      this->group(created, inner, inner.attributes);
    }
  }

 private:
  /// A scale for each axis of the group's datasets, with names that nothing else there has.
  std::map<Axis, Scale> plan_scales(const Group& group) {
    std::map<Axis, Scale> scales;
    if (axis_names_ == AxisNames::no) return scales;
    std::set<std::string> taken;
    for (const auto& [name, inner] : group.groups) taken.insert(name);
    for (const auto& [name, data] : group.datasets) {
      taken.insert(name);
      for (std::size_t axis = 0; axis < data.shape.size(); ++axis) {
        scales[{data.dimensions[axis], data.shape[axis]}];
      }
    }
    for (auto& [axis, scale] : scales) {
      const auto& [name, size] = axis;
      const auto own = group.datasets.find(name);
      scale.netcdf_id = next_netcdf_id_++;
      scale.is_coordinate = own != group.datasets.end() && is_coordinate(name, own->second) &&
                            own->second.shape[0] == size;
      scale.link = name;
      if (scale.is_coordinate) continue;
      if (taken.count(name) > 0) scale.link.append("_").append(std::to_string(size));
      while (!taken.insert(scale.link).second) scale.link += "_";
    }
    return scales;
  }

  void attribute(hid_t object, const std::string& name, const AttributeValue& value) {
    if (const auto* text = std::get_if<std::string>(&value)) {
      const char* data = text->c_str();
      attribute(object, name, text_type_, text_type_, &data);
    } else if (const auto* real = std::get_if<double>(&value)) {
      number(object, name, *real);
    } else {
      number(object, name, std::get<std::int64_t>(value));
    }
  }

  template <class T>
  void number(hid_t object, const std::string& name, const T& value) {
    attribute(object, name, hdf5::file_type<T>(), hdf5::memory_type<T>(), &value);
  }

  void attribute(hid_t object, const std::string& name, hid_t type, hid_t memory_type,
                 const void* data) {
    const Handle created(
        H5Acreate2(object, name.c_str(), type, scalar_space(), attribute_properties_, H5P_DEFAULT),
        H5Aclose);
    check(H5Awrite(created, memory_type, data));
  }

  Handle dataset(hid_t location, const std::string& name, const Dataset& data) {
    Handle created = std::visit(
        [&](const auto& values) { return array(location, name, data.shape, values); }, data.values);
    for (const auto& [key, value] : data.attributes) {
      if (is_reserved(key)) throw Error(name + "@" + key, "HDF5 needs this name", "another");
      attribute(created, key, value);
    }
    return created;
  }

  template <class T>
  Handle array(hid_t location, const std::string& name, const std::vector<std::size_t>& shape,
               const std::vector<T>& values) {
    return array(location, name, shape, hdf5::file_type<T>(), hdf5::memory_type<T>(),
                 array_properties<T>(shape, compression_),
                 values.empty() ? nullptr : values.data());
  }

  Handle array(hid_t location, const std::string& name, const std::vector<std::size_t>& shape,
               const std::vector<std::string>& values) {
    std::vector<const char*> texts;
    for (const std::string& text : values) texts.push_back(text.c_str());
    return array(location, name, shape, text_type_, text_type_,
                 object_properties(H5P_DATASET_CREATE), texts.empty() ? nullptr : texts.data());
  }

  /// No values are written if `data` is null.
  Handle array(hid_t location, const std::string& name, const std::vector<std::size_t>& shape,
               hid_t type, hid_t memory_type, hid_t properties, const void* data) {
    Handle created(H5Dcreate2(location, name.c_str(), type, space_of(shape), link_properties_,
                              properties, H5P_DEFAULT),
                   H5Dclose);
    if (data != nullptr) check(H5Dwrite(created, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data));
    return created;
  }

  /// A scale that no dataset of the record is, in netCDF-4's form.
  Handle bare_scale(hid_t location, const Axis& axis, const Scale& scale) {
    const std::vector<std::uint8_t> zeros(axis.second);  // h5diff takes issue with unwritten ones
    Handle created = array(location, scale.link, {axis.second}, zeros);
    char size[32];
    std::snprintf(size, sizeof size, "%10zu", axis.second);
    make_scale(created, kNoVariable + std::string(size), scale);
    attribute(created, kAxisAttribute, axis.first);
    return created;
  }

  void make_scale(hid_t dataset, const std::string& name, const Scale& scale) {
    check(H5DSset_scale(dataset, name.c_str()));
    attribute(dataset, "_Netcdf4Dimid", H5T_STD_I32LE, H5T_NATIVE_INT32, &scale.netcdf_id);
  }

  Handle text_type_ = hdf5::text_type();
  Handle link_properties_ = hdf5::property_list(H5P_LINK_CREATE);
  Handle attribute_properties_ = hdf5::property_list(H5P_ATTRIBUTE_CREATE);
  Handle group_properties_ = group_properties(H5P_GROUP_CREATE);
  int next_netcdf_id_ = 0;
  Compression compression_;
  AxisNames axis_names_;
};

/// HDF5's core driver keeps its file in `memory`, where it stays when the file is closed; it may be
/// larger than the file. (H5Fget_file_image is no way to it: HDF5 1.10.8 gives the superblock a
/// wrong checksum there, issue 1915 of HDFGroup/hdf5.)
H5FD_file_image_callbacks_t keep_in(std::vector<std::byte>& memory) {
  H5FD_file_image_callbacks_t callbacks{};
  callbacks.udata = &memory;
  callbacks.udata_copy = [](void* udata) { return udata; };
  callbacks.udata_free = [](void*) -> herr_t { return 0; };
  callbacks.image_free = [](void*, H5FD_file_image_op_t, void*) -> herr_t { return 0; };
  callbacks.image_realloc = [](void*, std::size_t size, H5FD_file_image_op_t,
                               void* udata) -> void* {
    auto& kept = *static_cast<std::vector<std::byte>*>(udata);
    try {
      kept.resize(size);
    } catch (const std::exception&) {
      return nullptr;  // HDF5 reports it
    }
    return kept.data();
  };
  return callbacks;
}

/// A new file in memory, in the format of HDF5 1.8 and later, whose object headers carry checksums.
Handle create_in(std::vector<std::byte>& memory) {
  constexpr std::size_t growth = std::size_t{1} << 20;  // bytes
  const Handle access = hdf5::property_list(H5P_FILE_ACCESS);
  H5FD_file_image_callbacks_t callbacks = keep_in(memory);
  check(H5Pset_fapl_core(access, growth, false));
  check(H5Pset_file_image_callbacks(access, &callbacks));
  check(H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18));
  return {H5Fcreate("record", H5F_ACC_TRUNC, group_properties(H5P_FILE_CREATE), access), H5Fclose};
}

}  // namespace

std::string library_version() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(release);
}

std::vector<std::byte> to_hdf5(const Record& record, const Attributes& root_attributes,
                               const std::string& where, Compression compression,
                               AxisNames axis_names) try {
  const hdf5::Silence silence;
  std::vector<std::byte> image;
  {
    Handle file = create_in(image);
    Writer(compression, axis_names).group(file, record, root_attributes);
    file.close();
  }
  image.resize(static_cast<std::size_t>(announced_size(image)));
  return image;
} catch (const hdf5::Failure& failure) {
  throw Error(where, std::string("HDF5 cannot keep this record: ") + failure.what(), "");
}

}  // namespace reprise::details
