// Reads a record from an HDF5 file in memory. Files come from outside: nothing in them is trusted.
#include "reprise/record_file/reader/from_hdf5.hpp"

#include <array>
#include <cstdlib>
#include <exception>
#include <set>
#include <type_traits>

#include "reprise/record_file/hdf5.hpp"
#include "reprise/record_file/hdf5_image.hpp"

namespace reprise::details {
namespace {

using hdf5::check;
using hdf5::Handle;

constexpr std::uint64_t kMaxDeflated = 1032;  // deflate packs no better than 1032 to 1
constexpr std::uint64_t kTextReference = 16;  // bytes of a variable-length text's place in a file

const char* const kWhatIsExpected = "what save_record writes";

/// Memory for texts that HDF5 reads, as much as is allowed: a thousand places of a file may refer
/// to one long text.
class TextMemory {
 public:
  TextMemory(hid_t transfer, std::uint64_t allowed) : left_(allowed) {
    check(H5Pset_vlen_mem_manager(transfer, allocate, this, release, nullptr));
  }
  [[nodiscard]] bool exceeded() const { return exceeded_; }

 private:
  static void* allocate(std::size_t size, void* self) {
    auto& memory = *static_cast<TextMemory*>(self);
    if (size > memory.left_) {
      memory.exceeded_ = true;
      return nullptr;
    }
    memory.left_ -= size;
    return std::malloc(size);
  }
  static void release(void* memory, void* /*unused*/) { std::free(memory); }

  std::uint64_t left_;
  bool exceeded_ = false;
};

/// Texts as HDF5 hands them out, to be given back to it.
class Texts {
 public:
  Texts(std::size_t count, hid_t type, hid_t space, hid_t transfer)
      : pointers_(count, nullptr), type_(type), space_(space), transfer_(transfer) {}
  Texts(const Texts&) = delete;
  Texts& operator=(const Texts&) = delete;
  ~Texts() { H5Dvlen_reclaim(type_, space_, transfer_, pointers_.data()); }

  char** data() { return pointers_.data(); }
  [[nodiscard]] std::vector<std::string> copy() const {
    std::vector<std::string> texts;
    for (const char* text : pointers_) texts.emplace_back(text == nullptr ? "" : text);
    return texts;
  }

 private:
  std::vector<char*> pointers_;
  hid_t type_, space_, transfer_;
};

/// The names that HDF5 calls out one by one, no more than `most`.
struct Names {
  std::uint64_t most;
  std::vector<std::string> names{};
  bool too_many = false;
  std::string link_elsewhere{};

  /// For HDF5, which knows no exceptions: negative stops it.
  herr_t add(const char* name) {
    too_many = names.size() >= most;
    if (too_many) return -1;
    try {
      names.emplace_back(name);
    } catch (const std::exception&) {
      return -1;
    }
    return 0;
  }
};

class Reader {
 public:
  explicit Reader(const ReadingLimits& limits)
      : bytes_left_(limits.tree_bytes), objects_left_(limits.objects) {}

  Group group(hid_t id, const std::string& path, int depth) {
    if (depth > kDeepestGroup) refuse("/", "groups in groups without end");
    visit(id, path);
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
      } else {
        visit(object, inner);
        if (!is_bare_scale(object)) group.datasets.emplace(name, dataset(object, inner, name));
      }
    }
    return group;
  }

 private:
  [[noreturn]] static void refuse(const std::string& path, const std::string& what) {
    throw NoRecord("no record: " + path + ": " + what, kWhatIsExpected);
  }

  // ---- what has been read so far

  void count_objects(std::uint64_t count, const std::string& path) {
    if (count > objects_left_) refuse(path, "more objects than a file of this size may hold");
    objects_left_ -= count;
  }

  void count_bytes(std::uint64_t count, const std::string& path) {
    if (count > bytes_left_) refuse(path, "more values than a file of this size may hold");
    bytes_left_ -= count;
  }

  /// A tree: nothing is reached twice.
  void visit(hid_t id, const std::string& path) {
    H5O_info_t info;
    check(H5Oget_info2(id, &info, H5O_INFO_BASIC));
    if (info.rc != 1 || !visited_.insert(info.addr).second) {
      refuse(path, "linked to more than once");
    }
    count_objects(1, path);
  }

  // ---- names

  std::vector<std::string> links(hid_t id, const std::string& path) {
    Names found{objects_left_};
    const auto collect = [](hid_t, const char* name, const H5L_info_t* link, void* into) -> herr_t {
      auto& names = *static_cast<Names*>(into);
      const herr_t added = names.add(name);
      if (added < 0 || link->type == H5L_TYPE_HARD) return added;
      names.link_elsewhere.swap(names.names.back());
      return 1;
    };
    const herr_t result = H5Literate(id, H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &found);
    if (found.too_many) count_objects(found.most + 1, path);
    check(result);
    if (result > 0) refuse(path + "/" + found.link_elsewhere, "a link to elsewhere");
    return std::move(found.names);
  }

  Attributes attributes(hid_t id, const std::string& path, bool of_dataset) {
    Names found{objects_left_};
    const auto collect = [](hid_t, const char* name, const H5A_info_t*, void* into) -> herr_t {
      return static_cast<Names*>(into)->add(name);
    };
    const herr_t result = H5Aiterate2(id, H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &found);
    if (found.too_many) count_objects(found.most + 1, path);
    check(result);
    count_objects(found.names.size(), path);
    Attributes values;
    for (const std::string& name : found.names) {
      if (of_dataset && is_reserved(name)) continue;
      values.emplace(name, attribute(id, path, name));
    }
    return values;
  }

  // ---- types

  template <class T>
  static bool is(hid_t type) {
    return check(H5Tequal(type, hdf5::file_type<T>())) > 0;
  }

  /// An empty vector of the elements that an HDF5 type stands for. Types of other byte orders and
  /// widths, references, compounds, named types and the like are refused.
  DatasetValues empty_values(hid_t type, const std::string& path) const {
    if (check(H5Tcommitted(type)) == 0) {
      if (check(H5Tequal(type, text_type_)) > 0) return std::vector<std::string>();
      if (is<float>(type)) return std::vector<float>();
      if (is<double>(type)) return std::vector<double>();
      if (is<std::uint8_t>(type)) return std::vector<std::uint8_t>();
      if (is<std::uint32_t>(type)) return std::vector<std::uint32_t>();
      if (is<std::int64_t>(type)) return std::vector<std::int64_t>();
    }
    refuse(path, "a type that records do not have");
  }

  AttributeValue attribute(hid_t object, const std::string& path, const std::string& name) {
    const Handle id(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose);
    const Handle type(H5Aget_type(id), H5Tclose);
    const Handle space(H5Aget_space(id), H5Sclose);
    const std::string where = (path.empty() ? "/" : path) + "@" + name;
    const DatasetValues values = empty_values(type, where);
    if (H5Sget_simple_extent_type(space) == H5S_SCALAR) {
      if (std::holds_alternative<std::vector<std::int64_t>>(values)) {
        std::int64_t value = 0;
        check(H5Aread(id, hdf5::memory_type<std::int64_t>(), &value));
        return value;
      }
      if (std::holds_alternative<std::vector<double>>(values)) {
        double value = 0;
        check(H5Aread(id, hdf5::memory_type<double>(), &value));
        return value;
      }
      if (std::holds_alternative<std::vector<std::string>>(values)) {
        Texts texts(1, text_type_, space, H5P_DEFAULT);
        check(H5Aread(id, text_type_, texts.data()));
        std::string text = texts.copy().front();
        count_bytes(text.size(), where);
        return text;
      }
    }
    refuse(where, "an attribute of a type that records do not have");
  }

  // ---- datasets

  Dataset dataset(hid_t id, const std::string& path, const std::string& name) {
    const Handle type(H5Dget_type(id), H5Tclose);
    const Handle space(H5Dget_space(id), H5Sclose);
    Dataset dataset{shape_of(space, path), empty_values(type, path), {}};
    const std::uint64_t count = element_count(dataset.shape, path);
    std::visit([&](auto& v) { read(id, space, path, count, v); }, dataset.values);
    dataset.dimensions = axis_names(id, path, name, dataset.shape.size());
    dataset.attributes = attributes(id, path, true);
    return dataset;
  }

  static std::vector<std::size_t> shape_of(hid_t space, const std::string& path) {
    if (H5Sget_simple_extent_type(space) == H5S_NULL) refuse(path, "a space without values");
    const auto rank = static_cast<std::size_t>(check(H5Sget_simple_extent_ndims(space)));
    std::vector<hsize_t> sizes(rank), most(rank);
    check(H5Sget_simple_extent_dims(space, sizes.data(), most.data()));
    if (sizes != most) refuse(path, "a shape that may grow");
    return {sizes.begin(), sizes.end()};
  }

  static std::uint64_t element_count(const std::vector<std::size_t>& shape,
                                     const std::string& path) {
    std::uint64_t count = 1;
    for (const std::size_t size : shape) {
      if (__builtin_mul_overflow(count, size, &count)) refuse(path, "a shape without bounds");
    }
    return count;
  }

  /// Refuses what save_record never makes: values in other files or datasets, other filters, large
  /// chunks, fewer bytes than values. Nothing outside the file is opened by this.
  static void check_storage(hid_t id, const std::string& path, std::uint64_t count,
                            std::uint64_t element_bytes, bool may_be_compressed) {
    const Handle made(H5Dget_create_plist(id), H5Pclose);
    const H5D_layout_t layout = check(H5Pget_layout(made));
    if (layout == H5D_VIRTUAL) refuse(path, "a virtual dataset: its values are in other files");
    if (check(H5Pget_external_count(made)) != 0) refuse(path, "its values are in another file");
    const std::uint64_t stored = H5Dget_storage_size(id);
    if (layout == H5D_CONTIGUOUS) {
      std::uint64_t bytes = 0;
      const bool overflows = __builtin_mul_overflow(count, element_bytes, &bytes);
      if (overflows || stored != bytes) refuse(path, "more or fewer bytes than its values take");
      if (check(H5Pget_nfilters(made)) != 0) refuse(path, "a filter that records do not have");
      return;
    }
    if (layout != H5D_CHUNKED || !may_be_compressed) {
      refuse(path, "a layout that records do not have");
    }
    check_filters(made, path);
    check_chunk(made, path, element_bytes);
    if (count / kMaxDeflated > stored) refuse(path, "more values than it holds");
  }

  static void check_filters(hid_t made, const std::string& path) {
    constexpr std::array<H5Z_filter_t, 2> known = {H5Z_FILTER_SHUFFLE, H5Z_FILTER_DEFLATE};
    bool same = check(H5Pget_nfilters(made)) == static_cast<int>(known.size());
    for (unsigned i = 0; same && i < known.size(); ++i) {
      unsigned flags = 0, config = 0;
      std::size_t values = 0;
      same = H5Pget_filter2(made, i, &flags, &values, nullptr, 0, nullptr, &config) == known.at(i);
    }
    if (!same) refuse(path, "a filter that records do not have");
  }

  static void check_chunk(hid_t made, const std::string& path, std::uint64_t element_bytes) {
    std::array<hsize_t, H5S_MAX_RANK> sizes{};
    const int rank = check(H5Pget_chunk(made, H5S_MAX_RANK, sizes.data()));
    std::uint64_t bytes = element_bytes;
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(rank); ++axis) {
      if (__builtin_mul_overflow(bytes, sizes.at(axis), &bytes)) bytes = kMaxChunk + 1;
      if (bytes > kMaxChunk) refuse(path, "larger chunks than records have");
    }
  }

  template <class T>
  void read(hid_t id, hid_t, const std::string& path, std::uint64_t count, std::vector<T>& values) {
    check_storage(id, path, count, sizeof(T), std::is_integral_v<T>);
    if (count > bytes_left_ / sizeof(T)) count_bytes(bytes_left_ + 1, path);
    count_bytes(count * sizeof(T), path);
    values.resize(count);
    if (count == 0) return;
    check(H5Dread(id, hdf5::memory_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()));
  }

  void read(hid_t id, hid_t space, const std::string& path, std::uint64_t count,
            std::vector<std::string>& values) {
    check_storage(id, path, count, kTextReference, false);
    if (count > bytes_left_ / sizeof(char*)) count_bytes(bytes_left_ + 1, path);
    count_bytes(count * sizeof(char*), path);
    if (count == 0) return;
    const Handle transfer = hdf5::property_list(H5P_DATASET_XFER);
    const TextMemory memory(transfer, bytes_left_ + count);  // each has a zero at its end
    Texts texts(count, text_type_, space, transfer);
    const herr_t result = H5Dread(id, text_type_, H5S_ALL, H5S_ALL, transfer, texts.data());
    if (memory.exceeded()) count_bytes(bytes_left_ + 1, path);
    check(result);
    values = texts.copy();
    for (const std::string& text : values) count_bytes(text.size(), path);
  }

  // ---- axes

  std::vector<std::string> axis_names(hid_t id, const std::string& path, const std::string& name,
                                      std::size_t rank) {
    if (H5DSis_scale(id) > 0) {
      if (rank != 1) refuse(path, "a scale with other than one axis");
      return {name};
    }
    const auto take = [](hid_t, unsigned, hid_t scale, void* into) -> herr_t {
      H5Iinc_ref(scale);
      *static_cast<hid_t*>(into) = scale;
      return 1;  // the first will do
    };
    count_objects(rank, path);
    std::vector<std::string> names;
    for (unsigned axis = 0; axis < rank; ++axis) {
      hid_t scale = H5I_INVALID_HID;
      check(H5DSiterate_scales(id, axis, nullptr, take, &scale));
      names.push_back(scale < 0 ? "" : axis_name(Handle(scale, H5Dclose), path));
      count_bytes(names.back().size(), path);
    }
    return names;
  }

  /// A scale's axis: kept in an attribute, or, if the scale is a dataset of the record, its name.
  std::string axis_name(hid_t scale, const std::string& path) {
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

  std::uint64_t bytes_left_, objects_left_;
  std::set<haddr_t> visited_;
  Handle text_type_ = hdf5::text_type();
};

/// HDF5 reads the image where it is.
Handle open_image(std::span<const std::byte> image) {
  return {H5LTopen_file_image(const_cast<std::byte*>(image.data()), image.size(),
                              H5LT_FILE_IMAGE_DONT_COPY | H5LT_FILE_IMAGE_DONT_RELEASE),
          H5Fclose};
}

}  // namespace

Record from_hdf5(std::span<const std::byte> image, const ReadingLimits& limits) try {
  const hdf5::Silence silence;
  const Handle file = open_image(image);
  const Handle root(H5Gopen2(file, "/", H5P_DEFAULT), H5Gclose);
  return Reader(limits).group(root, "", 0);
} catch (const hdf5::Failure& failure) {
  throw NoRecord(std::string("damaged or truncated: ") + failure.what(), "a whole record");
}

void start_hdf5() {
  check(H5open());
  check(H5PLset_loading_state(0));
}

}  // namespace reprise::details
