/// \file
/// Changes to records' trees, as an input's bytes tell them: what somebody can write who computes
/// digest and checksum anew.
#pragma once

#include "reprise/record/record.hpp"
#include "support/fuzz.hpp"

namespace reprise::fuzz {

/// Changes the record until the input is empty, at most 24 times: values, types, shapes, names,
/// things deleted, copied and moved. The tree may then be one that no record may be (check_record).
void mutate(Record& record, Input& input);

}  // namespace reprise::fuzz
