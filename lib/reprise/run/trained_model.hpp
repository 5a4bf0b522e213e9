/// \file
/// The trained network of a record, to be applied to other images.
#pragma once

#include <string>

#include "reprise/data/dataset.hpp"
#include "reprise/nn/sequential.hpp"
#include "reprise/record/record.hpp"
#include "reprise/run/evaluation.hpp"

namespace reprise {

/// Error, in one line that begins with `where`, unless the data's images have the size of those
/// that the record's network was trained on, and the same classes in the same order. Of the classes
/// only the number counts with `by_number`.
void check_same_kind(const Record& record, const ImageDataset& data, const std::string& where,
                     bool by_number = false);

/// The network as it was after the last epoch, for images of the size that the record says. The
/// parameters that the record holds bound what memory is taken.
///
/// Error, in one line that begins with `where`, if the record breaks its schema, its settings are
/// out of range, or it holds no parameters that fit them and have the digest that it says.
Sequential trained_model(const Record& record, const std::string& where);

/// How the record's run showed test images to its network: their part, unit and views, and the mean
/// image in the record, that of its own training images. Of `data` only the images' size counts,
/// which passes check_same_kind(); errors are those of trained_model().
ImageViews trained_views(const Record& record, const ImageDataset& data, const std::string& where);

}  // namespace reprise
