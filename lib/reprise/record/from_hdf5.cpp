// Reads a record from an HDF5 file in memory. Files come from outside: nothing in them is trusted.
#include <cstring>
#include <optional>
#include <type_traits>

#include "reprise/core/error.hpp"
#include "reprise/record/hdf5.hpp"
#include "reprise/record/hdf5_image.hpp"

namespace reprise::details {
namespace {

using hdf5::check;
using hdf5::Handle;

constexpr int kDeepest = 16;             // groups in groups: links may go in circles
constexpr hsize_t kMostDeflated = 1032;  // deflate packs no better than 1032 to 1

template <class T>
hid_t memory_type() {
  if constexpr (std::is_same_v<T, float>) return H5T_NATIVE_FLOAT;
  if constexpr (std::is_same_v<T, double>) return H5T_NATIVE_DOUBLE;
  if constexpr (std::is_same_v<T, std::uint8_t>) return H5T_NATIVE_UINT8;
  if constexpr (std::is_same_v<T, std::uint32_t>) return H5T_NATIVE_UINT32;
  if constexpr (std::is_same_v<T, std::int64_t>) return H5T_NATIVE_INT64;
}

/// An empty vector of the elements that an HDF5 type stands for; nothing if records have no such.
std::optional<DatasetValues> empty_values(hid_t type) {
  const H5T_class_t kind = H5Tget_class(type);
  const std::size_t size = H5Tget_size(type);
  if (kind == H5T_STRING && H5Tis_variable_str(type) > 0) return std::vector<std::string>();
  if (kind == H5T_FLOAT && size == 4) return std::vector<float>();
  if (kind == H5T_FLOAT && size == 8) return std::vector<double>();
  if (kind != H5T_INTEGER) return std::nullopt;
  const bool is_signed = H5Tget_sign(type) == H5T_SGN_2;
  if (!is_signed && size == 1) return std::vector<std::uint8_t>();
  if (!is_signed && size == 4) return std::vector<std::uint32_t>();
  if (is_signed && size == 8) return std::vector<std::int64_t>();
  return std::nullopt;
}

/// Texts as HDF5 hands them out, to be given back to it.
class Texts {
 public:
  Texts(std::size_t count, hid_t type, hid_t space)
      : pointers_(count, nullptr), type_(type), space_(space) {}
  Texts(const Texts&) = delete;
  Texts& operator=(const Texts&) = delete;
  ~Texts() { H5Dvlen_reclaim(type_, space_, H5P_DEFAULT, pointers_.data()); }

  char** data() { return pointers_.data(); }
  [[nodiscard]] std::vector<std::string> copy() const {
    std::vector<std::string> texts;
    for (const char* text : pointers_) texts.emplace_back(text == nullptr ? "" : text);
    return texts;
  }

 private:
  std::vector<char*> pointers_;
  hid_t type_, space_;
};

class Reader {
 public:
  explicit Reader(std::string where) : where_(std::move(where)) {}

  Group group(hid_t id, const std::string& path, int depth) {
    if (depth > kDeepest) refuse("/", "groups in groups without end");
    Group group;
    group.attributes = attributes(id, path, false);
    for (const std::string& name : links(id, path)) {
      const Handle object(H5Oopen(id, name.c_str(), H5P_DEFAULT), H5Oclose);
      const std::string inner = path + "/" + name;
      const H5I_type_t kind = H5Iget_type(object);
      if (kind == H5I_GROUP) {
        group.groups.emplace(name, this->group(object, inner, depth + 1));
      } else if (kind != H5I_DATASET) {
        refuse(inner, "neither a group nor a dataset");
      } else if (!is_bare_scale(object)) {
        group.datasets.emplace(name, dataset(object, inner, name));
      }
    }
    return group;
  }

 private:
  [[noreturn]] void refuse(const std::string& path, const std::string& what) const {
    throw Error(where_, "no record: " + path + ": " + what, "what save_record writes");
  }

  std::vector<std::string> links(hid_t id, const std::string& path) const {
    H5G_info_t info;
    check(H5Gget_info(id, &info));
    std::vector<std::string> names;
    for (hsize_t i = 0; i < info.nlinks; ++i) {
      const auto name_by_index = [&](char* into, std::size_t size) {
        return static_cast<std::size_t>(check(
            H5Lget_name_by_idx(id, ".", H5_INDEX_NAME, H5_ITER_INC, i, into, size, H5P_DEFAULT)));
      };
      std::string name(name_by_index(nullptr, 0), '\0');
      name_by_index(name.data(), name.size() + 1);
      H5L_info_t link;
      check(H5Lget_info(id, name.c_str(), &link, H5P_DEFAULT));
      if (link.type != H5L_TYPE_HARD) refuse(path + "/" + name, "a link to elsewhere");
      names.push_back(std::move(name));
    }
    return names;
  }

  Attributes attributes(hid_t id, const std::string& path, bool of_dataset) const {
    std::vector<std::string> names;
    const auto collect = [](hid_t, const char* name, const H5A_info_t*, void* into) -> herr_t {
      static_cast<std::vector<std::string>*>(into)->emplace_back(name);
      return 0;
    };
    check(H5Aiterate2(id, H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &names));
    Attributes values;
    for (const std::string& name : names) {
      if (of_dataset && is_reserved(name)) continue;
      values.emplace(name, attribute(id, path, name));
    }
    return values;
  }

  AttributeValue attribute(hid_t object, const std::string& path, const std::string& name) const {
    const Handle id(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose);
    const Handle type(H5Aget_type(id), H5Tclose);
    const Handle space(H5Aget_space(id), H5Sclose);
    const auto values = empty_values(type);
    if (H5Sget_simple_extent_type(space) == H5S_SCALAR && values) {
      if (std::holds_alternative<std::vector<std::int64_t>>(*values)) {
        std::int64_t value = 0;
        check(H5Aread(id, H5T_NATIVE_INT64, &value));
        return value;
      }
      if (std::holds_alternative<std::vector<double>>(*values)) {
        double value = 0;
        check(H5Aread(id, H5T_NATIVE_DOUBLE, &value));
        return value;
      }
      if (std::holds_alternative<std::vector<std::string>>(*values)) {
        Texts texts(1, text_type_, space);
        check(H5Aread(id, text_type_, texts.data()));
        return texts.copy().front();
      }
    }
    refuse(path + "@" + name, "an attribute of a type that records do not have");
  }

  Dataset dataset(hid_t id, const std::string& path, const std::string& name) const {
    const Handle type(H5Dget_type(id), H5Tclose);
    const Handle space(H5Dget_space(id), H5Sclose);
    auto values = empty_values(type);
    if (!values || H5Sget_simple_extent_type(space) == H5S_NULL) {
      refuse(path, "a type that records do not have");
    }
    const auto count = static_cast<hsize_t>(check(H5Sget_simple_extent_npoints(space)));
    if (count / kMostDeflated > H5Dget_storage_size(id)) refuse(path, "more values than it holds");

    std::vector<hsize_t> sizes(static_cast<std::size_t>(check(H5Sget_simple_extent_ndims(space))));
    check(H5Sget_simple_extent_dims(space, sizes.data(), nullptr));
    Dataset dataset{{sizes.begin(), sizes.end()}, std::move(*values), {}};
    std::visit([&](auto& v) { read(id, space, static_cast<std::size_t>(count), v); },
               dataset.values);
    dataset.dimensions = axis_names(id, path, name, sizes.size());
    dataset.attributes = attributes(id, path, true);
    return dataset;
  }

  template <class T>
  void read(hid_t id, hid_t, std::size_t count, std::vector<T>& values) const {
    values.resize(count);
    if (count == 0) return;
    check(H5Dread(id, memory_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()));
  }

  void read(hid_t id, hid_t space, std::size_t count, std::vector<std::string>& values) const {
    if (count == 0) return;
    Texts texts(count, text_type_, space);
    check(H5Dread(id, text_type_, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts.data()));
    values = texts.copy();
  }

  std::vector<std::string> axis_names(hid_t id, const std::string& path, const std::string& name,
                                      std::size_t rank) const {
    if (H5DSis_scale(id) > 0) {
      if (rank != 1) refuse(path, "a scale with other than one axis");
      return {name};
    }
    const auto take = [](hid_t, unsigned, hid_t scale, void* into) -> herr_t {
      H5Iinc_ref(scale);
      *static_cast<hid_t*>(into) = scale;
      return 1;  // the first will do
    };
    std::vector<std::string> names;
    for (unsigned axis = 0; axis < rank; ++axis) {
      hid_t scale = H5I_INVALID_HID;
      check(H5DSiterate_scales(id, axis, nullptr, take, &scale));
      if (scale < 0) refuse(path, "axis " + std::to_string(axis) + " has no name");
      names.push_back(axis_name(Handle(scale, H5Dclose), path));
    }
    return names;
  }

  /// A scale's axis: kept in an attribute, or, if the scale is a dataset of the record, its name.
  std::string axis_name(hid_t scale, const std::string& path) const {
    if (!is_bare_scale(scale)) return scale_name(scale);
    const AttributeValue name = attribute(scale, path, kAxisAttribute);
    if (!std::holds_alternative<std::string>(name)) refuse(path, "an axis' name is not text");
    return std::get<std::string>(name);
  }

  static std::string scale_name(hid_t scale) {
    std::string name(static_cast<std::size_t>(check(H5DSget_scale_name(scale, nullptr, 0))), '\0');
    check(H5DSget_scale_name(scale, name.data(), name.size() + 1));
    return name;
  }

  static bool is_bare_scale(hid_t dataset) {
    return H5DSis_scale(dataset) > 0 && scale_name(dataset).starts_with(kNoVariable);
  }

  std::string where_;
  Handle text_type_ = hdf5::text_type();
};

Handle open_image(std::span<const std::byte> image) {
  const Handle access = hdf5::property_list(H5P_FILE_ACCESS);
  check(H5Pset_fapl_core(access, image.size() + 1, false));
  // HDF5 copies the image.
  check(H5Pset_file_image(access, const_cast<std::byte*>(image.data()), image.size()));
  return {H5Fopen("record", H5F_ACC_RDONLY, access), H5Fclose};
}

}  // namespace

std::optional<std::uint64_t> announced_size(std::span<const std::byte> bytes) {
  constexpr std::size_t version_at = 8;
  constexpr std::size_t offset_size_at = 9;
  constexpr std::size_t end_at = 28;
  if (bytes.size() < end_at + 8) return std::nullopt;
  const auto version = std::to_integer<int>(bytes[version_at]);
  const bool wide = std::to_integer<int>(bytes[offset_size_at]) == 8;
  if ((version != 2 && version != 3) || !wide) return std::nullopt;
  std::uint64_t end = 0;
  std::memcpy(&end, bytes.data() + end_at,
              sizeof end);  // core/digest.cpp: little-endian hosts only
  return end;
}

Record from_hdf5(std::span<const std::byte> image, const std::string& where) try {
  const hdf5::Silence silence;
  const Handle file = open_image(image);
  return Reader(where).group(file, "", 0);
} catch (const hdf5::Failure& failure) {
  throw Error(where, std::string("damaged or truncated: ") + failure.what(), "a whole record");
}

}  // namespace reprise::details
