#include "support/comparison_record.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "reprise/record/contents.hpp"

namespace reprise::test {
namespace {

struct Layer {
  std::string name;
  int kernel = 0;
  int channels = 1;
  double flops = 0;
};

std::vector<Layer> layers() {
  std::vector<Layer> layers;
  for (int kernel = 1; kernel <= 6; ++kernel) {
    layers.push_back({"kernel:" + std::to_string(kernel), kernel, 32, 1e6 * kernel * kernel});
  }
  for (const int kernel : {3, 5}) {
    const std::string size = std::to_string(kernel) + "x" + std::to_string(kernel);
    for (const int channels : {4, 8, 16}) {
      layers.push_back({"channels:" + size + ":" + std::to_string(channels), kernel, channels,
                        1e4 * channels * channels * kernel * kernel});
    }
  }
  layers.push_back({"lenet5:conv1", 5, 1, 2e7});
  layers.push_back({"lenet5:conv2", 5, 6, 4e7});
  layers.push_back({"alexnet:conv2", 5, 48, 4e9});
  return layers;
}

struct Algorithm {
  std::string name, reproducibility;
  std::int64_t workspace_bytes = 0;
};

std::vector<Algorithm> algorithms() {
  return {{"naive", "portable", 0},         {"im2col_gemm", "machine", 4 << 20},
          {"direct", "portable", 96 << 10}, {"fft", "portable", 1536 << 10},
          {"winograd", "portable", 640000}, {"onednn", "machine", 0}};
}

/// Milliseconds: direct has 100 GFLOP/s, fft costs as much whatever the kernel's size.
double time_of(const Algorithm& algorithm, const Layer& layer) {
  const double direct = layer.flops / 1e8;
  if (algorithm.name == "naive") return 50 * direct;
  if (algorithm.name == "im2col_gemm") return 2 * direct;
  if (algorithm.name == "fft") return 20 * direct / (layer.kernel * layer.kernel);
  if (algorithm.name == "winograd") return direct / 2;
  return algorithm.name == "onednn" ? 0.8 * direct : direct;
}

std::string status_of(const Algorithm& algorithm, const Layer& layer) {
  if (algorithm.name == "winograd" && layer.kernel != 3) {
    const std::string size = std::to_string(layer.kernel);
    return "unsupported: kernel " + size + "x" + size + ": only 3x3";
  }
  return algorithm.name == "naive" && layer.kernel > 3 ? "" : "ok";
}

ComparisonRowRecord row(const Layer& layer, const char* pass, const Algorithm& algorithm,
                        bool timed) {
  ComparisonRowRecord result;
  result.status = status_of(algorithm, layer);
  const bool ok = result.status == "ok";
  const double time = ok && timed ? time_of(algorithm, layer) : std::nan("");
  const std::string kernel = std::to_string(layer.kernel);
  result.shape = "g1mb1ic" + std::to_string(layer.channels) + "ih9iw9oc1oh9ow9kh" + kernel + "kw" +
                 kernel + "sh1sw1n\"" + layer.name + "\"";
  result.name = layer.name;
  result.pass = pass;
  result.algorithm = algorithm.name;
  result.reproducibility = algorithm.reproducibility;
  result.flops = layer.flops;
  if (ok) {
    result.workspace_bytes = algorithm.workspace_bytes;
    result.worst_ulp = layer.kernel;
    result.rms_relative = 2e-7;
    result.worst_of_bound = 0.01 * layer.kernel;
  }
  result.median_ms = time;
  result.min_ms = 0.9 * time;
  result.max_ms = 1.1 * time;
  return result;
}

/// A core of 100 GFLOP/s as before, 98 behind each row; savings as by tiles far larger than
/// kernels.
void add_limits(ComparisonRecord& record) {
  std::vector<double> before, after, saving;
  for (const ComparisonRowRecord& row : record.rows) {
    const bool timed = row.median_ms > 0;
    before.push_back(timed ? 1e11 : std::nan(""));
    after.push_back(timed ? 0.98e11 : std::nan(""));
    const bool unsupported = row.status.starts_with("unsupported");
    const std::string kernel = row.shape.substr(row.shape.find("kh") + 2, 1);
    const double size = std::stod(kernel);
    saving.push_back(unsupported                   ? std::nan("")
                     : row.algorithm == "winograd" ? 4.0
                     : row.algorithm == "fft"      ? size * size / 2
                                                   : 1.0);
  }
  record.peak_before = before;
  record.peak_after = after;
  record.ideal_saving = saving;
}

}  // namespace

Record comparison_record(const ComparisonRecordOptions& options) {
  ComparisonRecord record;
  record.settings = {{"seed", std::int64_t{1}}, {"threads", std::int64_t{2}}};
  for (const Layer& layer : layers()) {
    for (const char* pass : {"forward", "grad_input"}) {
      for (const Algorithm& algorithm : algorithms()) {
        record.rows.push_back(row(layer, pass, algorithm, options.timed));
      }
    }
  }
  record.peak_flops = 1e11;
  if (!options.earlier) add_limits(record);
  if (options.bandwidth) record.memory_bandwidth = 2e10;
  record.environment.attributes = {
      {"program", "compare_convolutions"},
      {"command_line",
       "/a/path/compare_convolutions --shapes lenet5 --benchmark_filter=-(a|b) "
       "--record /a/path/c.h5 --force"},
      {"cpu", "A processor | with a bar"},
      {"started", "2024-05-01T12:00:00Z"},
      {"ended", "2024-05-02T12:00:00Z"},
      {"seconds_total", 30.0},
      {"threads", std::int64_t{2}}};
  return to_tree(record);
}

}  // namespace reprise::test
