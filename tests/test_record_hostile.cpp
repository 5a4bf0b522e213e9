// record: files made to harm whoever reads them (fixtures/hostile). Each is one line, in seconds
// and in little memory.
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <map>

#include "reprise/core/digest.hpp"
#include "reprise/core/file.hpp"
#include "reprise/core/random.hpp"
#include "reprise/record_file/reader_process.hpp"
#include "reprise/record_file/reader_program.hpp"
#include "reprise/record_file/record_file.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"
#include "support/errors.hpp"
#include "support/sample_record.hpp"
#include "support/temporary_folder.hpp"

using namespace reprise;
using namespace reprise::details;
using reprise::test::bytes_of;
using reprise::test::CommandResult;
using reprise::test::error_of;
using reprise::test::FileBytes;
using reprise::test::is_line_with;
using reprise::test::kBuild;
using reprise::test::run_command;
using reprise::test::sample_record;
using reprise::test::TemporaryFolder;

namespace {

namespace fs = std::filesystem;

const std::string kHostile = REPRISE_FIXTURES "/hostile/";

/// What is said of each file that make_hostile.py writes.
const std::map<std::string, std::string> kMade = {
    {"circle", "/g: linked to more than once"},
    {"compact", "/d: a layout"},
    {"compound", "/d: a type"},
    {"dataset_under_many_names", "/d: linked to more than once"},
    {"deep", "groups in groups"},
    {"escape", "/@k\\x1b[2J\\x1b]0;identical\\x07\\n: an attribute of a type"},
    {"external_fifo", "/d: its values are in another file"},
    {"external_file", "/d: its values are in another file"},
    {"external_link", "/d: a link to elsewhere"},
    {"external_zero", "/d: its values are in another file"},
    {"filter_of_a_plugin", "/d: a filter"},
    {"filters_twice", "/d: a filter"},
    {"large_chunk", "/d: larger chunks"},
    {"list_in_an_attribute", "/@a: an attribute of a type"},
    {"may_grow", "/d: a shape that may grow"},
    {"named_type", "/d: neither a group nor a dataset"},
    {"no_axis", "/d: axis 0 has no name"},
    {"no_bounds", "/d: a shape without bounds"},
    {"no_space", "/d: a space without values"},
    {"nothing_stored", "/d: more or fewer bytes"},
    {"object_reference", "/d: a type"},
    {"of_a_named_type", "/d: a type"},
    {"other_byte_order", "/d: a type"},
    {"other_filter", "/d: a filter"},
    {"soft_link", "/d: a link to elsewhere"},
    {"superblock_0", "superblock of version 0"},
    {"superblock_3", "superblock of version 3"},
    {"tree_of_links", "/g/a: linked to more than once"},
    {"twice_in_a_group", "/a: linked to more than once"},
    {"user_block", "not an HDF5 file"},
    {"virtual_file", "/d: a virtual dataset"},
    {"zeros", "/d: more values"},
};

std::vector<std::string> files_that_begin(const std::string& start) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kHostile)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(start)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// How a process that reads these bytes, whatever they are, fails; "" if it does not.
std::string failure_on(const std::string& path) {
  const std::vector<std::byte> bytes = reprise::read_file(path);
  const ReaderCall call{reader_program(), true, reading_limits(bytes.size())};
  try {
    read_in_process(bytes, call);
  } catch (const ReaderFailure& failure) {
    return failure.what();
  }
  return "";
}

/// The most memory, in MiB, that a process had that this one has waited for.
double peak_memory_of_children() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

/// Writes a file's HDF5 data with the line that makes it whole.
void write_whole(const std::string& path, FileBytes image) {
  const std::string line = "\nsha256:" + sha256_hex(std::as_bytes(std::span(image))) + "\n";
  image.insert(image.end(), line.begin(), line.end());
  test::write_bytes(path, image);
}

/// A record's HDF5 data as they are in its file.
FileBytes image_of(const Record& record, const TemporaryFolder& folder) {
  constexpr std::size_t checksum_size = 73;
  save_record(record, folder / "whole.h5", Overwrite::yes);
  FileBytes bytes = bytes_of(folder / "whole.h5");
  bytes.erase(bytes.end() - checksum_size, bytes.end());
  return bytes;
}

}  // namespace

TEST_CASE("what records do not have is refused by name, in little time and memory") {
  std::vector<std::string> there;
  for (const std::string& name : files_that_begin("")) {
    const bool made =
        name.ends_with(".h5") && !name.starts_with("crash") && !name.starts_with("hang");
    if (made) there.push_back(name.substr(0, name.size() - 3));
  }
  std::vector<std::string> expected;
  for (const auto& [name, line] : kMade) expected.push_back(name);
  CHECK(there == expected);

  const auto begin = std::chrono::steady_clock::now();
  for (const auto& [name, line] : kMade) {
    CAPTURE(name);
    const std::string path = kHostile + name + ".h5";
    const std::string error = error_of([&] { load_record(path); });
    CAPTURE(error);
    CHECK(is_line_with(error, path, line));
    CHECK(error.size() < path.size() + 400);
    CHECK(std::none_of(error.begin(), error.end(), [](char c) { return c >= 0 && c < ' '; }));
  }
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(60));
  CHECK(peak_memory_of_children() < 400);
}

TEST_CASE("files that crash libhdf5 crash the reader alone") {
  for (const std::string& name : files_that_begin("crash")) {
    CAPTURE(name);
    const std::string failure = failure_on(kHostile + name);
    CAPTURE(failure);
#ifdef REPRISE_SANITIZED
    // The crash is an exit status there, or none where the heap's other layout hides it.
    CHECK((failure.empty() || failure.find("status") < failure.size()));
#else
    CHECK(failure.starts_with("crashed the reader"));
#endif
  }
  CHECK(peak_memory_of_children() < 400);
}

/// Processor seconds of the children of this process that have ended.
double seconds_of_children() {
  rusage usage{};
  REQUIRE(getrusage(RUSAGE_CHILDREN, &usage) == 0);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

TEST_CASE("files that libhdf5 reads for ever end after seconds of processor time") {
  for (const std::string& name : files_that_begin("hang")) {
    CAPTURE(name);
    const double before = seconds_of_children();
    const std::string failure = failure_on(kHostile + name);
    const double taken = seconds_of_children() - before;
    // The second limit is on time by the clock, which a crowded machine reaches first.
    CHECK((failure == "took too much time to read" || failure == "took too long to read"));
    CHECK(taken > 0.0);
    CHECK(taken < 10.0);
  }
}

TEST_CASE("every program prints one line for a hostile file and goes no further") {
  const TemporaryFolder folder;
  mkfifo((folder / "fifo").c_str(), 0600);
  for (const char* name : {"crash-1", "hang-1", "external_fifo", "zeros", "escape"}) {
    const std::string path = folder / "r.h5";
    fs::copy_file(kHostile + name + ".h5", path, fs::copy_options::overwrite_existing);
    for (const std::string& program :
         {"experiments/verify " + path, "experiments/compare_records " + path + " " + path,
          "experiments/train_lenet5 --resume --data " REPRISE_FIXTURES "/fashion-mnist --output " +
              path,
          "reports/write_report --output " + (folder / "report") + " " + path}) {
      const CommandResult result =
          run_command("cd " + folder.path() + " && " + kBuild + "/" + program);
      CAPTURE(program, name, result.err);
      CHECK(result.status == (program.starts_with("experiments/verify") ? 4 : 1));
      CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
      CHECK(result.err.find("r.h5") != std::string::npos);
      CHECK(result.out.empty());
    }
  }
  CHECK_FALSE(fs::exists(folder / "report"));
}

TEST_CASE("one text under thousands of references is refused before it fills memory") {
  const TemporaryFolder folder;
  constexpr std::uint32_t size = 30000;
  std::vector<std::string> texts(3000);
  texts[0] = std::string(size, 'A');
  Record record;
  record.datasets["t"] = list(texts, "t");
  FileBytes image = image_of(record, folder);
  // A reference: its text's size and heap's address, 4 and 8 bytes, then its place there, 4 bytes.
  // The first one's is followed by that of an empty text.
  constexpr std::ptrdiff_t reference = 16;
  FileBytes size_bytes(sizeof size);
  std::memcpy(size_bytes.data(), &size, sizeof size);
  const FileBytes none(sizeof size);
  auto at = std::search(image.begin(), image.end(), size_bytes.begin(), size_bytes.end());
  while (image.end() - at > 3000 * reference &&
         !std::equal(none.begin(), none.end(), at + reference)) {
    at = std::search(at + 1, image.end(), size_bytes.begin(), size_bytes.end());
  }
  REQUIRE(image.end() - at > 3000 * reference);
  for (int i = 1; i < 3000; ++i) std::copy_n(at, reference, at + i * reference);
  write_whole(folder / "bomb.h5", image);
  CHECK(is_line_with(error_of([&] { load_record(folder / "bomb.h5"); }), "/t: more values"));
  CHECK(peak_memory_of_children() < 400);
}

TEST_CASE("what save_record writes is inside the limits, however well it compresses") {
  const TemporaryFolder folder;
  Record record;
  record.datasets["zeros"] = list(std::vector<std::uint8_t>(100'000'000), "place");
  record.datasets["texts"] = list(std::vector<std::string>(300'000), "text");
  for (int i = 0; i < 3000; ++i) record.groups["g"].attributes[std::to_string(i)] = 1.0;
  for (int i = 0; i < 300; ++i) record.groups["g"].groups[std::to_string(i)];
  const std::string digest = save_record(record, folder / "r.h5");
  CHECK(digest_of(load_record(folder / "r.h5")) == digest);
}

TEST_CASE("changed bytes of a record with a right checksum are a line or a record, never more") {
  const TemporaryFolder folder;
  Record record = sample_record();
  record.groups.erase("evaluation");
  const FileBytes original = image_of(record, folder);
  const RandomStream stream = RandomStream(1).child("mutations of an image");
  int refused = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const RandomStream draw = stream.child(i);
    FileBytes image = original;
    for (std::uint64_t change = 0; change <= draw.below(3, 0); ++change) {
      image[48 + draw.below(image.size() - 48, 2 * change + 1)] =
          static_cast<std::uint8_t>(draw.below(256, 2 * change + 2));
    }
    write_whole(folder / "changed.h5", image);
    const std::string error = error_of([&] { load_record(folder / "changed.h5"); });
    CHECK((error.empty() || is_line_with(error, "changed.h5")));
    if (!error.empty()) ++refused;
  }
  CHECK(refused > 100);
}
