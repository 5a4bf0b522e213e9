#include "support/without_seccomp.hpp"

#include <sys/prctl.h>

#include <cerrno>
#include <memory>
#include <type_traits>

#include "reprise/record_file/reader/seccomp_condition.hpp"

namespace reprise::test {

bool hide_seccomp() {
  using Filter =
      std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, decltype(&seccomp_release)>;
  const Filter filter(seccomp_init(SCMP_ACT_ALLOW), seccomp_release);
  const auto no_filter = reprise::details::argument(0, SCMP_CMP_EQ, PR_SET_SECCOMP, 0);
  return filter != nullptr &&
         seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(seccomp), 0) == 0 &&
         seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1, no_filter) ==
             0 &&
         seccomp_load(filter.get()) == 0;
}

}  // namespace reprise::test
