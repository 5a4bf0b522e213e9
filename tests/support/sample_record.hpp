/// \file
/// A small record with every type, shape and kind of axis that records may have.
#pragma once

#include "reprise/record/record.hpp"

namespace reprise::test {

/// /configuration  attributes of each type, more than HDF5 keeps in an object's header; "toml"
/// /data           texts, one of them empty; "file" gives its axis coordinates that are text
/// /history        "epoch" gives its axis coordinates; infinity and NaN among the values
/// /model/conv1    "kernel" and "bias"; "no_values" has an axis of size 0
/// /evaluation     axis "image" in two sizes; an axis named as a dataset; a compressed dataset
/// /environment    what the digest leaves out
Record sample_record();

}  // namespace reprise::test
