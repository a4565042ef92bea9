// The parser of modules: what its parts share.
//
// ModuleParser reads the header and links calls; ComputationParser reads one computation;
// InstructionParser one instruction.
#ifndef INGOT_IR_TEXT_MODULE_PARSER_H_
#define INGOT_IR_TEXT_MODULE_PARSER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ir/module.h"
#include "ir/text/lexer.h"
#include "ir/text/parser.h"

namespace ingot::text {

// Instructions as operands of instructions, and computations inside of attributes, nest at most
// this deep.
inline constexpr int kMaxNesting = 32;

// A computation's name where an instruction calls it, or the computation itself where the text
// stands right there.
struct CallTarget {
  absl::string_view name;
  size_t position = 0;
  Computation* computation = nullptr;
};

struct CallSite {
  Instruction* caller;
  std::vector<CallTarget> targets;
};

// What the text of one module has said so far.
struct ParseState {
  Lexer lexer;
  std::unique_ptr<Module> module;
  absl::flat_hash_map<absl::string_view, Computation*> computations;
  std::vector<CallSite> calls;
  // Computations that the text gives no name, and what to call them once all names are known.
  std::vector<std::pair<Computation*, absl::string_view>> unnamed;
  int nesting = 0;

  // Resolves targets that are already defined; whether all are.
  bool TryResolve(CallSite& site) const;
  // A computation without a name; `stem` is a constant.
  Computation* AddUnnamed(absl::string_view stem);
};

// Reads `{ instructions }` into an empty computation, which is returned.
absl::StatusOr<Computation*> ReadBody(ParseState& state, Computation* computation);

}  // namespace ingot::text

#endif  // INGOT_IR_TEXT_MODULE_PARSER_H_
