// Trains LeNet-5 for an epoch and saves the record: train_network DATA_FOLDER RECORD.
#include <string>

#include "reprise/core/terminal.hpp"
#include "reprise/record_file/record_file.hpp"
#include "reprise/run/evaluation.hpp"
#include "reprise/run/training.hpp"
#include "reprise/run/training_record.hpp"

using namespace reprise;

int main(int argc, char** argv) try {
  if (argc != 3) throw Error("command line", "wrong", "DATA_FOLDER RECORD");
  const ImageDataset data = load_dataset(argv[1]);
  TrainingConfiguration configuration;
  configuration.epochs = 1;
  configuration.conv_algorithm = "auto";
  TrainingRun run(configuration, data, 2);  // the number of threads changes no bit
  TrainingRun::Observer observer;
  observer.epoch = [](const EpochResult& result) {
    print_line("test error " + std::to_string(100 * result.test_error) + "%");
  };
  run.train(observer);
  const Record record = to_tree(training_record(run, evaluation_of(run), {}));
  print_line("digest sha256:" + save_record(record, argv[2]));
} catch (const std::exception& error) {
  print_error_line(std::string("train_network: ") + error.what());
  return 1;
}
