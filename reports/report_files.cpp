#include "report_files.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <span>
#include <sstream>

#include "reprise/core/digest.hpp"
#include "reprise/core/error.hpp"
#include "reprise/core/text.hpp"

namespace reprise::reports {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kGenerator = "<meta name=\"generator\" content=\"write_report\">";

std::string contents(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) throw Error(path.string(), std::strerror(errno), "a file that can be read");
  return text.str();
}

bool is_our_report(const fs::path& page) {
  return fs::exists(page) && contents(page).find(kGenerator) != std::string::npos;
}

/// Folders that `path` needs and that are not there yet, the outermost first.
std::vector<fs::path> missing_folders(const fs::path& path) {
  std::vector<fs::path> missing;
  for (fs::path at = path; !at.empty() && !fs::exists(at); at = at.parent_path()) {
    missing.insert(missing.begin(), at);
  }
  return missing;
}

/// A temporary folder inside the report's; the destructor removes it, and unless `keep` was called
/// also the folders that had to be made for it.
class Staging {
 public:
  explicit Staging(const fs::path& folder) : made_(missing_folders(folder)) {
    try {
      fs::create_directories(folder);
      path_ = (folder / ".write_report-XXXXXX").string();
      if (mkdtemp(path_.data()) == nullptr) {
        path_.clear();
        throw Error(folder.string(), std::strerror(errno), "a folder that can be written");
      }
    } catch (...) {
      clean_up();
      throw;
    }
  }
  ~Staging() { clean_up(); }
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  [[nodiscard]] fs::path path() const { return path_; }
  void keep() { made_.clear(); }

 private:
  void clean_up() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
    while (!made_.empty()) {
      fs::remove(made_.back(), ignored);  // only if empty
      made_.pop_back();
    }
  }

  std::vector<fs::path> made_;
  std::string path_;
};

void write_file(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream stream(path, std::ios::binary);
  stream << text;
  stream.close();
  if (!stream) throw Error(path.string(), std::strerror(errno), "room to write the report");
}

/// The report's files by path, with their sums as sha256sum --check takes them; the page that links
/// them all together is last.
std::vector<std::pair<std::string, std::string>> files_of(const Report& report) {
  std::vector<std::pair<std::string, std::string>> files(report.figures.begin(),
                                                         report.figures.end());
  files.insert(files.end(), report.data.begin(), report.data.end());
  if (report.html.empty()) return files;  // of one figure or table
  if (!report.verdicts.empty()) files.emplace_back("verdicts.toml", report.verdicts);
  if (!report.crate.empty()) files.emplace_back("ro-crate-metadata.json", report.crate);
  if (!report.run_again.empty()) files.emplace_back("run_again.html", report.run_again);
  files.emplace_back("supplement.md", report.supplement_markdown);
  files.emplace_back("supplement.html", report.supplement_html);
  files.emplace_back("report.md", report.markdown);
  files.emplace_back("index.html", report.html);
  std::string sums;
  for (const auto& [path, text] : files) {
    sums += sha256_hex(std::as_bytes(std::span(text))) + "  " + path + "\n";
  }
  files.insert(files.end() - 1, {"SHA256SUMS", sums});
  return files;
}

/// The files of the report that is there, with their sums; none of another's.
std::map<std::string, std::string> files_there(const fs::path& folder) {
  std::map<std::string, std::string> files;
  const fs::path sums = folder / "SHA256SUMS";
  if (!is_our_report(folder / "index.html") || !fs::exists(sums)) return files;
  std::istringstream lines(contents(sums));
  for (std::string line; std::getline(lines, line);) {
    const std::string path = line.size() > 66 ? line.substr(66) : "";
    const bool is_inside = path.find("..") == std::string::npos && !path.starts_with('/');
    if (!path.empty() && is_inside) files[path] = line.substr(0, 64);
  }
  return files;
}

/// Removes what an earlier report had and this one has not, unless somebody has changed it since.
void remove_outdated(const std::map<std::string, std::string>& earlier,
                     const std::vector<std::pair<std::string, std::string>>& files,
                     const fs::path& folder) {
  std::set<std::string> now;
  for (const auto& [path, text] : files) now.insert(path);
  for (const auto& [path, sum] : earlier) {
    const fs::path file = folder / path;
    if (now.count(path) > 0 || !fs::is_regular_file(fs::symlink_status(file))) continue;
    const std::string text = contents(file);
    if (sha256_hex(std::as_bytes(std::span(text))) == sum) fs::remove(file);
  }
}

/// Error if a file of another than this program would be replaced.
void check_nothing_is_lost(const std::vector<std::pair<std::string, std::string>>& files,
                           const fs::path& folder) {
  if (is_our_report(folder / "index.html")) return;
  for (const auto& [path, text] : files) {
    if (!fs::exists(fs::symlink_status(folder / path))) continue;
    throw Error((folder / path).string(), "a file that write_report has not made",
                "another folder, so that nothing is lost");
  }
}

}  // namespace

void check_report_folder(const std::string& folder) {
  std::error_code problem;
  if (fs::exists(folder, problem) && !fs::is_directory(folder)) {
    throw Error(folder, "not a folder", "a folder for the report");
  }
  for (const char* name :
       {"index.html", "report.md", "supplement.html", "supplement.md", "run_again.html",
        "verdicts.toml", "SHA256SUMS", "ro-crate-metadata.json", "data/README.md"}) {
    const fs::path file = fs::path(folder) / name;
    if (fs::exists(file, problem) && !is_our_report(fs::path(folder) / "index.html")) {
      throw Error(file.string(), "a file that write_report has not made",
                  "another folder, so that nothing is lost");
    }
  }
  try {
    const Staging probe(folder);
  } catch (const fs::filesystem_error& error) {
    throw Error(folder, error.code().message(), "a folder that can be written");
  }
}

void write_report(const Report& report, const std::string& folder) {
  try {
    Staging staging(folder);
    const auto files = files_of(report);
    if (!report.html.empty()) check_nothing_is_lost(files, folder);
    const auto earlier =
        report.html.empty() ? std::map<std::string, std::string>() : files_there(folder);
    for (const auto& [path, text] : files) write_file(staging.path() / path, text);
    for (const char* name : {"figures", "data"}) fs::create_directories(fs::path(folder) / name);
    staging.keep();
    for (const auto& [path, text] : files) {
      fs::rename(staging.path() / path, fs::path(folder) / path);
    }
    remove_outdated(earlier, files, folder);
  } catch (const fs::filesystem_error& error) {
    throw Error(folder, error.code().message(), "a folder that can be written");
  }
}

std::string read_notes(const std::string& path) {
  if (!fs::is_regular_file(path)) throw Error(path, "no such file", "the author's notes");
  std::string text = contents(path);
  if (!is_text(text)) throw Error(path, "not UTF-8 text", "the author's notes as Markdown");
  return text;
}

std::string record_name(const std::string& path, const std::string& folder) {
  const fs::path record = fs::weakly_canonical(path);
  const fs::path relative = record.lexically_relative(fs::weakly_canonical(folder));
  const bool inside = !relative.empty() && *relative.begin() != "..";
  return inside ? relative.generic_string() : record.filename().string();
}

}  // namespace reprise::reports
