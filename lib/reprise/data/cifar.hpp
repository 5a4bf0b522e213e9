/// \file
/// The names of CIFAR-10's classes and binary files; dataset.hpp has the function that loads them.
#pragma once

#include <string>
#include <vector>

namespace reprise {

/// "airplane" to "truck", in the order of their labels.
std::vector<std::string> cifar10_class_names();

/// data_batch_1.bin to data_batch_5.bin, test_batch.bin, batches.meta.txt.
std::vector<std::string> cifar10_file_names();

}  // namespace reprise
