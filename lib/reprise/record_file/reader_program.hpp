/// \file
/// Where the program that reads records is, reprise_record_reader, and other files that a program
/// needs to have with it.
#pragma once

#include <string>

namespace reprise::details {

/// Its path: beside the program (or shared library) that this code is linked into, or where it is
/// installed or built, seen from there. Error if it is in none of these places.
///
///   FOLDER/reprise_record_reader         beside, where a project outside puts a copy
///   FOLDER/../libexec/reprise/...        FOLDER is PREFIX/bin or PREFIX/lib, or up to three deeper
///   FOLDER/../lib/..., FOLDER/../../lib  FOLDER is BUILD/tests, BUILD/experiments/studies, ...
///
/// A file counts if the owner of the program or root owns it and not everybody may write to it.
std::string reader_program();

/// The file of this name in one of these places, if it counts; "" if there is none.
std::string companion_file(const std::string& name);

/// `path` if it is an executable file that counts. Error if not.
std::string checked_reader_program(const std::string& path);

}  // namespace reprise::details
