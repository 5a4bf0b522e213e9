// core: errors, random streams, digests, fixed trees of sums.
#include <Random123/philox.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "reprise/core/byte_order.hpp"
#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/integer.hpp"
#include "reprise/core/option_name.hpp"
#include "reprise/core/philox.hpp"
#include "reprise/core/random.hpp"
#include "reprise/core/sha256.hpp"
#include "reprise/core/text.hpp"
#include "support/catch.hpp"
#include "support/command.hpp"

using namespace reprise;

TEST_CASE("an error is one line: where, given, expected") {
  const Error error("train", "batch size 0\n", "1 or more");
  CHECK(std::string(error.what()) == R"(train: batch size 0\n; expected 1 or more)");
}

TEST_CASE("quotients round up on both sides of 0, and without overflow") {
  for (int a = -20; a <= 20; ++a) {
    for (int b = 1; b <= 7; ++b) {
      INFO(a << " / " << b);
      CHECK(div_ceil(a, b) == static_cast<int>(std::ceil(static_cast<double>(a) / b)));
    }
  }
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  CHECK(div_ceil(most, std::size_t{2}) == most / 2 + 1);
  CHECK(round_up(0, 16) == 0);
  CHECK(round_up(16, 16) == 16);
  CHECK(round_up(17, 16) == 32);
}

TEST_CASE("an argument is quoted so that a shell gives it back to the byte") {
  CHECK(shell_quoted("--shapes=a,b") == "--shapes=a,b");
  CHECK(shell_quoted("/runs/a-1.h5") == "/runs/a-1.h5");
  CHECK(shell_quoted("a=b") == "'a=b'");
  CHECK(shell_quoted("") == "''");
  CHECK(shell_quoted("it's") == R"('it'\''s')");
  CHECK(shell_quoted("a\x1b[2J") == R"_('a'"$(printf '\033')"'[2J')_");
  std::string all;
  for (int byte = 1; byte < 256; ++byte) all += static_cast<char>(byte);
  for (const std::string& text :
       {std::string("it's $HOME *.h5"), std::string("~"), std::string("`id` $(id) \\ \"!!\" #"),
        std::string("a\nb\n"), std::string("\n"), std::string("\x1b\x1b"), std::string("\xff"),
        std::string("\u202e\u4e16 %s %% \\n"), std::string("{a,b}[c]?;|&<>()"), all}) {
    const std::string word = shell_quoted(text);
    INFO(printable(word));
    CHECK(is_text(word));
    CHECK(printable_lines(word) == word);
    for (const char* shell : {"sh", "bash"}) {
      const std::string script = "printf %s " + word + " ''";
      CHECK(test::run_command(std::string(shell) + " -c " + shell_quoted(script)).out == text);
    }
  }
}

TEST_CASE("a line is cut to a terminal's columns, by what characters take there") {
  CHECK(fitted("abcdef", 4) == "abcd");
  CHECK(fitted("abc", 4) == "abc");
  CHECK(fitted("abc", 0).empty());
  CHECK(fitted("\u4e16\u754c!", 3) == "\u4e16");
  CHECK(fitted("\u4e16\u754c!", 5) == "\u4e16\u754c!");
  CHECK(fitted("\u00e9\u00e9", 1) == "\u00e9");
  CHECK(fitted("a\x1b[K", 3) == "a\\x");
}

TEST_CASE("what could act in place of being seen is written out") {
  CHECK(printable("plain text, \"quoted\" \\n \u00e9 \u4e16 \U0001F600") ==
        "plain text, \"quoted\" \\n \u00e9 \u4e16 \U0001F600");
  CHECK(printable("a\nb\rc\td") == R"(a\nb\rc\td)");
  CHECK(printable("\x1b[2J\x07\x7f") == R"(\x1b[2J\x07\x7f)");
  CHECK(printable(std::string("a\0b", 3)) == R"(a\x00b)");
  CHECK(printable("\u009b31m\u0085") == R"(\u{9b}31m\u{85})");  // C1: a terminal's CSI and NEL
  CHECK(printable("\u202eabc\u2066\u200f\u061c") == R"(\u{202e}abc\u{2066}\u{200f}\u{61c})");
  CHECK(printable("a\u200bb\u2060\ufeff\u00ad") == R"(a\u{200b}b\u{2060}\u{feff}\u{ad})");
  CHECK(printable("\ue000\U000F0000") == R"(\u{e000}\u{f0000})");
  CHECK(printable("\u2028\u2029\U000E0041") == R"(\u{2028}\u{2029}\u{e0041})");
  CHECK(printable("\xff\xc3(\xed\xa0\x80") == R"(\xff\xc3(\xed\xa0\x80)");  // not UTF-8
  CHECK(printable(printable("\x1b\n\xff")) == printable("\x1b\n\xff"));
  CHECK(printable_lines("a\n\tb\r\x1b") ==
        "a\n\tb"
        R"(\r\x1b)");
}

TEST_CASE("the nearest name counts a swap of neighbours as one edit") {
  CHECK(nearest_name("epcohs", {"seed", "epochs", "batch_size"}) == "epochs");
  CHECK(nearest_name("learning-rate", {"learning_rate", "optimizer"}) == "learning_rate");
  CHECK(nearest_name("x", {}).empty());
  // Of a long name its beginning counts: the time would grow with its length otherwise.
  const std::vector<std::string> known = {"epochs", std::string(990, 'x')};
  CHECK(nearest_name("epcohs" + std::string(994, 'x'), known) == "epochs");
}

TEST_CASE("an error stays a line that can be read, however long what is given") {
  const std::string megabyte(1 << 20, 'a');
  const std::string line = Error(megabyte, megabyte, "less").what();
  CHECK(line.size() < 10'000);
  CHECK_THAT(line, Catch::EndsWith("a...; expected less"));
  // Whole characters: of the euro sign's three bytes none stays alone.
  std::string euros;
  while (euros.size() < 2000) euros += "\u20ac";
  CHECK_THAT(Error("there", euros, "").what(), Catch::EndsWith("\u20ac..."));
}

TEST_CASE("numbers are read and written little-endian on machines of either order") {
  const std::vector<std::uint32_t> numbers = {0x04030201U, 0xDDCCBBAAU};
  const std::vector<std::uint8_t> expected = {1, 2, 3, 4, 0xAA, 0xBB, 0xCC, 0xDD};
  std::vector<std::uint8_t> written;
  to_little_endian(std::span(numbers), [&](std::span<const std::byte> piece) {
    for (const std::byte byte : piece) written.push_back(std::to_integer<std::uint8_t>(byte));
  });
  CHECK(written == expected);
  std::vector<std::uint32_t> read(2);
  from_little_endian(std::as_bytes(std::span(expected)), std::span(read));
  CHECK(read == numbers);
  const std::array<std::uint8_t, 8> one{0, 0, 0, 0, 0, 0, 0xF0, 0x3F};
  CHECK(from_little_endian<double>(std::as_bytes(std::span(one))) == 1.0);

  // As a big-endian machine would turn them: more than are turned at a time.
  constexpr std::endian big = std::endian::big;
  std::vector<std::uint16_t> many(1300);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<std::uint16_t>(i * 257 + 3);
  std::vector<std::byte> turned;
  to_little_endian<big>(std::span<const std::uint16_t>(many),
                        [&](std::span<const std::byte> piece) {
                          turned.insert(turned.end(), piece.begin(), piece.end());
                        });
  const auto plain = std::as_bytes(std::span(many));
  REQUIRE(turned.size() == plain.size());
  for (std::size_t i = 0; i < plain.size(); ++i) CHECK(turned[i] == plain[i ^ 1U]);
  std::vector<std::uint16_t> back(many.size());
  from_little_endian<big>(turned, std::span(back));
  CHECK(back == many);
  std::vector<std::uint32_t> unturned = numbers;
  swap_little_endian<std::endian::little>(std::span(unturned));
  CHECK(unturned == numbers);
  swap_little_endian<big>(std::span(unturned));
  CHECK(unturned == std::vector<std::uint32_t>{0x01020304U, 0xAABBCCDDU});
}

TEST_CASE("SHA-256 of the published vectors (FIPS 180-4)") {
  const std::string abc = "abc";
  CHECK(sha256_hex(std::as_bytes(std::span(abc))) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex({}) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("plain SHA-256 agrees with OpenSSL's at every length, in one piece and in several") {
  constexpr std::size_t kMaxBytes = 300;  // across four ends of blocks, and of their padding
  std::vector<std::byte> bytes(kMaxBytes);
  const RandomStream stream = RandomStream(1).child("bytes");
  for (std::size_t i = 0; i < kMaxBytes; ++i) bytes[i] = static_cast<std::byte>(stream.bits64(i));
  PlainSha256 plain;
  for (std::size_t size = 0; size <= kMaxBytes; ++size) {
    const std::span<const std::byte> all(bytes.data(), size);
    const std::string expected = sha256_hex(all);
    INFO(size << " bytes");
    plain.update(all);
    CHECK(to_hex(plain.finish()) == expected);
    const std::size_t first = stream.below(size + 1, 1000 + size);
    plain.update(all.first(first));
    plain.update({});
    for (std::size_t i = first; i < size; ++i) plain.update(all.subspan(i, 1));
    CHECK(to_hex(plain.finish()) == expected);
  }
}

TEST_CASE("every NaN has the same digest, whatever its other bits") {
  const auto digest = [](float a, double b) {
    Sha256 hash;
    hash.update_floats(std::array{1.0F, a});
    hash.update_doubles(std::array{b});
    return hash.finish_hex();
  };
  const float by_arm = std::numeric_limits<float>::quiet_NaN();
  const float by_x86 = -by_arm;
  REQUIRE(std::signbit(by_x86));
  CHECK(digest(by_x86, -std::nan("7")) == digest(by_arm, std::nan("")));
  CHECK(digest(0.0F, 0.0) != digest(-0.0F, 0.0));
  CHECK(digest(0.0F, 0.0) != digest(0.0F, -0.0));
  CHECK(digest(by_arm, 0.0) != digest(1.0F, 0.0));
}

TEST_CASE("streams differ by seed, name and index, and are functions of their counter") {
  const RandomStream root(1);
  CHECK(root.bits64(0) == RandomStream(1).bits64(0));
  CHECK(root.bits64(0) != RandomStream(2).bits64(0));
  CHECK(root.child("a").bits64(0) != root.child("b").bits64(0));
  CHECK(root.child("1").bits64(0) != root.child(std::uint64_t{1}).bits64(0));
  CHECK(root.child("a").bits64(7) == root.child("a").bits64(7));
  CHECK(root.child("a").bits64(7) != root.child("a").bits64(8));
}

TEST_CASE("Philox4x32-10 is Random123's, bit for bit") {
  const RandomStream stream = RandomStream(1).child("counters and keys");
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    std::array<std::uint32_t, 4> counter = stream.words(2 * i);
    const auto drawn = stream.words(2 * i + 1);
    std::array<std::uint32_t, 2> key{drawn[0], drawn[1]};
    // Words of zeros and of ones are among them.
    if (i % 5 == 0) counter[i % 4] = i % 2 == 0 ? 0 : ~0U;
    if (i % 7 == 0) key[i % 2] = i % 3 == 0 ? 0 : ~0U;
    const r123::Philox4x32::ctr_type theirs =
        r123::Philox4x32{}({{counter[0], counter[1], counter[2], counter[3]}}, {{key[0], key[1]}});
    const auto ours = philox4x32_10(counter, key);
    REQUIRE(std::equal(ours.begin(), ours.end(), theirs.begin()));
  }
}

TEST_CASE("uniform draws fill the unit interval evenly") {
  const RandomStream stream = RandomStream(3).child("uniform");
  std::vector<int> bins(10, 0);
  const int draws = 100000;
  for (int i = 0; i < draws; ++i) {
    const double u = stream.uniform(static_cast<std::uint64_t>(i));
    REQUIRE((u >= 0.0 && u < 1.0));
    ++bins[static_cast<std::size_t>(u * 10)];
  }
  // Each bin is binomial(100000, 0.1): standard deviation 95; five of them is 474.
  for (const int count : bins) CHECK(std::abs(count - draws / 10) < 474);
}

TEST_CASE("a permutation holds every index once, and each place is as likely") {
  const std::vector<std::uint32_t> order = RandomStream(1).permutation(1000);
  std::vector<bool> seen(1000, false);
  for (const std::uint32_t i : order) seen.at(i) = true;
  CHECK(std::count(seen.begin(), seen.end(), true) == 1000);

  std::vector<int> first(4, 0);
  for (std::uint64_t i = 0; i < 4000; ++i) ++first[RandomStream(5).child(i).permutation(4)[0]];
  for (const int count : first) CHECK(std::abs(count - 1000) < 140);  // five standard deviations
}

TEST_CASE("error lines name options as their reader has them") {
  CHECK(flag_name("no-checksum") == "--no-checksum");
  CHECK(option_name("initial") == "--initial");
  set_option_style(OptionStyle::python);
  CHECK(flag_name("no-checksum") == "no_checksum=True");
  CHECK(option_name("initial") == "initial=");
  set_option_style(OptionStyle::command_line);
}
