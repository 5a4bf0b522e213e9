// record: the tree, its digest, its differences, and HDF5 files.
#include "reprise/record/record.hpp"

#include <atomic>
#include <limits>
#include <thread>

#include "reprise/core/random.hpp"
#include "reprise/record_file/record_file.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/file_size_limit.hpp"
#include "support/sample_record.hpp"
#include "support/temporary_folder.hpp"

using namespace reprise;
using reprise::test::bytes_of;
using reprise::test::error_of;
using reprise::test::FileBytes;
using reprise::test::FileSizeLimit;
using reprise::test::is_line_with;
using reprise::test::sample_record;
using reprise::test::TemporaryFolder;
using reprise::test::write_bytes;

namespace {

/// The line after a file's HDF5 data.
constexpr std::size_t kChecksumSize = 73;

/// "path: what" of each difference.
std::vector<std::string> difference_lines(const Record& a, const Record& b, std::size_t most = 20) {
  std::vector<std::string> lines;
  for (const auto& [path, what] : differences(a, b, most)) lines.push_back(path + ": " + what);
  return lines;
}

/// What load_record says of a file with these bytes; "" if it loads.
std::string error_of_bytes(const TemporaryFolder& folder, const FileBytes& bytes,
                           const LoadOptions& options = {}) {
  write_bytes(folder / "changed.h5", bytes);
  return error_of([&] { load_record(folder / "changed.h5", options); });
}

}  // namespace

TEST_CASE("a record's parts are found by path, and a wrong path lists what there is") {
  const Record record = sample_record();
  CHECK(record.dataset("model/conv1/bias").shape == std::vector<std::size_t>{6});
  CHECK(&record.dataset("/history/epoch") == &record.group("history").dataset("epoch"));
  CHECK(&record.group("/") == &record);
  CHECK(&record.group("model/") == &record.groups.at("model"));
  CHECK(record.values<std::int64_t>("history/epoch") == std::vector<std::int64_t>{1, 2, 3});
  CHECK(record.group("configuration").attribute<double>("learning_rate") == 0.001);

  const auto missing = [&](const char* path) {
    return error_of([&] { (void)record.dataset(path); });
  };
  CHECK(is_line_with(missing("history/epcoh"), "no dataset \"epcoh\"", "test_loss"));
  CHECK(is_line_with(missing("hist/epoch"), "no group \"hist\"", "history"));
  CHECK(is_line_with(missing("model/conv1"), "no dataset \"conv1\""));
  CHECK(is_line_with(error_of([&] { (void)record.values<float>("history/epoch"); }), "int64",
                     "float32"));
  CHECK(
      is_line_with(error_of([&] { (void)record.attribute<double>("title"); }), "text", "float64"));
  CHECK(is_line_with(error_of([&] { (void)record.attribute<double>("none"); }), "none", "title"));
}

TEST_CASE("the digest follows the walk in the header") {
  // The walk of an empty record, written out: text("reprise record 2") and three counts of 0:
  //   printf '\x10\0\0\0\0\0\0\0reprise record 2%b' "$(printf '\\0%.0s' {1..24})" | sha256sum
  CHECK(digest_of({}) == "c7c51b4cbc9e4644654e3a8000fde1f96dfb201bd74c2ac00defb3317281079e");
  Record format_1;
  format_1.attributes["format"] = "reprise record 1";
  CHECK(digest_of(format_1) == "a0b4affe3043f88f196654bc6bfbe67dc80f1ca755e16e99f569f2be490bddd1");
  // test_record_readers.py takes the digest of the sample record from its file, by h5py.
}

TEST_CASE("every change outside the environment changes the digest and is a difference") {
  const Record original = sample_record();
  const auto changed = [](const auto& change) {
    Record record = sample_record();
    change(record);
    return record;
  };
  const std::vector<Record> variants = {
      changed([](Record& r) { r.attributes["title"] = "a samplf"; }),
      changed([](Record& r) { r.attributes.erase("title"); }),
      changed([](Record& r) { r.attributes["new"] = ""; }),
      changed([](Record& r) { r.groups["configuration"].attributes["seed"] = 1.0; }),
      changed([](Record& r) { r.groups["history"].datasets["train_loss"].attributes.clear(); }),
      changed([](Record& r) { r.groups["history"].datasets.erase("train_loss"); }),
      changed([](Record& r) { r.groups["history"].datasets["train_loss"].dimensions = {"step"}; }),
      changed([](Record& r) {
        std::get<std::vector<double>>(r.groups["history"].datasets["train_loss"].values)[2] = 0.0;
      }),
      changed([](Record& r) {
        std::get<std::vector<double>>(r.groups["history"].datasets["test_loss"].values)[2] *= -1;
      }),
      changed([](Record& r) {
        r.groups["evaluation"].datasets["logits"].shape = {10, 5};
      }),
      changed([](Record& r) {
        r.groups["history"].datasets["epoch"].values = std::vector<std::uint32_t>{1, 2, 3};
      }),
      changed([](Record& r) {
        r.groups["data"].datasets["class_names"] =
            list<std::string>({"T-shirt/topGröße", "", "", "Ankle boot"}, "class");
      }),
      changed([](Record& r) { r.groups["empty"]; }),
      changed([](Record& r) { r.groups["model"].groups["environment"]; }),
      changed([](Record& r) { r.groups["model"].groups.erase("conv1"); })};
  for (std::size_t i = 0; i < variants.size(); ++i) {
    CAPTURE(i);
    CHECK(digest_of(variants[i]) != digest_of(original));
    CHECK_FALSE(differences(original, variants[i]).empty());
    CHECK_FALSE(differences(variants[i], original).empty());
  }
}

TEST_CASE("the environment and what belongs to the file change neither digest nor differences") {
  Record record = sample_record();
  record.groups.erase("environment");
  record.attributes["digest"] = "sha256:0";
  record.attributes["format"] = "another";
  CHECK(digest_of(record) == digest_of(sample_record()));
  CHECK(differences(record, sample_record()).empty());
  record.groups["model"].attributes["digest"] = "below the root it counts";
  CHECK(digest_of(record) != digest_of(sample_record()));
}

TEST_CASE("NaN is NaN on every machine, to the digest and to differences") {
  const auto record = [](double nan) {
    Record made;
    made.attributes["rate"] = nan;
    made.datasets["loss"] = list<double>({1.0, nan}, "epoch");
    made.datasets["logits"] = list<float>({static_cast<float>(nan)}, "class");
    return made;
  };
  const Record positive = record(std::numeric_limits<double>::quiet_NaN());
  const Record negative = record(-std::numeric_limits<double>::quiet_NaN());
  CHECK(digest_of(positive) == digest_of(negative));
  CHECK(differences(positive, negative).empty());
  CHECK(digest_of(positive) != digest_of(record(1.0)));
}

TEST_CASE("differences say where, both values, and how many floats lie between") {
  Record a;
  a.attributes = {{"seed", std::int64_t{1}}, {"rate", 0.1}, {"name", "first"}};
  a.datasets["loss"] = {{2, 2}, std::vector<float>{0.5F, 1.0F, -0.0F, 3.0F}, {"row", "column"}};
  a.datasets["scalar"] = scalar_text("the same start, then this");
  a.groups["only_a"];
  Record b;
  b.attributes = {{"seed", std::int64_t{2}}, {"rate", std::int64_t{1}}, {"name", "second"}};
  b.datasets["loss"] = {
      {2, 2},
      std::vector<float>{0.5F, std::nextafter(1.0F, 2.0F), std::numeric_limits<float>::denorm_min(),
                         std::numeric_limits<float>::quiet_NaN()},
      {"row", "column"}};
  b.datasets["scalar"] = scalar_text("the same start, then that");
  b.datasets["only_b"] = list<float>({}, "x");
  CHECK(difference_lines(a, b) ==
        std::vector<std::string>{
            "/@name: \"first\" against \"second\"", "/@rate: float64 against int64",
            "/@seed: 1 against 2", "/loss[0,1]: 1 against 1.0000001, 1 ulp apart",
            "/loss[1,0]: -0 against 1e-45, 1 ulp apart", "/loss[1,1]: 3 against nan",
            "/only_b: missing in the first",
            "/scalar: ...\"e start, then this\" against ...\"e start, then that\"",
            "/only_a: missing in the second"});
  CHECK(difference_lines(a, b, 4).size() == 4);
}

TEST_CASE("differences of types, shapes and axes are named, not counted element by element") {
  const auto with = [](Dataset dataset) {
    Record record;
    record.groups["g"].datasets["d"] = std::move(dataset);
    return record;
  };
  const Record a = with({{2, 3}, std::vector<float>(6), {"x", "y"}});
  CHECK(difference_lines(a, with({{3, 2}, std::vector<float>(6, 1.0F), {"x", "y"}})) ==
        std::vector<std::string>{"/g/d: shape 2x3 against 3x2"});
  CHECK(difference_lines(a, with({{2, 3}, std::vector<double>(6), {"x", "y"}})) ==
        std::vector<std::string>{"/g/d: float32 against float64"});
  CHECK(difference_lines(a, with({{2, 3}, std::vector<float>(6), {"x", "z"}})) ==
        std::vector<std::string>{"/g/d: axes x, y against x, z"});
}

TEST_CASE("a tree that cannot be kept is refused with its path") {
  const auto refusal = [](const auto& change) {
    Record record;
    change(record.groups["g"]);
    return error_of([&] { digest_of(record); });
  };
  const std::string zero("a\0b", 3);
  CHECK(is_line_with(refusal([](Group& g) {
                       g.datasets["d"] = {{3}, std::vector<float>(2), {"x"}};
                     }),
                     "/g/d", "2 values", "3"));
  CHECK(is_line_with(refusal([](Group& g) {
                       g.datasets["d"] = {{std::size_t{1} << 33, std::size_t{1} << 33},
                                          std::vector<float>(),
                                          {"x", "y"}};
                     }),
                     "/g/d"));
  CHECK(is_line_with(refusal([](Group& g) {
                       g.datasets["d"] = {{2}, std::vector<float>(2), {}};
                     }),
                     "/g/d", "0 axis names"));
  CHECK(is_line_with(refusal([](Group& g) { g.datasets["a/b"] = scalar_text(""); }), "a/b"));
  CHECK(is_line_with(refusal([](Group& g) { g.groups[""]; }), "/g/"));
  CHECK(is_line_with(refusal([](Group& g) { g.attributes[".."] = 1.0; }), "/g"));
  CHECK(is_line_with(refusal([](Group& g) { g.datasets["d"] = list<float>({}, "a/b"); }), "/g/d"));
  CHECK(is_line_with(refusal([&](Group& g) { g.datasets["d"] = scalar_text(zero); }), "/g/d"));
  CHECK(is_line_with(refusal([&](Group& g) { g.attributes["t"] = "\xFF"; }), "/g@t"));
  CHECK(is_line_with(refusal([](Group& g) {
                       g.datasets["d"] = scalar_text("");
                       g.groups["d"];
                     }),
                     "/g/d", "both"));
}

TEST_CASE("a record with every type comes back from its file") {
  const TemporaryFolder folder;
  const Record record = sample_record();
  const std::string digest = save_record(record, folder / "record.h5");
  CHECK(digest == digest_of(record));
  CHECK(folder.names() == std::vector<std::string>{"record.h5"});

  const Record loaded = load_record(folder / "record.h5");
  CHECK(differences(record, loaded).empty());
  CHECK(loaded.attribute<std::string>("digest") == "sha256:" + digest);
  CHECK(loaded.attribute<std::string>("format") == "reprise record 2");
  CHECK(differences(record.group("environment"), loaded.group("environment")).empty());
}

TEST_CASE("the same tree gives the same bytes again, also when loaded in between") {
  const TemporaryFolder folder;
  save_record(sample_record(), folder / "first.h5");
  save_record(sample_record(), folder / "second.h5");
  save_record(load_record(folder / "first.h5"), folder / "third.h5");
  CHECK(bytes_of(folder / "first.h5") == bytes_of(folder / "second.h5"));
  CHECK(bytes_of(folder / "first.h5") == bytes_of(folder / "third.h5"));
}

TEST_CASE("large arrays come back, those of integers compressed in chunks") {
  const TemporaryFolder folder;
  Record record;
  std::vector<std::int64_t> values(900000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int64_t>(i % 1000);
  record.datasets["large"] = {{3000, 300}, values, {"row", "column"}};
  record.datasets["long"] = list<std::uint8_t>(std::vector<std::uint8_t>(3000000), "place");
  record.datasets["wide"] = {{1, 400000}, std::vector<std::uint32_t>(400000, 7), {"one", "column"}};
  record.datasets["floats"] = list<float>(std::vector<float>(100000, 2.5F), "place");
  save_record(record, folder / "record.h5");
  // "wide" (a row beyond a chunk) and "floats" take 2,000,000 bytes; the others less than 1 in 10.
  CHECK(bytes_of(folder / "record.h5").size() < 3000000);
  CHECK(differences(record, load_record(folder / "record.h5")).empty());
}

TEST_CASE("an attribute that HDF5 keeps for itself is refused") {
  const TemporaryFolder folder;
  Record record;
  record.datasets["d"] = list<float>({1}, "x");
  record.datasets["d"].attributes["CLASS"] = "text";
  CHECK(is_line_with(error_of([&] { save_record(record, folder / "r.h5"); }), "d@CLASS"));
  CHECK(folder.names().empty());
}

TEST_CASE("a record that exists is overwritten on request only") {
  const TemporaryFolder folder;
  const std::string path = folder / "record.h5";
  save_record({}, path);
  CHECK(
      is_line_with(error_of([&] { save_record(sample_record(), path); }), path, "exists already"));
  CHECK(load_record(path).groups.empty());
  save_record(sample_record(), path, Overwrite::yes);
  CHECK(load_record(path).groups.size() == 6);
  CHECK(folder.names() == std::vector<std::string>{"record.h5"});
}

TEST_CASE("a record that cannot be written leaves nothing and replaces nothing") {
  const TemporaryFolder folder;
  save_record({}, folder / "old.h5");
  const FileBytes old = bytes_of(folder / "old.h5");
  {
    const FileSizeLimit limit(10000);
    for (const std::string name : {"old.h5", "new.h5"}) {
      const auto save = [&] { save_record(sample_record(), folder / name, Overwrite::yes); };
      CHECK(is_line_with(error_of(save), name, "File too large"));
    }
  }
  const auto save = [&] { save_record(sample_record(), folder / "none/new.h5"); };
  CHECK(is_line_with(error_of(save), "none/new.h5", "does not exist"));
  CHECK(folder.names() == std::vector<std::string>{"old.h5"});
  CHECK(bytes_of(folder / "old.h5") == old);
}

TEST_CASE("a file that is no record, or none at all, is refused with the reason") {
  const TemporaryFolder folder;
  CHECK(
      is_line_with(error_of([&] { load_record(folder / "none.h5"); }), "none.h5", "No such file"));
  CHECK(is_line_with(error_of([&] { load_record(folder.path()); }), "Is a directory"));
  CHECK(is_line_with(error_of_bytes(folder, {}), "not an HDF5 file"));
  CHECK(is_line_with(error_of_bytes(folder, {'t', 'e', 'x', 't'}), "not an HDF5 file"));
  CHECK(is_line_with(error_of([] { load_record(REPRISE_FIXTURES "/golden/layers.h5"); }),
                     "layers.h5"));
}

TEST_CASE("every truncation and every flipped byte of a record is noticed") {
  const TemporaryFolder folder;
  save_record(sample_record(), folder / "record.h5");
  const FileBytes bytes = bytes_of(folder / "record.h5");
  const auto cut = [&](std::size_t size) {
    return error_of_bytes(folder,
                          {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)});
  };
  CHECK(is_line_with(cut(bytes.size() - 1), "changed.h5"));
  CHECK(is_line_with(cut(bytes.size() - kChecksumSize - 1), "truncated"));
  CHECK(is_line_with(cut(bytes.size() / 2), "truncated"));
  for (std::size_t size = 0; size < bytes.size(); size += size < 100 ? 1 : 997) {
    if (cut(size).empty()) FAIL("cut to " << size << " bytes, it loads");
  }
  for (std::size_t place = 0; place < bytes.size(); place += 61) {
    FileBytes flipped = bytes;
    flipped[place] ^= static_cast<std::uint8_t>(1U << (place % 8));
    if (error_of_bytes(folder, flipped).empty()) FAIL("flipped at " << place << ", it loads");
  }
}

TEST_CASE(
    "without the line at its end a record is read on request, and its digest tells of a change") {
  const TemporaryFolder folder;
  LoadOptions trusting;
  trusting.no_checksum = true;
  Record record;
  record.datasets["d"] = list<double>({1.25, 2.5}, "x");
  save_record(record, folder / "record.h5");
  FileBytes bytes = bytes_of(folder / "record.h5");
  bytes.resize(bytes.size() - kChecksumSize);
  CHECK(is_line_with(error_of_bytes(folder, bytes), "SHA-256", "missing", "--no-checksum"));
  CHECK(error_of_bytes(folder, bytes, trusting).empty());
  // 2.5 is 0x4004000000000000.
  const FileBytes value = {0, 0, 0, 0, 0, 0, 4, 0x40};
  const auto found = std::search(bytes.begin(), bytes.end(), value.begin(), value.end());
  REQUIRE(found != bytes.end());
  *found = 1;
  CHECK(is_line_with(error_of_bytes(folder, bytes, trusting), "digest", digest_of(record)));
}

TEST_CASE("300 random mutations of a record are refused, and none crashes") {
  const TemporaryFolder folder;
  save_record(sample_record(), folder / "record.h5");
  const FileBytes original = bytes_of(folder / "record.h5");
  const RandomStream stream = RandomStream(1).child("mutations of a record");
  for (std::uint64_t i = 0; i < 300; ++i) {
    const RandomStream draw = stream.child(i);
    FileBytes bytes = original;
    for (std::uint64_t change = 0; change <= draw.below(8, 0); ++change) {
      bytes[draw.below(bytes.size(), 2 * change + 1)] =
          static_cast<std::uint8_t>(draw.below(256, 2 * change + 2));
    }
    if (draw.below(4, 99) == 0) bytes.resize(draw.below(bytes.size(), 100));
    if (bytes != original) CHECK(is_line_with(error_of_bytes(folder, bytes), "changed.h5"));
  }
}

TEST_CASE("threads may save and load records at once") {
  const TemporaryFolder folder;
  const Record record = sample_record();
  const std::string digest = digest_of(record);
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, path = folder / (std::to_string(i) + ".h5")] {
      for (int repeat = 0; repeat < 10; ++repeat) {
        save_record(record, path, Overwrite::yes);
        if (digest_of(load_record(path)) == digest) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 40);
}
