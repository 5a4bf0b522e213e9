/// \file
/// Reads the golden values of fixtures/golden (HDF5 files made by PyTorch in float64).
#pragma once

#include <string>
#include <vector>

namespace reprise::test {

struct GoldenArray {
  std::vector<std::size_t> shape;
  std::vector<double> values;
  [[nodiscard]] std::vector<float> floats() const { return {values.begin(), values.end()}; }
};

/// An open golden file: fixtures/golden/NAME. Throws std::runtime_error if something is missing.
class GoldenFile {
 public:
  explicit GoldenFile(const std::string& name);
  ~GoldenFile();
  GoldenFile(const GoldenFile&) = delete;
  GoldenFile& operator=(const GoldenFile&) = delete;

  /// The array at a path such as "case/grad_input"; integers are converted.
  [[nodiscard]] GoldenArray array(const std::string& path) const;
  /// Names of the groups and datasets directly below `path`.
  [[nodiscard]] std::vector<std::string> names(const std::string& path = "/") const;
  [[nodiscard]] long long integer(const std::string& path, const std::string& attribute) const;
  [[nodiscard]] std::string text(const std::string& path, const std::string& attribute) const;

 private:
  long long file_;
};

}  // namespace reprise::test
