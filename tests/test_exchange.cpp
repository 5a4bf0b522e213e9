// Networks in files of other programs' formats: what is written comes back to the bit, where it is
// in a file, and what a stranger may have put into one.
#include <zlib.h>

#include <bit>
#include <cstring>
#include <functional>
#include <limits>

#include "reprise/core/digest.hpp"
#include "reprise/exchange/exchange.hpp"
#include "reprise/exchange/npy.hpp"
#include "reprise/exchange/zip.hpp"
#include "reprise/nn/models/models.hpp"
#include "reprise/run/training.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/errors.hpp"
#include "support/temporary_folder.hpp"
#include "support/text.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

Sequential model_named(const std::string& name, const FeatureShape& image = {28, 28, 1},
                       ModelOptions options = {}) {
  if (options == ModelOptions{}) options = default_model_options(name);
  return make_model(name, image, 10, options);
}

/// A model whose parameters are all different, among them every kind of float.
Sequential filled(Sequential model) {
  const auto values = model.parameters();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) * -0x1p-20F;
  constexpr std::uint32_t kSpecial[] = {0x80000000, 0x00000001, 0x7F800000, 0xFF800000,
                                        0x7FC00000, 0x7FC12345, 0xFFFFFFFF, 0x7F7FFFFF};
  for (std::size_t i = 0; i < std::size(kSpecial); ++i) {
    values[7 * i + 3] = std::bit_cast<float>(kSpecial[i]);
  }
  return model;
}

bool same_bits(const Sequential& a, const Sequential& b) {
  return a.parameters().size() == b.parameters().size() &&
         std::memcmp(a.parameters().data(), b.parameters().data(), a.parameters().size_bytes()) ==
             0;
}

std::string as_text(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<std::byte> as_bytes_of(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

/// The error of importing these bytes into lenet5, which stays as it was; "" if they are taken.
std::string error_of_import(const std::string& bytes, const LoadOptions& options = {}) {
  const TemporaryFolder folder;
  test::write_file(folder / "w", bytes);
  Sequential model = filled(model_named("lenet5"));
  const Sequential before = filled(model_named("lenet5"));
  std::string error = error_of([&] { import_weights(model, folder / "w", options); });
  if (error.empty()) return "";
  CHECK(same_bits(model, before));
  CHECK(error.starts_with(folder / "w"));
  return error.substr((folder / "w").size() + 2);
}

const std::string& lenet5_as(const std::string& format) {
  static std::map<std::string, std::string> files;
  std::string& file = files[format];
  if (file.empty()) file = as_text(exported_model(filled(model_named("lenet5")), format));
  return file;
}

// ---- npz

/// The members of lenet5's npz, changed, as an archive.
template <class Change>
std::string npz_after(const Change& change) {
  std::vector<details::NewZipMember> members;
  const std::vector<std::byte> archive = as_bytes_of(lenet5_as("npz"));
  for (const details::ZipMember& member : details::zip_members(archive)) {
    members.push_back({member.name, details::unpacked(member, member.size)});
  }
  change(members);
  return as_text(details::zip_archive(members));
}

/// Where the directory's entry of a member begins.
std::size_t entry_of(const std::string& archive, const std::string& name) {
  const std::size_t at = archive.rfind(name + ".npy");
  REQUIRE(at != std::string::npos);
  return at - 46;
}

std::string with_u32(std::string bytes, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) bytes.at(at + i) = static_cast<char>(value >> (8 * i) & 0xFF);
  return bytes;
}

/// An archive with one deflated member that says it is `size` bytes.
std::string deflated_archive(const std::string& name, const std::string& plain,
                             std::uint32_t size) {
  std::string packed(compressBound(plain.size()) + 64, '\0');
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string input = plain;
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  const auto crc = static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(plain.data()), static_cast<uInt>(plain.size())));
  std::string archive = as_text(details::zip_archive({{name, as_bytes_of(packed)}}));
  for (const std::size_t at : {std::size_t{0}, archive.rfind(name) - 46}) {
    const std::size_t header = at == 0 ? 4 : at + 6;
    archive[header + 4] = 8;  // deflate
    archive = with_u32(archive, header + 10, crc);
    archive = with_u32(archive, header + 18, size);
  }
  return archive;
}

std::string npy_of(const std::string& header, std::size_t values) {
  std::string file("\x93NUMPY\1\0", 8);
  file += {static_cast<char>(header.size() & 0xFF), static_cast<char>(header.size() >> 8)};
  return file + header + std::string(4 * values, '\0');
}

/// lenet5's npz with another conv1.bias.
std::string with_bias(const std::string& npy) {
  return npz_after([&](auto& members) {
    for (auto& member : members) {
      if (member.name == "conv1.bias.npy") member.contents = as_bytes_of(npy);
    }
  });
}

// ---- safetensors

std::string header_of(const std::string& file) {
  std::uint64_t size = 0;
  std::memcpy(&size, file.data(), 8);
  return file.substr(8, size);
}

std::string with_header(const std::string& file, const std::string& header) {
  const std::uint64_t size = header.size();
  std::string changed(8, '\0');
  std::memcpy(changed.data(), &size, 8);
  return changed + header + file.substr(8 + header_of(file).size());
}

/// lenet5's safetensors with a piece of its header replaced.
std::string with_piece(const std::string& what, const std::string& with) {
  const std::string& file = lenet5_as("safetensors");
  return with_header(file, replaced(header_of(file), what, with));
}

// ---- Keras

template <class Change>
std::string keras_after(const Change& change) {
  Group tree = tree_of_plain_hdf5(as_bytes_of(lenet5_as("keras")), "lenet5");
  change(tree);
  return as_text(plain_hdf5(tree, "changed"));
}

}  // namespace

TEST_CASE("what is exported comes back to the bit, NaNs and all, and is the same file again") {
  for (const std::string& name : model_names()) {
    const FeatureShape image = name.starts_with("alexnet") ? FeatureShape{67, 67, 1}
                               : name.ends_with("pct")     ? FeatureShape{24, 24, 3}
                                                           : FeatureShape{28, 28, 1};
    const Sequential model = filled(model_named(name, image));
    const bool is_for_keras = name.find("1998") == std::string::npos &&
                              name.find("13pct") == std::string::npos &&
                              name.find("11pct") == std::string::npos;
    for (const std::string format : {"npz", "safetensors", "keras"}) {
      if (format == "keras" && !is_for_keras) continue;
      INFO(name << " as " << format);
      const TemporaryFolder folder;
      export_model(model, format, folder / "w");
      CHECK(test::read_file(folder / "w") == as_text(exported_model(model, format)));
      Sequential other = model_named(name, image);
      const ImportedWeights imported = import_weights(other, folder / "w");
      CHECK(same_bits(other, model));
      CHECK(imported.format == format);
      CHECK(imported.sha256 == parameters_sha256(model.parameters()));
      CHECK_FALSE(imported.notes.empty());
      CHECK(folder.names() == std::vector<std::string>{"w"});
    }
  }
}

TEST_CASE("npz has kernels height, width, in, out and dense layers in, out") {
  const Sequential model = filled(model_named("lenet5"));
  const std::vector<std::byte> archive = as_bytes_of(lenet5_as("npz"));
  const auto members = details::zip_members(archive);
  REQUIRE(members.size() == 10);
  CHECK(members[0].name == "conv1.weight.npy");
  const std::vector<std::byte> array = details::unpacked(members[2], 1 << 20);
  const details::NpyHeader header = details::npy_header(array);
  CHECK(header.shape == std::vector<std::size_t>{5, 5, 6, 16});
  CHECK(header.size % 64 == 0);
  std::vector<float> values(header.shape[0] * header.shape[1] * header.shape[2] * header.shape[3]);
  REQUIRE(array.size() == header.size + 4 * values.size());
  std::memcpy(values.data(), array.data() + header.size, 4 * values.size());
  CHECK(std::memcmp(values.data(), model.parameters().data() + 156, 4 * values.size()) == 0);
}

TEST_CASE("safetensors has PyTorch's layout, also behind flatten") {
  const Sequential model = filled(model_named("lenet5"));
  const std::string& file = lenet5_as("safetensors");
  const std::string header = header_of(file);
  CHECK(header.size() % 8 == 0);
  CHECK_THAT(header,
             Catch::Contains("\"conv2.weight\":{\"dtype\":\"F32\",\"shape\":[16,6,5,5]") &&
                 Catch::Contains("\"dense1.weight\":{\"dtype\":\"F32\",\"shape\":[120,400]"));
  const auto value = [&](std::size_t at) {
    float v = 0;
    std::memcpy(&v, file.data() + 8 + header.size() + 4 * at, 4);
    return std::bit_cast<std::uint32_t>(v);
  };
  const auto here = [&](std::size_t at) {
    return std::bit_cast<std::uint32_t>(model.parameters()[at]);
  };
  // conv2.weight begins at 156, here and there: (oc, ic, kh, kw) there, (kh, kw, ic, oc) here.
  const std::size_t oc = 11, ic = 4, kh = 3, kw = 1;
  CHECK(value(156 + ((oc * 6 + ic) * 5 + kh) * 5 + kw) ==
        here(156 + ((kh * 5 + kw) * 6 + ic) * 16 + oc));
  // dense1.weight begins at 2572; its inputs are 5x5x16: (out, c, h, w) there, (h, w, c, out) here.
  const std::size_t out = 77, c = 9, h = 2, w = 4;
  CHECK(value(2572 + ((out * 16 + c) * 5 + h) * 5 + w) ==
        here(2572 + ((h * 5 + w) * 16 + c) * 120 + out));
  // dense2 has no flatten layer before it.
  const std::size_t dense2 = 2572 + 400 * 120 + 120;
  CHECK(value(dense2 + 5 * 120 + 3) == here(dense2 + 3 * 84 + 5));
}

TEST_CASE("a layer that a format has no equivalent of is refused by name") {
  const auto refused = [](const std::string& model, const FeatureShape& image,
                          const std::string& format) {
    return error_of([&] { exported_model(model_named(model, image), format); });
  };
  CHECK(is_line_with(refused("lenet5_1998", {28, 28, 1}, "keras"), "layer subsampling1",
                     "no layer like subsampling"));
  CHECK(is_line_with(refused("cuda_convnet_13pct", {24, 24, 3}, "keras"), "layer local3",
                     "no layer like locally_connected"));
  CHECK(is_line_with(error_of([] { exported_model(model_named("lenet5"), "pickle"); }),
                     "format: \"pickle\"; expected ", "npz, safetensors, keras"));
  const auto formats = export_formats();
  if (std::find(formats.begin(), formats.end(), "onnx") == formats.end()) {
    CHECK(is_line_with(refused("lenet5", {28, 28, 1}, "onnx"), "this build does not have it"));
    return;
  }
  CHECK(exported_model(filled(model_named("lenet5")), "onnx") ==
        exported_model(filled(model_named("lenet5")), "onnx"));
  CHECK(is_line_with(refused("cuda_convnet_13pct", {24, 24, 3}, "onnx"), "layer local3",
                     "locally connected, which ONNX has no operator for"));
}

TEST_CASE("a file of another network names the tensor, what it has and what was expected") {
  for (const std::string format : {"npz", "safetensors", "keras"}) {
    INFO(format);
    ModelOptions options = default_model_options("four_layer_cnn");
    const TemporaryFolder folder;
    export_model(filled(model_named("four_layer_cnn")), format, folder / "w");
    Sequential lenet5 = model_named("lenet5");
    const bool is_keras = format == "keras", is_first = format == "safetensors";
    CHECK(is_line_with(
        error_of([&] { import_weights(lenet5, folder / "w"); }),
        is_keras ? "tensor layers/conv2d/vars/0: shape (5,5,1,16)" : "tensor conv1.weight: shape ",
        is_first ? "(6,1,5,5), as lenet5 has" : "(5,5,1,6), as lenet5 has"));
    options.width = 8;
    Sequential narrow = model_named("four_layer_cnn", {28, 28, 1}, options);
    CHECK(is_line_with(error_of([&] { import_weights(narrow, folder / "w"); }),
                       is_first ? "shape (16,1,5,5); expected (8,1,5,5), as four_layer_cnn has"
                                : "shape (5,5,1,16); expected (5,5,1,8), as four_layer_cnn has"));
  }
}

TEST_CASE("values that training will not like are said") {
  Sequential model = model_named("lenet5");
  CHECK(notes_on_weights(model).empty());
  model.parameters()[0] = std::numeric_limits<float>::quiet_NaN();
  model.parameters()[1] = -std::numeric_limits<float>::infinity();
  model.parameters()[150] = -0x1.8p24F;
  model.parameters()[151] = 0x1p24F;
  CHECK(notes_on_weights(model) ==
        std::vector<std::string>{"conv1.weight: 2 of 150 values are not finite",
                                 "conv1.bias: 1 of 6 values are beyond 2^24"});
}

TEST_CASE("what is no file of weights is refused in one line") {
  CHECK(is_line_with(error_of_import(""), "unknown file format"));
  CHECK(is_line_with(error_of_import("PK"), "zip archive: has no directory"));
  CHECK(is_line_with(error_of_import(std::string(5000, '\0')), "unknown file format"));
  CHECK(is_line_with(error_of_import("\x89HDF\r\n\x1a\n"), "damaged"));
  Sequential model = model_named("lenet5");
  CHECK(is_line_with(error_of([&] { import_weights(model, "/no/such/file"); }), "/no/such/file"));
}

TEST_CASE("an npz by NumPy's other forms is taken") {
  CHECK(error_of_import(npz_after([](auto& members) {
          std::reverse(members.begin(), members.end());
        })).empty());
  CHECK(error_of_import(
            with_bias(npy_of("{\"shape\":(6,), \"fortran_order\":True,\"descr\":'<f4'}\n", 6)))
            .empty());
  // Deflated, as by numpy.savez_compressed.
  const std::string plain = npy_of("{'descr': '<f4', 'fortran_order': False, 'shape': (6,)}", 6);
  const std::string deflated =
      deflated_archive("conv1.bias.npy", plain, static_cast<std::uint32_t>(plain.size()));
  CHECK(is_line_with(error_of_import(deflated), "tensor conv1.weight: it is missing"));
}

TEST_CASE("arrays in the order of Fortran are turned") {
  Sequential model = filled(model_named("lenet5"));
  std::string fortran;  // conv1.weight (5,5,1,6): the first index runs fastest
  for (std::size_t oc = 0; oc < 6; ++oc) {
    for (std::size_t kw = 0; kw < 5; ++kw) {
      for (std::size_t kh = 0; kh < 5; ++kh) {
        const float value = model.parameters()[(kh * 5 + kw) * 6 + oc];
        fortran += as_text({std::as_bytes(std::span(&value, 1)).begin(),
                            std::as_bytes(std::span(&value, 1)).end()});
      }
    }
  }
  const std::string npy =
      npy_of("{'descr': '<f4', 'fortran_order': True, 'shape': (5, 5, 1, 6), }", 0) + fortran;
  const TemporaryFolder folder;
  test::write_file(folder / "w",
                   npz_after([&](auto& members) { members[0].contents = as_bytes_of(npy); }));
  Sequential other = model_named("lenet5");
  import_weights(other, folder / "w");
  CHECK(same_bits(other, model));
}

TEST_CASE("hostile npz: sizes, overlaps, bombs, other arrays") {
  const std::string& good = lenet5_as("npz");
  CHECK(error_of_import(good).empty());
  CHECK(is_line_with(error_of_import(good.substr(0, good.size() - 1)), "zip archive"));
  CHECK(is_line_with(error_of_import(good.substr(0, good.size() / 2)), "zip archive"));
  CHECK(is_line_with(error_of_import(good + "x"), "zip archive: has no directory"));
  CHECK(is_line_with(error_of_import("PK" + good), "zip archive: its directory does not end"));
  // More than the model takes: nothing of it is unpacked.
  const std::string bomb =
      deflated_archive("conv1.bias.npy", std::string(50'000'000, '\0'), 50'000'000);
  CHECK(bomb.size() < 100'000);
  CHECK(is_line_with(error_of_import(bomb), "conv1.bias.npy\": 50000000 bytes; expected at most "));
  // It says 6 values and has 50 million.
  const std::string lie = deflated_archive("conv1.bias.npy", std::string(50'000'000, '\0'), 152);
  CHECK(is_line_with(error_of_import(lie), "does not unpack to the size"));
  const std::size_t entry = entry_of(good, "conv1.bias"), first = entry_of(good, "conv1.weight");
  CHECK(is_line_with(error_of_import(with_u32(good, entry + 42, 0)),
                     "where the member before it ends"));
  CHECK(is_line_with(error_of_import(with_u32(good, entry + 42, 0xFFFFFFFE)), "it begins at byte"));
  CHECK(is_line_with(error_of_import(with_u32(good, entry + 42, 0xFFFFFFFF)), "4 GiB"));
  CHECK(is_line_with(
      error_of_import(with_u32(with_u32(good, first + 20, 0x7FFFFFFF), first + 24, 0x7FFFFFFF)),
      "another size"));
  CHECK(is_line_with(error_of_import(with_u32(good, first + 16, 1)), "another checksum"));
  CHECK(is_line_with(error_of_import(replaced(good, "conv1.bias", "conv2.bias")), "another name"));
  std::string encrypted = good;
  encrypted[first + 8] = 1;
  CHECK(is_line_with(error_of_import(encrypted), "no encryption"));
  std::string damaged = good;
  damaged[300] = static_cast<char>(damaged[300] ^ 1);
  CHECK(is_line_with(error_of_import(damaged), "is damaged"));
  const auto renamed = [](const std::string& name) {
    return npz_after([&](auto& members) { members[1].name = name; });
  };
  CHECK(is_line_with(error_of_import(renamed("conv1.weight.npy")),
                     "tensor conv1.weight: it is there twice"));
  CHECK(is_line_with(error_of_import(renamed("../../conv1.npy")), "has no tensor of this name",
                     "conv1"));
  CHECK(is_line_with(error_of_import(renamed("conv1.bias")), "no array"));
  CHECK(is_line_with(error_of_import(npz_after([](auto& members) { members.pop_back(); })),
                     "tensor dense3.bias: it is missing; expected float32 values of shape (10)"));
  CHECK(is_line_with(error_of_import(npz_after([](auto& members) {
                       members.push_back({"more.npy", {}});
                     })),
                     "tensor \"more\": lenet5 has no tensor of this name"));

  const auto header = [](const std::string& text, std::size_t values = 6) {
    return error_of_import(with_bias(npy_of(text, values)));
  };
  const std::string rest = ", 'fortran_order': False, 'shape': (6,)}";
  CHECK(header("{'descr': '<f4'" + rest).empty());
  CHECK(is_line_with(header("{'descr': '<f8'" + rest, 12), "type \"<f8\"; expected \"<f4\""));
  CHECK(is_line_with(header("{'descr': '|O'" + rest), "type \"|O\""));
  CHECK(is_line_with(header("{'descr': [('a', '<f4')]" + rest), "several fields"));
  CHECK(is_line_with(header("{'descr': '<f4'" + rest, 7), "28 bytes of values; expected 24"));
  CHECK(is_line_with(header("{'descr': '<f4'" + rest, 5), "20 bytes of values; expected 24"));
  CHECK(is_line_with(header("{'descr': '<f4', 'fortran_order': False, 'shape': (7,)}", 7),
                     "tensor conv1.bias: shape (7); expected (6), as lenet5 has"));
  CHECK(is_line_with(header("{'descr': '<f4', 'fortran_order': False, 'shape': (6, 1)}"), "(6,1)"));
  CHECK(is_line_with(header("{'descr': '<f4', 'fortran_order': False, 'shape': (-6,)}"), "shape"));
  CHECK(
      is_line_with(header("{'descr': '<f4', 'fortran_order': 1, 'shape': (6,)}"), "fortran_order"));
  CHECK(is_line_with(header("{'descr': '<f4'" + rest + "x"), "something after"));
  CHECK(is_line_with(header("{'descr': '<f4'}"), "fewer keys"));
  CHECK(is_line_with(header("{'descr': '<f4', 'descr': '<f4'" + rest), "twice"));
  CHECK(is_line_with(header("{'x': '<f4'" + rest), "the key \"x\""));
  CHECK(is_line_with(header("__import__('os').system('x')"), "npy header"));
  CHECK(is_line_with(header("{'descr': '<f4"), "without an end"));
  CHECK(is_line_with(error_of_import(with_bias("\x93NUMPY\2")), "no npy file"));
  CHECK(is_line_with(error_of_import(with_bias(std::string("\x93NUMPY\4\0\0\0\0\0", 12))),
                     "version 4.0"));
  CHECK(is_line_with(error_of_import(with_bias(std::string("\x93NUMPY\2\0\xff\xff\xff\x7f", 12))),
                     "bytes long"));
}

TEST_CASE("hostile safetensors: lengths, JSON, offsets") {
  const std::string& good = lenet5_as("safetensors");
  CHECK(error_of_import(good).empty());
  const std::string header = header_of(good);
  const auto with = [&](const std::string& text) {
    return error_of_import(with_header(good, text));
  };
  CHECK(with(header + "   \n").empty());
  CHECK(is_line_with(error_of_import(good + "x"), "a buffer of 246825 bytes; expected 246824"));
  CHECK(is_line_with(error_of_import(good.substr(0, good.size() - 1)), "a buffer of 246823 bytes"));
  CHECK(is_line_with(error_of_import(with_u32(good, 0, 100'000'001)),
                     "100000001 bytes; expected at most 100000000"));
  CHECK(is_line_with(error_of_import(with_u32(good, 4, 0x80000000)), "expected at most 100000000"));
  CHECK(is_line_with(error_of_import(with_u32(good, 0, 99'000'000)), "in a file of"));
  CHECK(is_line_with(with(" " + header), "unknown file format"));
  CHECK(is_line_with(with("{}"), "a buffer of 246824 bytes; expected 0"));
  CHECK(is_line_with(with("{"), "no JSON at byte"));
  CHECK(is_line_with(with(header + "{}"), "no JSON at byte"));
  // The JSON parser takes a NUL for the end of its input.
  CHECK(is_line_with(with(header + std::string("\0 {\"evil\": garbage", 18)),
                     "a NUL at byte " + std::to_string(8 + header.size())));
  CHECK(is_line_with(with(header + std::string(8, '\0')), "a NUL at byte"));
  CHECK(is_line_with(with("{\"conv1.weight\": {\"dtype\": \"\xff\"}}"), "no JSON at byte"));
  CHECK(is_line_with(with("{\"conv1.weight\": " + std::string(100'000, '[')),
                     "an array where none belongs"));
  CHECK(is_line_with(with("{\"conv1.weight\": {\"shape\": " + std::string(100'000, '[')),
                     "an array where none belongs"));
  CHECK(is_line_with(with("{\"conv1.weight\": {\"shape\": [1,1,1,1,1,1,1,1,1]}}"), "a long shape"));
  CHECK(is_line_with(with("{\"conv1.weight\": null}"), "null where none belongs"));
  CHECK(is_line_with(with("{\"conv1.weight\": {}}"), "tensor conv1.weight: not all keys"));
  CHECK(is_line_with(with("{\"__metadata__\": {\"a\": 1}}"), "a number where none belongs"));
  CHECK(is_line_with(with("{\"__metadata__\": {}, \"__metadata__\": {}}"), "__metadata__ twice"));
  CHECK(is_line_with(with("{\"__metadata__\": {\"a\": \"\", \"a\": \"\"}}"), "\"a\" twice"));
  CHECK(is_line_with(with("{\"conv9.weight\": {}}"),
                     "tensor \"conv9.weight\": lenet5 has no tensor of this name"));
  const auto piece = [](const std::string& what, const std::string& put) {
    return error_of_import(with_piece(what, put));
  };
  CHECK(
      is_line_with(piece("conv1.bias", "conv1.weight"), "tensor conv1.weight: it is there twice"));
  CHECK(is_line_with(piece("\"F32\"", "\"F16\""),
                     "tensor conv1.weight: dtype \"F16\"; expected F32"));
  CHECK(is_line_with(piece("[6,1,5,5]", "[5,1,5,6]"),
                     "tensor conv1.weight: shape (5,1,5,6); expected (6,1,5,5), as lenet5 has"));
  CHECK(is_line_with(piece("[6,1,5,5]", "[6,1,5,-5]"), "a negative number"));
  CHECK(is_line_with(piece("[6,1,5,5]", "[6,1,5,5.0]"), "a fraction or beyond"));
  CHECK(is_line_with(piece("[6,1,5,5]", "[6,1,5,18446744073709551616]"), "a fraction or beyond"));
  CHECK(is_line_with(piece("[0,600]", "[0,604]"), "data_offsets [0,604]"));
  CHECK(is_line_with(piece("[0,600]", "[600,0]"), "data_offsets [600,0]"));
  CHECK(is_line_with(piece("[0,600]", "[0]"), "data_offsets [0]"));
  CHECK(is_line_with(piece("[0,600]", "[4,604]"),
                     "its values begin at byte 4 of the buffer; expected 0"));
  CHECK(is_line_with(piece("[600,624]", "[576,600]"),
                     "tensor conv1.bias: its values begin at byte 576 of the buffer; expected 600: "
                     "no gap, no overlap"));
  CHECK(is_line_with(piece("[600,624]", "[18446744073709551592,18446744073709551616]"),
                     "beyond 64 bits"));
  CHECK(is_line_with(piece("[600,624]", "[18446744073709551591,18446744073709551615]"),
                     "tensor conv2.weight: its values begin at byte 624"));
  CHECK(is_line_with(piece("\"dtype\"", "\"type\""), "the key \"type\""));
}

TEST_CASE("hostile .weights.h5: what is not the network's is refused") {
  CHECK(error_of_import(lenet5_as("keras")).empty());
  CHECK(keras_after([](Group&) {}) == lenet5_as("keras"));
  const auto after = [](const auto& change) { return error_of_import(keras_after(change)); };
  const auto vars = [](Group& tree, const std::string& layer) -> Group& {
    return tree.groups["layers"].groups[layer].groups["vars"];
  };
  // What Keras adds: the optimizer's state, groups of layers without weights.
  CHECK(after([&](Group& tree) {
          tree.groups["optimizer"].groups["vars"].datasets["0"] = {
              {}, std::vector<std::int64_t>{3}, {}};
          vars(tree, "flatten");
        }).empty());
  CHECK(is_line_with(after([](Group& tree) { tree.groups.clear(); }), "no group layers"));
  CHECK(is_line_with(
      after([&](Group& tree) { vars(tree, "dense_1").datasets.erase("1"); }),
      "tensor layers/dense_1/vars/1: it is missing; expected float32 values of shape (84)"));
  CHECK(is_line_with(after([&](Group& tree) {
                       vars(tree, "dense_3").datasets["0"] = vars(tree, "dense").datasets["0"];
                     }),
                     "tensor \"layers/dense_3/vars/0\": lenet5 has no tensor of this name"));
  CHECK(is_line_with(
      after([&](Group& tree) { std::swap(vars(tree, "dense"), vars(tree, "dense_1")); }),
      "tensor layers/dense/vars/0: shape (120,84); expected (400,120), as lenet5 has"));
  CHECK(is_line_with(after([&](Group& tree) {
                       vars(tree, "conv2d").datasets["1"].values = std::vector<double>(6);
                     }),
                     "tensor layers/conv2d/vars/1: type float64; expected float32"));
  // A link to another file, without the line of a record at its end.
  const std::string record = test::read_file(REPRISE_FIXTURES "/hostile/external_link.h5");
  CHECK(is_line_with(error_of_import(record.substr(0, record.rfind("\nsha256:"))),
                     "no weights file: ", "expected a weights file (.weights.h5) or a record"));
  const std::string& good = lenet5_as("keras");
  CHECK_FALSE(error_of_import(good.substr(0, good.size() / 2)).empty());
}

TEST_CASE("a run that starts from exported weights is the run that starts from the record") {
  const TemporaryFolder folder;
  const std::string train = kPrograms + "train_lenet5 --data " + kFixture +
                            " --epochs 1 --train-images 128 --batch-size 64 --seed 3 --output ";
  REQUIRE(run_command(train + (folder / "first.h5")).status == 0);
  const Record first = load_record(folder / "first.h5", "training");
  const auto& trained = first.group("model").attribute<std::string>("parameters_sha256");
  std::string digest;
  for (const std::string format : {"record", "npz", "safetensors", "keras"}) {
    INFO(format);
    std::string from = folder / "first.h5";
    if (format != "record") {
      from = folder / format;
      const CommandResult exported =
          run_command(kPrograms + "export_model " + (folder / "first.h5") + " --format " + format +
                      " --output " + from);
      INFO(exported.err);
      REQUIRE(exported.status == 0);
      CHECK_THAT(exported.out, Catch::Contains("lenet5: 61706 parameters sha256:" + trained));
    }
    const std::string output = folder / (format + ".h5");
    const CommandResult run = run_command(train + output + " --initial " + from);
    INFO(run.err);
    REQUIRE(run.status == 0);
    const Record record = load_record(output, "training");
    CHECK(record.group("configuration").attribute<std::string>("initial_sha256") == trained);
    CHECK(record.group("model").attribute<std::string>("initial_parameters_sha256") == trained);
    if (digest.empty()) digest = digest_of(record);
    CHECK(digest_of(record) == digest);
  }
  const std::string verify = kPrograms + "verify --data " + kFixture + " " + (folder / "npz.h5");
  const CommandResult alone = run_command(verify);
  CHECK(alone.status == 4);
  CHECK_THAT(alone.err, Catch::Contains("setting initial_sha256") && Catch::Contains("--initial"));
  CHECK(run_command(verify + " --initial " + (folder / "safetensors")).status == 0);
  CHECK(run_command(verify + " --initial " + (folder / "npz.h5")).status == 4);  // other weights

  const auto error_of_run = [&](const std::string& options) {
    const CommandResult run = run_command(train + (folder / "none.h5") + " " + options);
    CHECK(run.status != 0);
    return run.err.substr(0, run.err.size() - 1);
  };
  const std::string initial = "--initial " + (folder / "npz");
  CHECK(is_line_with(error_of_run(initial + " --model four_layer_cnn"), "tensor conv1.weight",
                     "(5,5,1,16), as four_layer_cnn has"));
  CHECK(is_line_with(error_of_run("--model four_layer_cnn --initial " + (folder / "first.h5")),
                     "tensor conv1.bias: shape (6); expected (16), as four_layer_cnn has"));
  CHECK(is_line_with(error_of_run("--initial-sha256 " + trained), "--initial with the file"));
  CHECK(is_line_with(error_of_run("--initial-sha256 abc"), "64 hexadecimal digits"));
  CHECK(is_line_with(error_of_run(initial + " --initial-sha256 " + std::string(64, '0')),
                     "its weights have SHA-256 " + trained));
  CHECK(is_line_with(error_of_run("--initial " + (folder / "absent")), "absent"));
  CHECK(folder.names().size() == 8);
}

TEST_CASE("export_model leaves whole files alone, and says what it lacks") {
  const TemporaryFolder folder;
  REQUIRE(
      run_command(kPrograms + "train_lenet5 --data " + kFixture +
                  " --epochs 1 --train-images 64 --batch-size 64 --model lenet5_1998 --output " +
                  (folder / "a.h5"))
          .status == 0);
  const auto run = [&](const std::string& options) {
    return run_command(kPrograms + "export_model " + (folder / "a.h5") + " " + options);
  };
  CHECK(run("--format npz").status == 2);
  CHECK(run("--output " + (folder / "b")).status == 2);
  CHECK(run("--format pt --output " + (folder / "b")).status == 2);
  const CommandResult keras = run("--format keras --output " + (folder / "b"));
  CHECK(keras.status == 1);
  CHECK(is_line_with(keras.err.substr(0, keras.err.size() - 1), "export_model: ", "a.h5",
                     "layer subsampling1"));
  CHECK(folder.names() == std::vector<std::string>{"a.h5"});
  CHECK(run("--format npz --output " + (folder / "b")).status == 0);
  const std::string before = test::read_file(folder / "b");
  const CommandResult again = run("--format safetensors --output " + (folder / "b"));
  CHECK(again.status == 1);
  CHECK_THAT(again.err, Catch::Contains("exists already"));
  CHECK(test::read_file(folder / "b") == before);
  CHECK(run("--format safetensors --force --output " + (folder / "b")).status == 0);
  CHECK(test::read_file(folder / "b") != before);
  CHECK(folder.names() == std::vector<std::string>{"a.h5", "b"});
}
