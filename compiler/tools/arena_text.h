// The arena of a program, as compile --time and bench show it.
#ifndef INGOT_COMPILER_TOOLS_ARENA_TEXT_H_
#define INGOT_COMPILER_TOOLS_ARENA_TEXT_H_

#include <string>

#include "compiler/program/arena_use.h"
#include "nlohmann/json.hpp"

namespace ingot::tools {

// Its bytes, how many are alive at once, and a line for each of the largest values that then are.
std::string ArenaText(const program::ArenaUse& arena);

// {"bytes", "peak_bytes", "at_peak": [{"value", "bytes"}, …]}
nlohmann::json ArenaJson(const program::ArenaUse& arena);

}  // namespace ingot::tools

#endif  // INGOT_COMPILER_TOOLS_ARENA_TEXT_H_
