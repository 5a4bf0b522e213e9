/// \file
/// Tries what a process without rights must not be able to do.
#pragma once

namespace reprise::details {

/// Tries each thing and prints "refused NAME" or "ALLOWED NAME" for it. Returns whether all were
/// refused. For a process that limit_resources and forbid_system_calls have confined.
bool all_is_refused();

}  // namespace reprise::details
