// data: CIFAR-10's binary form, what may be wrong with it, and which form a folder is of.
#include <filesystem>

#include "reprise/core/digest.hpp"
#include "reprise/data/dataset.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/temporary_folder.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

const std::string kTenClasses =
    "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";

/// An image whose pixel at row y, column x has the channels y, x and 100 + label.
FileBytes record(std::uint8_t label) {
  FileBytes bytes{label};
  for (const int channel : {0, 1, 2}) {
    for (int y = 0; y < 32; ++y) {
      for (int x = 0; x < 32; ++x) {
        bytes.push_back(static_cast<std::uint8_t>(channel == 0   ? y
                                                  : channel == 1 ? x
                                                                 : 100 + label));
      }
    }
  }
  return bytes;
}

FileBytes batch(const std::vector<std::uint8_t>& labels) {
  FileBytes bytes;
  for (const std::uint8_t label : labels) {
    const FileBytes one = record(label);
    bytes.insert(bytes.end(), one.begin(), one.end());
  }
  return bytes;
}

/// A folder with a valid data set of 1 + 2 + 1 + 1 + 1 training and 2 test images.
class SmallCifar {
 public:
  SmallCifar() {
    for (const char number : {'1', '2', '3', '4', '5'}) {
      const auto label = static_cast<std::uint8_t>(number - '0');
      write(std::string("data_batch_") + number + ".bin",
            number == '2' ? batch({label, 9}) : batch({label}));
    }
    write("test_batch.bin", batch({0, 7}));
    write("batches.meta.txt", FileBytes(kTenClasses.begin(), kTenClasses.end()));
  }
  void write(const std::string& name, const FileBytes& bytes) const {
    write_bytes(folder_ / name, bytes);
  }
  void remove(const std::string& name) const { std::filesystem::remove(folder_ / name); }
  [[nodiscard]] std::string error() const {
    return error_of([&] { load_dataset(folder_.path()); });
  }
  [[nodiscard]] const std::string& path() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("CIFAR-10's batches become one training and one test set, colours last") {
  const SmallCifar small;
  const ImageDataset dataset = load_dataset(small.path());
  CHECK(dataset.name == "CIFAR-10");
  CHECK(dataset.class_names.size() == 10);
  CHECK(dataset.class_names[9] == "truck");
  CHECK(dataset.train.labels == FileBytes{1, 2, 9, 3, 4, 5});
  CHECK(dataset.test.labels == FileBytes{0, 7});
  CHECK(dataset.train.count == 6);
  CHECK(dataset.train.image_size() == 3072);
  REQUIRE(dataset.train.pixels.size() == 6 * 3072);
  const std::uint8_t* pixel = dataset.train.pixels.data() + 2 * 3072 + (5 * 32 + 30) * 3;
  CHECK(FileBytes(pixel, pixel + 3) == FileBytes{5, 30, 109});
  REQUIRE(dataset.files.size() == 6);
  CHECK(dataset.files[1].name == "data_batch_2.bin");
  const FileBytes second = batch({2, 9});
  CHECK(dataset.files[1].sha256 == sha256_hex(std::as_bytes(std::span(second))));
  CHECK(dataset.files[5].name == "test_batch.bin");
}

TEST_CASE("CIFAR-10's last training images can be held out, and test_batch.bin may be missing") {
  const SmallCifar small;
  small.remove("test_batch.bin");
  const ImageDataset dataset = load_dataset(small.path(), 2);
  CHECK(dataset.train.labels == FileBytes{1, 2, 9, 3});
  CHECK(dataset.test.labels == FileBytes{4, 5});
  CHECK(dataset.test.channels == 3);
  CHECK(dataset.test.pixels[3 * (5 * 32 + 30) + 2] == 104);
  REQUIRE(dataset.files.size() == 5);
  CHECK(dataset.files.back().name == "data_batch_5.bin");
  CHECK(is_line_with(small.error(), "test_batch.bin", "no such file"));
  small.remove("data_batch_5.bin");
  CHECK(is_line_with(error_of([&] { load_dataset(small.path(), 1); }), "data_batch_5.bin",
                     "no such file"));
}

TEST_CASE("other classes than CIFAR-10's ten go by the folder's name or class_names.txt") {
  const SmallCifar small;
  const std::string others = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n";
  small.write("batches.meta.txt", FileBytes(others.begin(), others.end()));
  CHECK(load_dataset(small.path()).name == std::filesystem::path(small.path()).filename());
  const std::string named = "Ten things\n" + others;
  small.write("class_names.txt", FileBytes(named.begin(), named.end()));
  CHECK(load_dataset(small.path()).name == "Ten things");
}

TEST_CASE("CIFAR-10 is found in the folder that its archive unpacks to") {
  const SmallCifar small;
  const TemporaryFolder outer;
  const std::string marked = "\xEF\xBB\xBF" + kTenClasses;
  small.write("batches.meta.txt", FileBytes(marked.begin(), marked.end()));
  std::filesystem::copy(small.path(), outer / "cifar-10-batches-bin");
  const ImageDataset dataset = load_dataset(outer.path());
  CHECK(dataset.name == "CIFAR-10");
  CHECK(dataset.train.count == 6);
}

TEST_CASE("what is wrong with a CIFAR-10 folder is said") {
  for (const std::string name :
       {"data_batch_1.bin", "data_batch_5.bin", "test_batch.bin", "batches.meta.txt"}) {
    const SmallCifar small;
    small.remove(name);
    CHECK(is_line_with(small.error(), name, "no such file", "data_batch_1.bin, data_batch_2.bin"));
  }
  const SmallCifar small;
  FileBytes truncated = batch({1, 2});
  truncated.pop_back();
  small.write("data_batch_3.bin", truncated);
  CHECK(is_line_with(small.error(), "data_batch_3.bin", "6145 bytes", "3073"));
  small.write("data_batch_3.bin", {});
  CHECK(is_line_with(small.error(), "data_batch_3.bin", "0 bytes"));
  small.write("data_batch_3.bin", batch({4, 10}));
  CHECK(is_line_with(small.error(), "data_batch_3.bin", "label 10 of image 1", "0 to 9"));
  small.write("batches.meta.txt", {'\n'});
  CHECK(is_line_with(small.error(), "batches.meta.txt", "0 lines"));
  small.write("batches.meta.txt", {'a', 0xFF});
  CHECK(is_line_with(small.error(), "batches.meta.txt", "UTF-8"));
}

TEST_CASE("a folder's form shows in its files") {
  CHECK(load_dataset(REPRISE_FIXTURES "/fashion-mnist").train.count == 2000);
  const TemporaryFolder folder;
  write_bytes(folder / "something.txt", {'x'});
  CHECK(is_line_with(error_of([&] { load_dataset(folder.path()); }), folder.path(),
                     "train-images-idx3-ubyte", "IDX", "data_batch_1.bin", "CIFAR-10"));
  write_bytes(folder / "t10k-labels-idx1-ubyte.gz", {'x'});
  CHECK(is_line_with(error_of([&] { load_dataset(folder.path()); }), "train-labels-idx1-ubyte",
                     "no such file"));
  CHECK(is_line_with(error_of([&] { load_dataset(folder / "none"); }), "no such data folder"));
}

TEST_CASE(
    "CIFAR-10 as published is known by the SHA-256 of its six files, or by the five for training") {
  const SmallCifar small;
  const std::vector<std::string> published = {
      "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
      "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
      "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
      "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
      "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
      "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"};
  // The loader lists the files in the order of the table.
  std::vector<DataFile> files = load_dataset(small.path()).files;
  CHECK(known_dataset(files).empty());  // CIFAR-10's classes and another's images
  REQUIRE(files.size() == published.size());
  for (std::size_t i = 0; i < files.size(); ++i) files[i].sha256 = published[i];
  CHECK(known_dataset(files) == "CIFAR-10");
  for (std::size_t i = 0; i < files.size(); ++i) {
    std::vector<DataFile> changed = files;
    changed[i].sha256 = published[(i + 1) % 6];
    CHECK(known_dataset(changed).empty());
  }
  files.pop_back();  // as with a holdout
  CHECK(known_dataset(files) == "CIFAR-10");
  files.pop_back();
  CHECK(known_dataset(files).empty());
  CHECK(known_dataset({}).empty());
}
