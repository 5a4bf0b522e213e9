#include "inputs.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "report_files.hpp"
#include "reprise/core/error.hpp"

namespace reprise::reports {
namespace {

namespace fs = std::filesystem;

/// Settings that, where they are neither zero, nor empty, nor "none", change the training images.
bool is_distorted(const TrainingRun& run) {
  for (const char* name : {"random_shift", "horizontal_flip", "distortion", "pca_color_noise"}) {
    const auto found = run.settings.find(name);
    if (found == run.settings.end()) continue;
    const UntrustedText value = setting_text(found->second);
    static constexpr std::array<std::string_view, 4> kOff = {"", "0", "none", "false"};
    const auto is_value = [&](std::string_view off) { return value == off; };
    if (std::none_of(kOff.begin(), kOff.end(), is_value)) return true;
  }
  return false;
}

}  // namespace

void add_record(const NamedRecord& record, Inputs& inputs) {
  if (is_comparison(record.record)) {
    inputs.comparisons.push_back(read_comparison(record));
    return;
  }
  TrainingRun run = read_training_run(record);
  if (run.study) {
    inputs.studies.push_back(std::move(run));
    return;
  }
  std::vector<TrainingRun>& alike = is_distorted(run) ? inputs.distorted : inputs.lenet;
  for (const TrainingRun& earlier : alike) check_same_experiment(earlier, run);
  alike.push_back(std::move(run));
}

void check_complete(const Inputs& inputs) {
  if (inputs.lenet.empty() && inputs.distorted.empty() && inputs.studies.empty()) {
    throw Error("report", "no record of a training run", "at least one");
  }
}

std::vector<RecordFile> record_files(const std::string& path, const std::string& report_folder) {
  if (!fs::is_directory(path)) return {{path, record_name(path, report_folder), false}};
  std::vector<RecordFile> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path)) {
    if (entry.path().extension() != ".h5") continue;  // links to nothing and folders are named, too
    const std::string file = entry.path().string();
    const std::string name = record_name(file, report_folder);
    const bool is_bare = name.find('/') == std::string::npos;
    files.push_back(
        {file, is_bare ? entry.path().lexically_relative(path).generic_string() : name, true});
  }
  if (files.empty()) throw Error(path, "a folder without records", "files named *.h5 in it");
  std::sort(files.begin(), files.end(),
            [](const RecordFile& a, const RecordFile& b) { return a.path < b.path; });
  return files;
}

bool looks_like_record(const std::string& path) {
  std::error_code none;
  if (!fs::is_regular_file(path, none)) return false;
  std::ifstream stream(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  return bytes.starts_with("\x89HDF\r\n\x1a\n") && bytes.find("reprise record ") != bytes.npos;
}

}  // namespace reprise::reports
