/// \file
/// HDF5's C interface with objects that close themselves and failures that say why. For the sources
/// of this folder alone; not installed.
#pragma once

#define H5_USE_110_API  // the names of HDF5 1.10, in later versions too
#include <hdf5.h>
#include <hdf5_hl.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace reprise::hdf5 {

/// HDF5 refused: what() is the innermost reason that it gives.
class Failure : public std::runtime_error {
 public:
  Failure() : std::runtime_error(reason()) {}

 private:
  static std::string reason() {
    std::string text = "unknown to HDF5";
    const auto innermost = [](unsigned number, const H5E_error2_t* error, void* into) -> herr_t {
      if (number == 0 && error->desc != nullptr) *static_cast<std::string*>(into) = error->desc;
      return 0;
    };
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, &text);
    return text;
  }
};

/// Throws Failure if a call's result is negative; else passes it on.
template <class Result>
Result check(Result result) {
  if (result < 0) throw Failure();
  return result;
}

/// Owns an identifier.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle(hid_t id, Close closer) : id_(check(id)), close_(closer) {}
  Handle(Handle&& other) noexcept
      : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  Handle& operator=(Handle&&) = delete;
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  /// Closes it before its time, to see whether that goes well.
  void close() { check(close_(std::exchange(id_, H5I_INVALID_HID))); }
  operator hid_t() const { return id_; }  // NOLINT(google-explicit-constructor): stands for the id

 private:
  hid_t id_;
  Close close_;
};

inline Handle property_list(hid_t kind) {
  return {H5Pcreate(kind), H5Pclose};
}

/// The type in files of each element type: little-endian, whatever the machine's order is.
template <class T>
hid_t file_type() {
  if constexpr (std::is_same_v<T, float>) return H5T_IEEE_F32LE;
  if constexpr (std::is_same_v<T, double>) return H5T_IEEE_F64LE;
  if constexpr (std::is_same_v<T, std::uint8_t>) return H5T_STD_U8LE;
  if constexpr (std::is_same_v<T, std::uint32_t>) return H5T_STD_U32LE;
  if constexpr (std::is_same_v<T, std::int64_t>) return H5T_STD_I64LE;
}
/// And in memory.
template <class T>
hid_t memory_type() {
  if constexpr (std::is_same_v<T, float>) return H5T_NATIVE_FLOAT;
  if constexpr (std::is_same_v<T, double>) return H5T_NATIVE_DOUBLE;
  if constexpr (std::is_same_v<T, std::uint8_t>) return H5T_NATIVE_UINT8;
  if constexpr (std::is_same_v<T, std::uint32_t>) return H5T_NATIVE_UINT32;
  if constexpr (std::is_same_v<T, std::int64_t>) return H5T_NATIVE_INT64;
}

/// Variable-length UTF-8.
inline Handle text_type() {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  check(H5Tset_size(type, H5T_VARIABLE));
  check(H5Tset_cset(type, H5T_CSET_UTF8));
  return type;
}

/// Keeps HDF5 from printing its errors.
class Silence {
 public:
  Silence() {
    H5Eget_auto2(H5E_DEFAULT, &print_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;
  ~Silence() { H5Eset_auto2(H5E_DEFAULT, print_, data_); }

 private:
  H5E_auto2_t print_ = nullptr;
  void* data_ = nullptr;
};

}  // namespace reprise::hdf5
