// Files that are mapped into memory, watched for being cut short while they are in use.
#pragma once

#include <cstddef>

namespace fieldfare {

// Reading a page that a mapped file no longer has raises SIGBUS, which ends the process. A watched
// mapping reads as zeros there instead, and says so when it is asked. On Windows, where mapped
// files cannot be cut short, nothing is ever torn.
//
// Returns the number of the watch, or -1 if there are too many; then the mapping is not watched.
int watch_mapping(const void* begin, std::size_t size);

// Whether a page that was read was not there; of a watch that is -1, false.
bool is_torn(int watch);

// Ends a watch. To be called before the mapping goes, or right after.
void unwatch_mapping(int watch);

}  // namespace fieldfare
