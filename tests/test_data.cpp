// data: IDX files, data sets, batches, and everything that may be wrong with the files.
#include <unistd.h>

#include <filesystem>
#include <numeric>

#include "reprise/core/digest.hpp"
#include "reprise/core/random.hpp"
#include "reprise/data/batches.hpp"
#include "reprise/data/dataset.hpp"
#include "reprise/data/idx.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/errors.hpp"
#include "support/skip.hpp"
#include "support/temporary_folder.hpp"

using namespace reprise;
using reprise::test::bytes_of;
using reprise::test::error_of;
using reprise::test::FileBytes;
using reprise::test::is_line_with;
using reprise::test::kFixture;
using reprise::test::TemporaryFolder;
using reprise::test::write_bytes;

namespace {

const std::string kTrainImages = "train-images-idx3-ubyte";
const std::string kTrainLabels = "train-labels-idx1-ubyte";
const std::string kTestImages = "t10k-images-idx3-ubyte";
const std::string kTestLabels = "t10k-labels-idx1-ubyte";

void append_big_endian(FileBytes& bytes, std::uint32_t value) {
  for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

/// An IDX file of unsigned bytes.
FileBytes idx(const std::vector<std::uint32_t>& sizes, const FileBytes& values) {
  FileBytes bytes;
  append_big_endian(bytes, 0x00000800U | static_cast<std::uint32_t>(sizes.size()));
  for (const std::uint32_t size : sizes) append_big_endian(bytes, size);
  bytes.insert(bytes.end(), values.begin(), values.end());
  return bytes;
}

/// A folder with a valid data set of 3 + 2 images, 2x3, labels 0 to 2; write() spoils it.
class SmallDataset {
 public:
  SmallDataset() {
    FileBytes pixels(18);
    std::iota(pixels.begin(), pixels.end(), std::uint8_t{0});
    write(kTrainImages, idx({3, 2, 3}, pixels));
    write(kTrainLabels, idx({3}, {0, 1, 2}));
    write(kTestImages, idx({2, 2, 3}, FileBytes(12, 255)));
    write(kTestLabels, idx({2}, {2, 0}));
  }
  void write(const std::string& name, const FileBytes& bytes) const {
    write_bytes(folder_ / name, bytes);
  }
  void write(const std::string& name, const std::string& text) const {
    write(name, FileBytes(text.begin(), text.end()));
  }
  void remove(const std::string& name) const { std::filesystem::remove(folder_ / name); }
  void make_folder(const std::string& name) const {
    std::filesystem::create_directory(folder_ / name);
  }
  void copy(const std::string& from, const std::string& to) const {
    std::filesystem::copy_file(folder_ / from, folder_ / to);
  }
  void move(const std::string& from, const std::string& to) const {
    std::filesystem::rename(folder_ / from, folder_ / to);
  }
  [[nodiscard]] ImageDataset load() const { return load_idx_dataset(folder_.path()); }
  [[nodiscard]] std::string error() const {
    return error_of([&] { (void)load(); });
  }
  [[nodiscard]] const std::string& path() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
};

/// Makes root, whom no permission stops, another user for as long as it lives.
class WithoutPrivilege {
 public:
  WithoutPrivilege() {
    constexpr uid_t nobody = 65534;
    if (was_root_) REQUIRE(seteuid(nobody) == 0);
  }
  WithoutPrivilege(const WithoutPrivilege&) = delete;
  WithoutPrivilege& operator=(const WithoutPrivilege&) = delete;
  ~WithoutPrivilege() {
    if (was_root_) seteuid(0);
  }

 private:
  bool was_root_ = geteuid() == 0;
};

/// What read_idx says of a file with these bytes; "" if it reads them.
std::string error_of_idx(const FileBytes& bytes, std::size_t rank) {
  const TemporaryFolder folder;
  write_bytes(folder / "file", bytes);
  const std::string error = error_of([&] { read_idx(folder / "file", rank); });
  if (!error.empty()) CHECK(is_line_with(error, folder / "file"));
  return error;
}

/// The training labels of the fixture, gzipped: 2,000 values.
FileBytes gzipped_labels() {
  return bytes_of(kFixture + "/" + kTrainLabels + ".gz");
}

}  // namespace

TEST_CASE("an IDX file reads the same gzipped and plain") {
  const IdxArray packed = read_idx(kFixture + "/" + kTestImages + ".gz", 3);
  CHECK(packed.sizes == std::vector<std::size_t>{500, 28, 28});
  REQUIRE(packed.values.size() == 500 * 28 * 28);

  const TemporaryFolder folder;
  const FileBytes plain_bytes = idx({500, 28, 28}, packed.values);
  write_bytes(folder / "plain", plain_bytes);
  const IdxArray plain = read_idx(folder / "plain", 3);
  CHECK(plain.sizes == packed.sizes);
  CHECK(plain.values == packed.values);
  CHECK(plain.sha256 == packed.sha256);
  CHECK(plain.sha256 == sha256_hex(std::as_bytes(std::span(plain_bytes))));
}

TEST_CASE("gzip members that follow each other are one file") {
  // Twice the same labels: the header announces 2,000 values, the rest is too much.
  FileBytes twice = gzipped_labels();
  const FileBytes once = twice;
  twice.insert(twice.end(), once.begin(), once.end());
  CHECK(is_line_with(error_of_idx(twice, 1), "more values than its header says"));
}

TEST_CASE("zero bytes and empty members after gzip data do no harm") {
  const FileBytes good = gzipped_labels();
  FileBytes padded = good;
  padded.resize(good.size() + 700);
  CHECK(error_of_idx(padded, 1).empty());
  padded.back() = 1;
  CHECK(is_line_with(error_of_idx(padded, 1), "700 bytes follow"));
  // What `gzip </dev/null` writes.
  const FileBytes empty{0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  FileBytes members = good;
  members.insert(members.end(), empty.begin(), empty.end());
  CHECK(error_of_idx(members, 1).empty());
  members.resize(members.size() + 40);
  CHECK(error_of_idx(members, 1).empty());
}

TEST_CASE("a damaged IDX file is refused with what is wrong") {
  const FileBytes good = gzipped_labels();
  REQUIRE(error_of_idx(good, 1).empty());

  for (const std::size_t missing : {std::size_t{1}, std::size_t{8}, good.size() / 2}) {
    CHECK(is_line_with(error_of_idx({good.begin(), good.end() - static_cast<long>(missing)}, 1),
                       "truncated"));
  }
  CHECK(is_line_with(error_of_idx({0x1F, 0x8B}, 1), "truncated"));
  FileBytes wrong_crc = good;
  wrong_crc[good.size() - 8] ^= 1;
  CHECK(is_line_with(error_of_idx(wrong_crc, 1), "damaged", "check"));
  FileBytes wrong_length = good;
  wrong_length[good.size() - 1] ^= 1;
  CHECK(is_line_with(error_of_idx(wrong_length, 1), "damaged", "length"));
  FileBytes wrong_header = good;
  wrong_header[2] = 9;  // the compression method
  CHECK(is_line_with(error_of_idx(wrong_header, 1), "damaged"));
  FileBytes stray = good;
  stray.push_back('x');
  CHECK(is_line_with(error_of_idx(stray, 1), "1 bytes follow"));

  CHECK(is_line_with(error_of_idx(good, 3), "0x00000801", "0x00000803"));
  CHECK(is_line_with(error_of_idx(idx({1, 1, 1}, {0}), 1), "0x00000803", "0x00000801"));
  CHECK(is_line_with(error_of_idx({'t', 'e', 'x', 't'}, 1), "0x74657874"));
  CHECK(is_line_with(error_of_idx({}, 1), "within its header"));
  CHECK(is_line_with(error_of_idx({0, 0, 8, 1, 0, 0}, 1), "within its header"));
  CHECK(is_line_with(error_of_idx(idx({3}, {1, 2}), 1), "2 values", "3"));
  CHECK(is_line_with(error_of_idx(idx({3}, {1, 2, 3, 4}), 1), "more values", "3"));
}

TEST_CASE("dimensions that overflow are refused, and those that lie take no memory") {
  const std::uint32_t most = 0xFFFFFFFF;
  CHECK(is_line_with(error_of_idx(idx({most, most, most}, {}), 3), "over 2^40"));
  // The product is 2^64, which is 0 in 64 bits.
  CHECK(is_line_with(error_of_idx(idx({1U << 22, 1U << 21, 1U << 21}, {}), 3), "over 2^40"));
  CHECK(is_line_with(error_of_idx(idx({1U << 20, 1U << 20, 2}, {}), 3), "over 2^40"));
  CHECK(is_line_with(error_of_idx(idx({1U << 20, 1U << 20, 1}, {7}), 3), "1 values",
                     "1099511627776"));
}

TEST_CASE("300 random mutations of a gzipped IDX file are refused or do no harm") {
  const FileBytes original = gzipped_labels();
  const RandomStream stream = RandomStream(1).child("mutations of an IDX file");
  for (std::uint64_t i = 0; i < 300; ++i) {
    const RandomStream draw = stream.child(i);
    FileBytes bytes = original;
    for (std::uint64_t change = 0; change <= draw.below(4, 0); ++change) {
      bytes[draw.below(bytes.size(), 2 * change + 1)] =
          static_cast<std::uint8_t>(draw.below(256, 2 * change + 2));
    }
    error_of_idx(bytes, 1);
    error_of_idx(
        {original.begin(), original.begin() + static_cast<long>(draw.below(original.size(), 99))},
        1);
  }
}

TEST_CASE("the fixture is what its class_names.txt says") {
  const ImageDataset dataset = load_idx_dataset(kFixture);
  CHECK(dataset.name == "Fashion-MNIST (2,000 + 500 images)");
  REQUIRE(dataset.class_names.size() == 10);
  CHECK(dataset.class_names[9] == "Ankle boot");
  CHECK(dataset.train.count == 2000);
  CHECK(dataset.test.count == 500);
  CHECK(dataset.train.image_size() == 784);
  CHECK(dataset.train.channels == 1);
  for (std::uint8_t label = 0; label < 10; ++label) {
    CHECK(std::count(dataset.train.labels.begin(), dataset.train.labels.end(), label) == 200);
  }
  REQUIRE(dataset.files.size() == 4);
  CHECK(dataset.files[0].name == kTrainImages);
  CHECK(dataset.files[3].name == kTestLabels);
}

TEST_CASE("Fashion-MNIST is known by the digests of its files, where it is installed") {
  if (!std::filesystem::exists(default_data_folder())) {
    REPRISE_SKIP("dataset-fashion-mnist is not installed");
  }
  const ImageDataset dataset = load_idx_dataset(default_data_folder());
  CHECK(dataset.name == "Fashion-MNIST");
  CHECK(dataset.class_names.front() == "T-shirt/top");
  CHECK(dataset.class_names.size() == 10);
  CHECK(dataset.train.count == 60000);
  CHECK(dataset.test.count == 10000);
}

TEST_CASE("a data set unknown and unnamed goes by its folder and the digits") {
  const SmallDataset small;
  const ImageDataset dataset = small.load();
  CHECK(dataset.name == std::filesystem::path(small.path()).filename());
  CHECK(load_idx_dataset(small.path() + "/").name == dataset.name);
  CHECK(load_idx_dataset(small.path() + "/.").name == dataset.name);
  CHECK(dataset.class_names ==
        std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"});
  CHECK(dataset.train.labels == FileBytes{0, 1, 2});
  CHECK(dataset.train.height == 2);
  CHECK(dataset.train.width == 3);
}

TEST_CASE("class_names.txt names a data set and its classes") {
  const SmallDataset small;
  small.write("class_names.txt", "Three things\r\nfirst\r\nGröße \nthird\n\n");
  const ImageDataset dataset = small.load();
  CHECK(dataset.name == "Three things");
  CHECK(dataset.class_names == std::vector<std::string>{"first", "Größe", "third"});

  small.write("class_names.txt", "Two things\nfirst\nsecond\n");
  CHECK(is_line_with(small.error(), kTrainLabels, "label 2 of image 2", "0 to 1"));
  small.write("class_names.txt", "");
  CHECK(is_line_with(small.error(), "class_names.txt", "0 lines"));
  small.write("class_names.txt", "name\n\xFF\n");
  CHECK(is_line_with(small.error(), "class_names.txt", "UTF-8"));
}

TEST_CASE("a plain file is taken before a gzipped one") {
  const SmallDataset small;
  small.write(kTrainLabels + ".gz", "not even gzip");
  CHECK(small.error().empty());
  small.remove(kTrainLabels);
  CHECK_FALSE(small.error().empty());
}

TEST_CASE("files are found under the names that downloads give them") {
  const std::vector<std::string> names = {kTrainImages, kTrainLabels, kTestImages, kTestLabels};
  const auto dotted = [](std::string name) { return name.replace(name.find("-idx"), 4, ".idx"); };
  const SmallDataset small;
  const ImageDataset plain = small.load();
  const auto check_same = [&] {
    CHECK(small.error().empty());
    const ImageDataset dataset = load_dataset(small.path());
    CHECK(dataset.train.pixels == plain.train.pixels);
    CHECK(dataset.test.labels == plain.test.labels);
    REQUIRE(dataset.files.size() == 4);
    CHECK(dataset.files[0].name == kTrainImages);
    CHECK(dataset.files[0].sha256 == plain.files[0].sha256);
  };
  SECTION("a dot for a dash") {
    for (const std::string& name : names) small.move(name, dotted(name));
    check_same();
  }
  SECTION("a folder of the file's name") {
    for (const std::string& name : names) {
      small.move(name, "x");
      small.make_folder(name);
      small.move("x", name + "/" + (name == kTestLabels ? dotted(name) : name));
    }
    check_same();
  }
  SECTION("in several ways: copies are taken, differing files are not") {
    for (const std::string& name : names) small.copy(name, dotted(name));
    check_same();
    small.write(dotted(kTestLabels), idx({2}, {2, 1}));
    CHECK(is_line_with(small.error(), kTestLabels, dotted(kTestLabels), "differ", "copies"));
  }
  SECTION("a folder of the file's name without the file") {
    small.remove(kTestLabels);
    small.make_folder(kTestLabels);
    CHECK(is_line_with(small.error(), kTestLabels, "no such file"));
  }
}

TEST_CASE("class_names.txt may have a byte order mark and carriage returns") {
  const SmallDataset small;
  small.write("class_names.txt", "\xEF\xBB\xBFThree things\r\nfirst\r\nsecond\r\nthird\r\n");
  const ImageDataset dataset = small.load();
  CHECK(dataset.name == "Three things");
  CHECK(dataset.class_names == std::vector<std::string>{"first", "second", "third"});
}

TEST_CASE("a data folder that this user may not search is refused with the reason") {
  const SmallDataset small;
  const auto errors_of_another_user = [&] {
    const WithoutPrivilege another;
    return std::vector<std::string>{error_of([&] { load_dataset(small.path()); }),
                                    error_of([&] { load_dataset(small.path() + "/inner"); })};
  };
  small.make_folder("inner");
  std::filesystem::permissions(small.path(), std::filesystem::perms::none);
  const std::vector<std::string> errors = errors_of_another_user();
  std::filesystem::permissions(small.path(), std::filesystem::perms::owner_all);
  for (const std::string& error : errors) {
    CHECK(is_line_with(error, small.path(), "Permission denied", "searched"));
  }
}

TEST_CASE("a data folder that is missing or no folder is refused") {
  const SmallDataset small;
  const auto error = [](const std::string& folder) {
    return error_of([&] { load_idx_dataset(folder); });
  };
  CHECK(is_line_with(error(small.path() + "/none"), "/none", "no such data folder"));
  CHECK(is_line_with(error(small.path() + "/" + kTrainLabels), "not a folder"));
}

TEST_CASE("each missing file is named") {
  for (const auto& name : {kTrainImages, kTrainLabels, kTestImages, kTestLabels}) {
    const SmallDataset small;
    small.remove(name);
    CHECK(is_line_with(small.error(), name, "no such file"));
  }
}

TEST_CASE("images and labels that do not fit each other are refused") {
  SECTION("fewer labels than images") {
    const SmallDataset small;
    small.write(kTrainLabels, idx({2}, {0, 1}));
    CHECK(is_line_with(small.error(), "3 images", "2 labels"));
  }
  SECTION("labels in the place of images") {
    const SmallDataset small;
    small.write(kTestImages, idx({2}, {0, 1}));
    CHECK(is_line_with(small.error(), kTestImages, "0x00000801"));
  }
  SECTION("training and test images of different sizes") {
    const SmallDataset small;
    small.write(kTestImages, idx({2, 3, 2}, FileBytes(12)));
    CHECK(is_line_with(small.error(), "2x3", "3x2"));
  }
  SECTION("a label outside the classes") {
    const SmallDataset small;
    small.write(kTestLabels, idx({2}, {9, 10}));
    CHECK(is_line_with(small.error(), kTestLabels, "label 10 of image 1", "0 to 9"));
  }
  SECTION("no images") {
    const SmallDataset small;
    small.write(kTestImages, idx({0, 2, 3}, {}));
    small.write(kTestLabels, idx({0}, {}));
    CHECK(is_line_with(small.error(), kTestImages, "no pixels"));
  }
  SECTION("images without pixels") {
    const SmallDataset small;
    small.write(kTestImages, idx({2, 0, 3}, {}));
    CHECK(is_line_with(small.error(), kTestImages, "no pixels"));
  }
}

TEST_CASE("an epoch's order is a function of stream and epoch, with every image once") {
  const RandomStream stream = RandomStream(1).child("shuffle");
  const std::vector<std::uint32_t> order = epoch_order(stream, 3, 100);
  CHECK(order == epoch_order(stream, 3, 100));
  CHECK(order != epoch_order(stream, 4, 100));
  CHECK(order != epoch_order(RandomStream(2).child("shuffle"), 3, 100));
  std::vector<std::uint32_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (std::uint32_t i = 0; i < 100; ++i) CHECK(sorted[i] == i);
  CHECK(is_line_with(error_of([&] { epoch_order(stream, 0, std::size_t{1} << 32); }), "2^32"));
}

TEST_CASE("a batch holds pixel over 255 and the labels of its images") {
  const SmallDataset small;
  const ImageSet set = small.load().train;
  const std::vector<std::uint32_t> indices = {2, 0, 2};
  std::vector<float> images(18, -1.0F);
  FileBytes labels(3);
  gather_images(set, indices, images.data());
  gather_labels(set, indices, labels.data());
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(images[i] == static_cast<float>(12 + i) / 255.0F);
    CHECK(images[6 + i] == static_cast<float>(i) / 255.0F);
    CHECK(images[12 + i] == images[i]);
  }
  CHECK(labels == FileBytes{2, 0, 2});
}
