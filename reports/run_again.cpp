#include "run_again.hpp"

#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <span>

#include "format.hpp"
#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/file.hpp"
#include "reprise/core/integer.hpp"
#include "shell.hpp"
#include "templates.hpp"

namespace reprise::reports {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFile = std::size_t{16} << 20;
constexpr std::size_t kMaxUnpacked = std::size_t{64} << 20;
constexpr std::size_t kMaxImages = 1'000'000;  // in all epochs together

/// RFC 4648. Of its digits none means anything in HTML.
Html base64(std::span<const std::byte> bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve(4 * div_ceil<std::size_t>(bytes.size(), 3));
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      word = word << 8 | (k < count ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += k <= count ? kDigits[word >> (18 - 6 * k) & 63U] : '=';
    }
  }
  return Html::as_it_is(text);
}

/// SHA-256 of the file as it is unpacked, if it is gzipped, as records name it; "" if it cannot be
/// unpacked or is longer than data for a page.
std::string unpacked_sha256(const std::string& path) {
  struct Close {
    void operator()(gzFile_s* file) const { gzclose(file); }
  };
  const std::unique_ptr<gzFile_s, Close> file(gzopen(path.c_str(), "rb"));
  if (!file) return "";
  std::vector<std::byte> bytes;
  std::vector<std::byte> block(std::size_t{1} << 20);
  while (true) {
    const int count = gzread(file.get(), block.data(), static_cast<unsigned>(block.size()));
    if (count < 0 || bytes.size() > kMaxUnpacked) return "";
    if (count == 0) return sha256_hex(bytes);
    bytes.insert(bytes.end(), block.begin(), block.begin() + count);
  }
}

std::string as_text(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A file of the module: whole, and of one build with the other, by the sums that the build wrote.
std::vector<std::byte> module_file(const std::string& folder, const std::string& name) {
  const char* const expected = "a folder as lib/web/build leaves it";
  const fs::path path = fs::path(folder) / name, sums = fs::path(folder) / "reprise_web.sha256";
  for (const fs::path& file : {path, sums}) {
    if (!fs::exists(file)) throw Error(file.string(), "no such file", expected);
  }
  std::vector<std::byte> bytes = read_file(path.string(), kMaxFile);
  const std::string line = sha256_hex(bytes) + "  " + name + "\n";
  if (as_text(read_file(sums.string(), kMaxFile)).find(line) == std::string::npos) {
    throw Error(path.string(), "not the file that " + sums.filename().string() + " names",
                expected);
  }
  return bytes;
}

/// The module's code, as it stands in a script element.
Html module_code(const std::string& folder) {
  const std::string path = (fs::path(folder) / "reprise_web.js").string();
  const std::string code = as_text(module_file(folder, "reprise_web.js"));
  if (code.find("</script") != std::string::npos || code.find("<!--") != std::string::npos) {
    throw Error(path, "holds what ends a script in a page", "what lib/web/build makes");
  }
  return Html::as_it_is(code);
}

/// Of the folder's files those that the run names by their SHA-256, each in an element.
Html data_elements(const TrainingRun& run, const std::string& folder) {
  std::error_code problem;
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder, problem)) {
    if (entry.is_regular_file(problem) && entry.file_size(problem) <= kMaxFile) {
      paths.push_back(entry.path());
    }
  }
  if (problem) throw Error(folder, problem.message(), "a folder with the data of the run");
  std::sort(paths.begin(), paths.end());
  Html elements;
  std::set<UntrustedText> found;
  for (const fs::path& path : paths) {
    const UntrustedText sha256 = unpacked_sha256(path.string());
    const bool is_wanted =
        std::any_of(run.files.begin(), run.files.end(),
                    [&](const InputFile& file) { return file.sha256 == sha256; });
    if (!is_wanted || !found.insert(sha256).second) continue;
    elements += Html::format("<script type=\"text/plain\" class=\"file\" data-name=\"{}\">",
                             UntrustedText(path.filename().string()));
    elements += base64(read_file(path.string(), kMaxFile));
    elements += Html::literal("</script>\n");
  }
  for (const InputFile& file : run.files) {
    if (found.count(file.sha256) > 0) continue;
    throw Error(folder, "has no file of the SHA-256 " + terminal_text(file.sha256),
                "the data that the run was trained on, files of at most 16 MB, with " +
                    terminal_text(file.name));
  }
  return elements;
}

Json json_list(const std::vector<UntrustedText>& texts) {
  std::vector<Json> items;
  for (const UntrustedText& text : texts) items.emplace_back(text);
  Json list = Json::literal("[");
  list += joined(items, ", ");
  list += Json::literal("]");
  return list;
}

/// What the page knows of a run: `in_page` if its files are in the page, else the reader has them.
Json configuration(const TrainingRun& run, bool in_page) {
  std::vector<UntrustedText> names, sums;
  for (const InputFile& file : run.files) {
    names.push_back(file.name);
    sums.push_back(file.sha256);
  }
  Json json = Json::format(
      "{{\"record\": {}, \"in_page\": {}, \"images\": {}, \"initial\": {}, \"name\": {}, "
      "\"files\": ",
      run.name, in_page ? Json::literal("true") : Json::literal("false"), run.train_images,
      run.initial_parameters_sha256, run.data_name);
  json += json_list(names);
  json += Json::literal(", \"sha256\": ");
  json += json_list(sums);
  json += Json::literal(", \"settings\": ");
  json += json_list(UntrustedText(toml_text(run.recorded_settings).str()).split("\n"));
  json += Json::literal(", \"epochs\": ");
  json += json_list(run.history.parameters_sha256);
  json += Json::literal(", \"classes\": ");
  json += json_list(run.class_names);
  json += Json::literal("}");
  return json;
}

bool has_same_files(const TrainingRun& run, const TrainingRun& other) {
  return std::equal(run.files.begin(), run.files.end(), other.files.begin(), other.files.end(),
                    [](const InputFile& a, const InputFile& b) { return a.sha256 == b.sha256; });
}

}  // namespace

Html run_again_page(const TrainingRun& run, const TrainingRun* of_report,
                    const RunAgainOptions& options) {
  const std::string name = terminal_text(run.name);
  if (run.conv_reproducibility != "portable") {
    throw Error(name, "is of an algorithm whose results depend on the machine",
                "a run by a portable one, such as direct");
  }
  if (run.train_images * static_cast<std::size_t>(run.epochs) > kMaxImages) {
    throw Error(name, "has passes over " + grouped(run.train_images) + " images",
                "at most " + grouped(kMaxImages) + " images in all epochs together");
  }
  Json runs = Json::literal("[");
  runs += configuration(run, true);
  if (of_report != nullptr && of_report->conv_reproducibility == "portable" &&
      !has_same_files(run, *of_report)) {
    runs += Json::literal(",\n");
    runs += configuration(*of_report, false);
  }
  runs += Json::literal("]");
  TemplateValues<Html> page;
  page.set("record", run.name);
  page.set("digest", run.digest);
  page.set("data_name", run.data_name);
  page.set("images", counted(run.train_images, "training image"));
  page.set("passes", counted(run.epochs, "epoch"));
  page.set("seed", std::to_string(run.seed));
  page.set("runs", Html::as_it_is(runs.str()));
  page.set("module", module_code(options.module));
  page.set("wasm", base64(module_file(options.module, "reprise_web.wasm.gz")));
  page.set("files", data_elements(run, options.data));
  return render_template("run_again.html.mustache", page);
}

}  // namespace reprise::reports
