/// \file
/// The three files of a folder that lib/web/build leaves, which write_report puts into a page.
#pragma once

#include <fstream>
#include <span>
#include <string>

#include "reprise/core/digest.hpp"

namespace reprise::test {

/// Writes a module of this code and these bytes, with their sums, into the folder.
inline void write_web_module(const std::string& folder, const std::string& code,
                             const std::string& wasm) {
  const auto sum = [](const std::string& text) {
    return sha256_hex(std::as_bytes(std::span(text.data(), text.size())));
  };
  std::ofstream(folder + "/reprise_web.js") << code;
  std::ofstream(folder + "/reprise_web.wasm.gz") << wasm;
  std::ofstream(folder + "/reprise_web.sha256") << sum(code) << "  reprise_web.js\n"
                                                << sum(wasm) << "  reprise_web.wasm.gz\n";
}

}  // namespace reprise::test
