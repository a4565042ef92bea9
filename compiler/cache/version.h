// Which compiler this is.
#ifndef INGOT_COMPILER_CACHE_VERSION_H_
#define INGOT_COMPILER_CACHE_VERSION_H_

#include <string>

namespace ingot::cache {

// The build ID of the program or library that this code is in, as the linker made it
// (NT_GNU_BUILD_ID, a hash of all that it holds, in hexadecimal digits): another one wherever a
// line of the compiler or of what is linked to it has changed.  Empty where the linker made none.
const std::string& CompilerVersion();

}  // namespace ingot::cache

#endif  // INGOT_COMPILER_CACHE_VERSION_H_
