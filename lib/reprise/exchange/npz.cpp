// npz: a zip archive with an npy file for each parameter, in the layout that the library has.
#include <fmt/format.h>

#include "reprise/core/error.hpp"
#include "reprise/exchange/formats.hpp"
#include "reprise/exchange/incoming_weights.hpp"
#include "reprise/exchange/npy.hpp"
#include "reprise/exchange/tensor_places.hpp"
#include "reprise/exchange/zip.hpp"

namespace reprise::details {
namespace {

constexpr const char* kEnding = ".npy";

/// Values whose first index runs fastest, as Fortran has them, in the order of C.
std::vector<float> from_fortran_order(const std::vector<std::size_t>& shape,
                                      std::span<const float> values) {
  TensorPlace place;
  place.axes.assign(shape.rbegin(), shape.rend());
  place.shape = shape;
  for (std::size_t i = shape.size(); i-- > 0;) place.order.push_back(i);
  return values_for_file(place, values);
}

/// The values of an npy file, which has nothing after them.
void take_values(const TensorPlace& place, const NpyHeader& header,
                 std::span<const std::byte> bytes, IncomingWeights& weights) {
  const std::string where = "tensor " + place.name;
  if (header.type != "<f4") throw Error(where, "type \"" + header.type + "\"", "\"<f4\", float32");
  weights.check_shape(place, header.shape);
  if (bytes.size() != place.size() * sizeof(float)) {
    throw Error(where, fmt::format("{} bytes of values", bytes.size()),
                fmt::format("{}", place.size() * sizeof(float)));
  }
  if (!header.is_fortran_order) {
    weights.set(place, bytes);
    return;
  }
  std::vector<float> values(place.size());
  std::copy(bytes.begin(), bytes.end(), std::as_writable_bytes(std::span(values)).begin());
  weights.set(place, from_fortran_order(header.shape, values));
}

/// The array's name, which is that of its member without the ending.
std::string array_name(const std::string& member) {
  if (member.ends_with(kEnding)) return member.substr(0, member.size() - 4);
  throw Error("member \"" + member + "\"", "no array", "members that end in .npy");
}

}  // namespace

std::vector<std::byte> to_npz(const Sequential& model) {
  std::vector<NewZipMember> members;
  for (const TensorPlace& place : tensor_places(model, TensorLayout::channels_last)) {
    members.push_back(
        {place.name + kEnding, npy_file(place.shape, values_for_file(place, model.parameters()))});
  }
  return zip_archive(members);
}

std::vector<float> from_npz(const Sequential& model, std::span<const std::byte> file) {
  IncomingWeights weights(model.name(), tensor_places(model, TensorLayout::channels_last));
  for (const ZipMember& member : zip_members(file)) {
    const TensorPlace& place = weights.take(array_name(member.name));
    const std::vector<std::byte> array =
        unpacked(member, kMaxNpyHeader + place.size() * sizeof(float));
    const NpyHeader header =
        errors_naming("tensor " + place.name, [&] { return npy_header(array); });
    take_values(place, header, std::span(array).subspan(header.size), weights);
  }
  return weights.finish();
}

}  // namespace reprise::details
