// Reads one record without rights: standard input is the file's HDF5 data, standard output the
// stream of what it holds (record_stream.hpp).
//
//   reprise_record_reader [--unconfined]   as load_record runs it
//   reprise_record_reader --self-test      tries what it must not be able to do
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <exception>
#include <new>
#include <span>
#include <string_view>
#include <system_error>
#include <vector>

#include "reprise/core/terminal.hpp"
#include "reprise/record_file/reader/confinement.hpp"
#include "reprise/record_file/reader/from_hdf5.hpp"
#include "reprise/record_file/reader/self_test.hpp"
#include "reprise/record_file/record_stream.hpp"

namespace reprise::details {
namespace {

/// The whole of standard input, a file that does not change.
std::span<const std::byte> mapped_input() {
  struct stat status {};
  if (fstat(STDIN_FILENO, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size <= 0) {
    throw std::system_error(EINVAL, std::generic_category(), "standard input");
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  void* mapped = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, STDIN_FILENO, 0);
  if (mapped == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(), "standard input");
  }
  return {static_cast<const std::byte*>(mapped), size};
}

/// Collects small pieces, so that they are written together.
class Output {
 public:
  void put(std::span<const std::byte> bytes) {
    if (bytes.size() >= kLarge) {
      flush();
      write_all(bytes);
      return;
    }
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    if (buffer_.size() >= kLarge) flush();
  }
  void flush() {
    write_all(buffer_);
    buffer_.clear();
  }

 private:
  static constexpr std::size_t kLarge = std::size_t{1} << 16;

  static void write_all(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = write(STDOUT_FILENO, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) _exit(1);  // nobody listens
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }

  std::vector<std::byte> buffer_;
};

void send(const ReaderMessage& message) {
  Output output;
  encode(message, [&](std::span<const std::byte> bytes) { output.put(bytes); });
  output.flush();
}

ReaderMessage message_for(std::span<const std::byte> image, const ReadingLimits& limits) try {
  return from_hdf5(image, limits);
} catch (const NoRecord& refused) {
  return Refusal{refused.what(), refused.expected};
} catch (const std::bad_alloc&) {
  return Refusal{"reading it takes more memory than a file of its size may", "a record"};
}

void read_record(bool confined) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const std::span<const std::byte> image = mapped_input();
  const ReadingLimits limits = reading_limits(image.size());
  start_hdf5();
  limit_resources(limits);
  const std::string refused = confined ? forbid_system_calls() : "";
  if (refused.empty()) {
    send(message_for(image, limits));
  } else {
    send(NotConfined{refused});
  }
}

int self_test() {
  start_hdf5();
  limit_resources(reading_limits(0));
  const std::string refused = forbid_system_calls();
  if (!refused.empty()) print_error_line("reprise_record_reader: " + refused);
  return refused.empty() && all_is_refused() ? 0 : 1;
}

int run(std::span<char*> arguments) {
  const std::string_view option = arguments.size() == 2 ? arguments[1] : "";
  if (arguments.size() == 2 && option == "--self-test") return self_test();
  if (arguments.size() > 2 || !(option.empty() || option == "--unconfined")) {
    print_error_line("usage: reprise_record_reader [--unconfined | --self-test] <RECORD");
    return 2;
  }
  read_record(option.empty());
  return 0;
}

}  // namespace
}  // namespace reprise::details

int main(int argc, char** argv) {
  int status = 1;
  try {
    status = reprise::details::run(std::span(argv, static_cast<std::size_t>(argc)));
  } catch (const std::exception& error) {
    reprise::print_error_line(std::string("reprise_record_reader: ") + error.what());
  }
  _exit(status);  // what runs at exit, of sanitizers too, needs rights
}
