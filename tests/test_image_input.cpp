// What a network is given of an image: mean image, unit, crops, and the ten views of tests.
#include "reprise/data/image_input.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <numeric>

#include "reprise/data/augmentation.hpp"
#include "reprise/data/batches.hpp"
#include "reprise/nn/losses.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/evaluation.hpp"
#include "reprise/run/trained_model.hpp"
#include "support/catch.hpp"
#include "support/close.hpp"
#include "support/command.hpp"
#include "support/errors.hpp"
#include "support/golden.hpp"
#include "support/refused.hpp"
#include "support/temporary_folder.hpp"

using namespace reprise;
using namespace reprise::test;

namespace {

const std::string kOptions =
    " --data " + kFixture +
    " --train-images 64 --batch-size 32 --subtract mean_image --pixel-max 255 --crop 22 "
    "--test-views 10 --horizontal-flip 1 --learning-rate 0.0001 ";

/// Images of distinct pixels, not square.
ImageSet some_images(std::size_t count, std::size_t channels) {
  ImageSet set{count, 5, 7, channels, {}, std::vector<std::uint8_t>(count)};
  set.pixels.resize(count * set.image_size());
  for (std::size_t i = 0; i < set.pixels.size(); ++i) {
    set.pixels[i] = static_cast<std::uint8_t>(1 + RandomStream(3).below(255, i));
  }
  return set;
}

std::vector<std::uint32_t> all_of(const ImageSet& set) {
  std::vector<std::uint32_t> indices(set.count);
  std::iota(indices.begin(), indices.end(), 0U);
  return indices;
}

std::vector<float> seen(const ImageSet& set, const View& view, const ImageInput& input) {
  std::vector<float> output(set.count * input.size(), -1.0F);
  gather_view(set, all_of(set), view, input, output.data());
  return output;
}

/// The definition: pixel / unit - mean, 0 / unit outside the image, cell by cell.
std::vector<float> by_definition(const ImageSet& set, const View& view, const ImageInput& input) {
  std::vector<float> output;
  const auto height = static_cast<int>(input.height), width = static_cast<int>(input.width);
  const auto channels = static_cast<int>(input.channels);
  for (std::size_t n = 0; n < set.count; ++n) {
    for (int at = 0; at < height * width * channels; ++at) {
      const int c = at % channels, x = at / channels % width, y = at / channels / width;
      const int row = y + view.top, column = (view.reflect ? width - 1 - x : x) + view.left;
      const bool inside = row >= 0 && row < static_cast<int>(set.height) && column >= 0 &&
                          column < static_cast<int>(set.width);
      const auto place =
          static_cast<std::size_t>((row * static_cast<int>(set.width) + column) * channels + c);
      float value = inside ? static_cast<float>(set.pixels[n * set.image_size() + place]) : 0.0F;
      value /= input.unit;
      if (!input.mean.empty()) value -= input.mean[static_cast<std::size_t>(at)];
      output.push_back(value);
    }
  }
  return output;
}

/// A run of kOptions, made once.
const std::string& cropped_record_path() {
  static const TemporaryFolder folder;
  static const std::string path = folder / "run.h5";
  static const CommandResult result =
      run_command(kPrograms + "train_lenet5" + kOptions + "--epochs 2 --output " + path);
  INFO(result.err);
  REQUIRE(result.status == 0);
  return path;
}

}  // namespace

TEST_CASE("the mean image is that of the images trained on, exactly") {
  ImageSet set{3, 1, 2, 2, {0, 255, 1, 10, 3, 255, 2, 20, 3, 255, 2, 31, 200, 200, 200, 200}, {}};
  set.count = 4;
  ImageInput input = image_input({0, 255, true}, set, 3);
  const auto third = [](double sum) { return static_cast<float>(sum / 3.0); };
  CHECK(input.mean == std::vector<float>{2.0F, 255.0F, third(5), third(61)});
  input = image_input({0, 1, true}, set, 3);
  CHECK(input.mean[0] == static_cast<float>(6.0 / 765.0));
  CHECK(input.mean[1] == 1.0F);
  CHECK(image_input({0, 255, true}, set, 4).mean[0] == 51.5F);
  CHECK(image_input({0, 255, false}, set, 4).mean.empty());

  // More than a float's 24 bits can count, in any order.
  ImageSet many{70000, 1, 1, 1, std::vector<std::uint8_t>(70000, 255), {}};
  many.pixels[69999] = 254;
  CHECK(image_input({0, 255, true}, many, 70000).mean[0] ==
        static_cast<float>((255.0 * 70000 - 1) / 70000));
}

TEST_CASE("views are parts of the image in their unit, less the mean of its centre") {
  const ImageSet set = some_images(4, 3);
  for (const std::int64_t crop : {0, 3, 4, 5}) {
    for (const std::int64_t pixel_max : {1, 255}) {
      for (const bool mean : {false, true}) {
        CAPTURE(crop, pixel_max, mean);
        const ImageInput input = image_input({crop, pixel_max, mean}, set, 3);
        for (const View& view : {View{}, View{1, 2, false}, View{-1, 3, true}, View{2, -2, false},
                                 View{9, 0, false}, View{0, -9, true}, View{0, 9, false}}) {
          CHECK(seen(set, view, input) == by_definition(set, view, input));
        }
      }
    }
  }
  // 5x7 images and a crop of 4: the mean's first cell is that of row 0, column 1.
  const ImageInput input = image_input({4, 255, true}, set, 2);
  const std::size_t other = set.image_size();
  CHECK(input.mean[1] == static_cast<float>(set.pixels[4] + set.pixels[other + 4]) / 2.0F);
  CHECK(centre_view(input, set) == View{0, 1, false});
  std::vector<float> plain(set.pixels.size());
  gather_images(set, all_of(set), plain.data());
  CHECK(seen(set, View{}, plain_input(set)) == plain);
}

TEST_CASE("the ten views are the corners and the centre, then the same reflected") {
  const ImageSet set = some_images(1, 1);
  const auto places = [](const std::vector<View>& views) {
    std::vector<std::pair<int, int>> found;
    for (const View& view : views) found.emplace_back(view.top, view.left);
    return found;
  };
  using Places = std::vector<std::pair<int, int>>;
  const std::vector<View> crops = ten_views(image_input({3, 1, false}, set, 1), set, 0);
  CHECK(places(crops) ==
        Places{{0, 0}, {0, 4}, {2, 0}, {2, 4}, {1, 2}, {0, 0}, {0, 4}, {2, 0}, {2, 4}, {1, 2}});
  const std::vector<View> moved = ten_views(plain_input(set), set, 2);
  CHECK(
      places(moved) ==
      Places{
          {-2, -2}, {-2, 2}, {2, -2}, {2, 2}, {0, 0}, {-2, -2}, {-2, 2}, {2, -2}, {2, 2}, {0, 0}});
  for (std::size_t i = 0; i < 10; ++i) CHECK(crops[i].reflect == (i >= 5));
}

TEST_CASE("training sees every crop, reflected or not, about as often as any other") {
  const ImageSet set = some_images(2, 1);
  AugmentationOptions options;
  options.horizontal_flip = true;
  const ImageInput input = image_input({4, 255, true}, set, 2);
  const Augmentation augmentation(options, set, RandomStream(1), input);
  std::map<std::vector<float>, std::size_t> counts;  // of the 2 * 4 * 2 parts of image 1
  for (int top = 0; top < 2; ++top) {
    for (int left = 0; left < 4; ++left) {
      for (const bool reflect : {false, true}) {
        std::vector<float> part(input.size());
        gather_view(set, std::vector<std::uint32_t>{1}, {top, left, reflect}, input, part.data());
        counts[part] = 0;
      }
    }
  }
  REQUIRE(counts.size() == 16);
  constexpr int kEpochs = 1600;
  for (int epoch = 0; epoch < kEpochs; ++epoch) {
    std::vector<float> image(input.size());
    augmentation.gather(set, std::vector<std::uint32_t>{1}, static_cast<std::uint64_t>(epoch),
                        image.data());
    const auto found = counts.find(image);
    REQUIRE(found != counts.end());
    ++found->second;
  }
  double chi_squared = 0.0;
  for (const auto& [part, count] : counts) {
    chi_squared += std::pow(static_cast<double>(count) - 100.0, 2) / 100.0;
  }
  CHECK(chi_squared < 37.7);  // 15 degrees of freedom: exceeded once in 1,000 seeds

  options.random_shift = 1;
  CHECK(is_line_with(error_of([&] { Augmentation(options, set, RandomStream(1), input); }), "crop",
                     "random_shift 1"));
}

TEST_CASE("distortion and colour noise keep to the unit of the pixels") {
  const ImageSet set = some_images(3, 3);
  AugmentationOptions options;
  options.distortion = 0.2;
  options.pca_color_noise = 0.1;
  const auto changed = [&](std::int64_t pixel_max) {
    const Augmentation augmentation(options, set, RandomStream(1),
                                    image_input({0, pixel_max, false}, set, 3));
    std::vector<float> output(set.pixels.size());
    augmentation.gather(set, all_of(set), 0, output.data());
    return output;
  };
  const std::vector<float> small = changed(1), large = changed(255);
  for (std::size_t i = 0; i < small.size(); ++i) {
    CHECK(255.0F * small[i] == Approx(large[i]).margin(1e-3));
  }
}

TEST_CASE("the mean of views agrees with PyTorch's, and keeps to its limits") {
  const GoldenFile golden("layers.h5");
  const GoldenArray logits = golden.array("mean_of_views/logits");  // views,images,classes
  const std::vector<double> expected = golden.array("mean_of_views/log_mean").values;
  const std::size_t views = logits.shape[0], images = logits.shape[1], classes = logits.shape[2];
  std::vector<float> logs = logits.floats();
  log_softmax_forward(views * images, classes, logs.data(), logs.data());
  std::vector<float> mean(images * classes);
  mean_of_probabilities(views, mean.size(), logs.data(), mean.data());
  // Log-softmax is within 3 ulp of its largest term, about 100 here; the mean adds as much again.
  check_close("mean of views", mean, expected, 8 * kRoundoff * 128);

  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto of = [](const std::vector<float>& values) {
    float result = 0.0F;
    mean_of_probabilities(values.size(), 1, values.data(), &result);
    return result;
  };
  CHECK(of({-3.25F, -3.25F, -3.25F}) == -3.25F);
  CHECK(of({-200.0F, -200.0F}) == -200.0F);  // e^-200 is no float
  CHECK(of({-inf, -inf}) == -inf);
  CHECK(of({-inf, -1.0F}) == Approx(-1.0F - std::log(2.0F)));
  CHECK(std::isnan(of({nan, -1.0F})));
  CHECK(std::isnan(of({-1.0F, nan})));
  CHECK(std::isnan(of({-inf, nan})));
}

TEST_CASE("an evaluation by ten views is the mean of ten evaluations") {
  const ImageDataset data = load_dataset(kFixture);
  ImageSet some{40, 28, 28, 1, {}, {}};
  some.pixels.assign(data.test.pixels.begin(), data.test.pixels.begin() + 40 * 784);
  some.labels.assign(data.test.labels.begin(), data.test.labels.begin() + 40);
  TrainingConfiguration c;
  c.crop = 24;
  Sequential model = make_model(c, {28, 28, 1}, 10);
  CHECK(model.input_shape().height == 24);
  model.initialize(RandomStream(5));
  const ImageInput input = image_input({24, 1, true}, data.train, 100);
  const std::vector<View> views = ten_views(input, some, 0);
  const Evaluation ten = evaluate(model, some, {input, views}, 1);
  CHECK(evaluate(model, some, {input, views}, 3).logits == ten.logits);
  std::vector<double> probabilities(400, 0.0);
  for (const View& view : views) {
    const Evaluation one = evaluate(model, some, {input, {view}}, 1);
    Tensor<4> images = make_tensor<4>({40, 24, 24, 1});
    gather_view(some, all_of(some), view, input, images.data());
    const Tensor<4> said = model.predict(images);
    CHECK(std::equal(said.begin(), said.end(), one.logits.begin()));
    for (std::size_t n = 0; n < 40; ++n) {
      double sum = 0.0;
      for (std::size_t k = 0; k < 10; ++k) {
        sum += std::exp(static_cast<double>(one.logits[10 * n + k]));
      }
      for (std::size_t k = 0; k < 10; ++k) {
        probabilities[10 * n + k] += std::exp(static_cast<double>(one.logits[10 * n + k])) / sum;
      }
    }
  }
  for (std::size_t i = 0; i < 400; ++i) {
    CHECK(std::exp(static_cast<double>(ten.logits[i])) ==
          Approx(probabilities[i] / 10.0).epsilon(1e-5));
  }
}

TEST_CASE("a record has the mean image, is verified, and its network sees images as in its run") {
  const Record record = load_record(cropped_record_path(), "training");
  const ImageDataset data = load_dataset(kFixture);
  const ImageInput input = image_input({22, 255, true}, data.train, 64);
  CHECK(record.values<float>("model/mean_image") == input.mean);
  CHECK(record.dataset("model/mean_image").shape == std::vector<std::size_t>{22, 22, 1});

  const Sequential model = trained_model(record, "a.h5");
  const ImageViews views = trained_views(record, data, "a.h5");
  CHECK(views.views.size() == 10);
  const Evaluation by_views = evaluate(model, data.test, views, 2);
  CHECK(by_views.logits == record.values<float>("evaluation/logits"));
  const Evaluation by_centre =
      evaluate(model, data.test, {views.input, {centre_view(views.input, data.test)}}, 1);
  CHECK(by_centre.loss == record.values<double>("history/test_loss").back());

  const CommandResult verified =
      run_command(kPrograms + "verify --data " + kFixture + " " + cropped_record_path());
  INFO(verified.out << verified.err);
  CHECK(verified.status == 0);
  const CommandResult applied =
      run_command(kPrograms + "evaluate --data " + kFixture + " " + cropped_record_path());
  CHECK_THAT(applied.out, Catch::Contains(fmt::format("error {:.2f}%", 100 * by_views.error)));
  const CommandResult report =
      run_command(REPRISE_BINARY_DIR "/reports/write_report --output " + cropped_record_path() +
                  ".report " + cropped_record_path());
  INFO(report.err);
  CHECK(report.status == 0);
  std::filesystem::remove_all(cropped_record_path() + ".report");
}

TEST_CASE("a run's bits with crops and ten views do not depend on threads or on a kill") {
  const TemporaryFolder folder;
  const CommandResult again = run_command(kPrograms + "train_lenet5" + kOptions +
                                          "--epochs 2 --threads 3 --output " + (folder / "b.h5"));
  CHECK_THAT(again.last_line(),
             Catch::Contains(digest_of(load_record(cropped_record_path(), "training"))));
}

TEST_CASE("a record whose mean image does not fit its settings is refused") {
  const ImageDataset data = load_dataset(kFixture);
  const auto refused = [&](const auto& change, const auto&... parts) {
    Record record = load_record(cropped_record_path(), "training");
    change(record.groups["model"].datasets, record.groups["configuration"].attributes);
    CHECK(is_line_with(error_of([&] { trained_views(record, data, "a.h5"); }), "a.h5", parts...));
  };
  refused([](auto& model, auto&) { model.erase("mean_image"); }, "no /model/mean_image");
  refused(
      [](auto& model, auto&) {
        model["mean_image"].shape = {11, 44, 1};
      },
      "(11,44,1)", "(22,22,1)");
  refused([](auto&, auto& settings) { settings["subtract"] = std::string("none"); }, "(22,22,1)",
          "none, as its settings");
}

TEST_CASE("inputs that cannot be are refused in one line") {
  const auto refused = [](const std::string& options, int status, const std::string& message) {
    check_refused("train_lenet5", "--data " + kFixture + " " + options, status, message);
  };
  refused("--crop 29", 1, "setting crop: 29; expected at most 28");
  refused("--crop -1", 2, "setting crop");
  refused("--crop 9223372036854775807", 1, "setting crop");
  refused("--crop 4", 1, "");  // too small for the layers
  refused("--crop 24 --random-shift 2", 2, "random_shift: 2 with crop 24");
  refused("--subtract mean", 2, "setting subtract: \"mean\"; expected none or mean_image");
  refused("--pixel-max 2", 2, "setting pixel_max: 2; expected 1 or 255");
  refused("--test-views 5", 2, "setting test_views: 5; expected 1 or 10");
  refused("--test-views 10", 2, "10 without crop and random_shift");
}

TEST_CASE("settings at their defaults give the record that they gave before they existed") {
  // fixtures/digests.toml has this run's digest; --check compares it as well.
  const TemporaryFolder folder;
  const CommandResult plain =
      run_command(kPrograms + "train_lenet5 --data " + kFixture +
                  " --train-images 32 --seed 1 --epochs 1 --batch-size 20 --block-size 6 "
                  "--subtract none --pixel-max 1 --crop 0 --test-views 1 --holdout 0 --output " +
                  (folder / "a.h5"));
  CHECK(plain.last_line() ==
        "digest sha256:f2f5605d26300b2022368f7b231c019f27eabed230c94f608e1e4768e60e93c2");
}
