/// \file
/// Runs the program that reads records on one record, and takes what it finds.
#pragma once

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>

#include "reprise/record_file/reading_limits.hpp"
#include "reprise/record_file/record_stream.hpp"

namespace reprise::details {

struct ReaderCall {
  std::string program;   ///< its path
  bool confined = true;  ///< without system calls; limits hold either way
  ReadingLimits limits;
};

/// The process crashed, took too long, said too much, or nothing that makes sense: what() says
/// which, as the end of a sentence that begins with the record's name.
struct ReaderFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Starts a process for the image alone, and ends it in every case, with all that it started.
/// Throws ReaderFailure; Error if it cannot be started. Any number of threads may call it at once.
ReaderMessage read_in_process(std::span<const std::byte> image, const ReaderCall& call);

}  // namespace reprise::details
