// Makes a record's tree, checks it, digests it and reads it back, with the library of records
// alone: it links without HDF5. Ends with 1 if the tree does not give back what it was made from.
#include <limits>

#include "reprise/core/terminal.hpp"
#include "reprise/record/contents.hpp"
#include "reprise/record/schema.hpp"

int main() {
  using namespace reprise;
  ComparisonRecord comparison;
  comparison.settings = {{"seed", std::int64_t{1}}, {"threads", std::int64_t{2}}};
  comparison.peak_flops = 1e11;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  comparison.rows = {{"mb1ic1ih9oc1kh3", "a", "forward", "direct", "portable", "ok", 1e6, 0, 0.5,
                      1e-7, 0.25, nan, nan, nan},
                     {"mb1ic1ih9oc1kh5", "b", "grad_input", "fft", "portable", "", 2e6, 64, nan,
                      nan, nan, 1.5, 1.0, 2.0}};
  const Record tree = to_tree(comparison);
  check_schema(tree, "comparison", "tree");
  const Record again = to_tree(comparison_from(tree, "tree"));
  print_line("digest sha256:" + digest_of(tree));
  return digest_of(again) == digest_of(tree) && differences(tree, again).empty() ? 0 : 1;
}
