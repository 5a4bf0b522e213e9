/// \file
/// A kernel that takes no filter of system calls, as far as a process can tell.
#pragma once

namespace reprise::test {

/// From now on this process and all that it starts get ENOSYS and EINVAL where they ask for such a
/// filter. False if this kernel itself takes none.
bool hide_seccomp();

}  // namespace reprise::test
