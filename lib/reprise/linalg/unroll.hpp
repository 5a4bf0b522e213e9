/// \file
/// Loops over a register tile.
#pragma once

/// Before the (outer) loop over a tile of vectors, wherever a kernel sets, adds to or stores it:
/// GCC unrolls nested loops only after it has decided which arrays live in registers, and then
/// copies the tile to the stack and back around the loop that works it.
#define REPRISE_UNROLL _Pragma("GCC unroll 32")
