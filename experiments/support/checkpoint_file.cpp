#include "support/checkpoint_file.hpp"

#include <filesystem>
#include <new>

#include "reprise/core/error.hpp"
#include "reprise/core/terminal.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/checkpoint.hpp"

namespace reprise {

CheckpointFile::CheckpointFile(const std::string& output, Overwrite overwrite)
    : lock_(output), path_(checkpoint_path(output)) {
  check_writable(output, overwrite);
  check_writable(path_, Overwrite::yes);
}

bool CheckpointFile::try_save(const TrainingRun& run) {
  std::string reason;
  try {
    save(run);
    failing_ = false;
    return true;
  } catch (const Error& error) {
    reason = error.what();
  } catch (const std::bad_alloc&) {
    reason = path_ + ": out of memory";
  }
  if (!failing_) {
    print_error_line("warning: " + reason + "; continuing without it and trying again later");
  }
  failing_ = true;
  return false;
}

void CheckpointFile::save(const TrainingRun& run) const {
  save_checkpoint(run, path_);
}

void CheckpointFile::remove() const {
  std::filesystem::remove(path_);
}

bool CheckpointFile::exists() const {
  return std::filesystem::exists(path_);
}

void keep_unsaved(const TrainingRun& run, const CheckpointFile& checkpoint) {
  try {
    checkpoint.save(run);
    print_line("the record could not be saved; kept " + checkpoint.path() +
               "; continue with --resume");
  } catch (const std::exception&) {  // the reason that the record could not be saved is told
  }
}

void save_finished(const Record& record, const std::string& output, Overwrite overwrite,
                   const TrainingRun& run, CheckpointFile& checkpoint) {
  try {
    save_record(record, output, overwrite);
  } catch (...) {
    keep_unsaved(run, checkpoint);
    throw;
  }
  checkpoint.remove();
}

}  // namespace reprise
