#include "support/comparison_record.hpp"

#include <cmath>
#include <string>
#include <vector>

namespace reprise::test {
namespace {

struct Layer {
  std::string name;
  int kernel = 0;
  double flops = 0;
};

std::vector<Layer> layers() {
  std::vector<Layer> layers;
  for (int kernel = 1; kernel <= 6; ++kernel) {
    layers.push_back({"kernel:" + std::to_string(kernel), kernel, 1e6 * kernel * kernel});
  }
  for (const int kernel : {3, 5}) {
    const std::string size = std::to_string(kernel) + "x" + std::to_string(kernel);
    for (const int channels : {4, 8, 16}) {
      layers.push_back({"channels:" + size + ":" + std::to_string(channels), kernel,
                        1e4 * channels * channels * kernel * kernel});
    }
  }
  layers.push_back({"lenet5:conv1", 5, 2e7});
  layers.push_back({"lenet5:conv2", 5, 4e7});
  layers.push_back({"alexnet:conv2", 5, 4e9});
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

}  // namespace

Record comparison_record(const ComparisonRecordOptions& options) {
  std::vector<std::string> shapes, names, passes, names_of_algorithms, classes, statuses;
  std::vector<std::int64_t> workspace;
  std::vector<double> flops, ulp, rms, of_bound, median, least, most;
  for (const Layer& layer : layers()) {
    for (const char* pass : {"forward", "grad_input"}) {
      for (const Algorithm& algorithm : algorithms()) {
        const std::string status = status_of(algorithm, layer);
        const bool ok = status == "ok";
        const double time = ok && options.timed ? time_of(algorithm, layer) : std::nan("");
        shapes.push_back("g1mb1ic1ih9oc1kh" + std::to_string(layer.kernel) + "n\"" + layer.name +
                         "\"");
        names.push_back(layer.name);
        passes.emplace_back(pass);
        names_of_algorithms.push_back(algorithm.name);
        classes.push_back(algorithm.reproducibility);
        statuses.push_back(status);
        workspace.push_back(ok ? algorithm.workspace_bytes : 0);
        flops.push_back(layer.flops);
        ulp.push_back(ok ? layer.kernel : 0);
        rms.push_back(ok ? 2e-7 : 0);
        of_bound.push_back(ok ? 0.01 * layer.kernel : 0);
        median.push_back(time);
        least.push_back(0.9 * time);
        most.push_back(1.1 * time);
      }
    }
  }
  Record record;
  record.attributes = {{"kind", "comparison"}};
  record.groups["configuration"].attributes = {{"seed", std::int64_t{1}},
                                               {"threads", std::int64_t{2}}};
  record.groups["comparison"].datasets = {{"shape", list(shapes, "row")},
                                          {"name", list(names, "row")},
                                          {"pass", list(passes, "row")},
                                          {"algorithm", list(names_of_algorithms, "row")},
                                          {"reproducibility", list(classes, "row")},
                                          {"status", list(statuses, "row")},
                                          {"flops", list(flops, "row")},
                                          {"workspace_bytes", list(workspace, "row")},
                                          {"worst_ulp", list(ulp, "row")},
                                          {"rms_relative", list(rms, "row")},
                                          {"worst_of_bound", list(of_bound, "row")}};
  Group& machine = record.groups["environment"];
  machine.attributes = {{"program", "compare_convolutions"},
                        {"peak_flops", 1e11},
                        {"command_line",
                         "/a/path/compare_convolutions --shapes lenet5 --benchmark_filter=-(a|b) "
                         "--record /a/path/c.h5 --force"},
                        {"cpu", "A processor | with a bar"}};
  machine.datasets = {{"median_ms", list(median, "row")},
                      {"min_ms", list(least, "row")},
                      {"max_ms", list(most, "row")}};
  return record;
}

}  // namespace reprise::test
