// A condition of a seccomp rule on an argument of the system call; libseccomp's own macros are C's
// compound literals, which are no C++.
#pragma once

#include <seccomp.h>

namespace reprise::details {

// Holds if argument `index`, from 0, compares to `value`; with SCMP_CMP_MASKED_EQ `value` is the
// mask and `masked` what the argument must be under it.
constexpr scmp_arg_cmp argument(unsigned index, scmp_compare comparison, scmp_datum_t value,
                                scmp_datum_t masked = 0) {
  return {index, comparison, value, masked};
}

}  // namespace reprise::details
