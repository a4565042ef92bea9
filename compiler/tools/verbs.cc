#include "compiler/tools/command_line.h"

namespace ingot::tools {

absl::Span<const Verb> AllVerbs() {
  static const auto& verbs = *new std::vector<Verb>{
      kRunVerb, kCompileVerb, kOptVerb, kEmitVerb, kCheckVerb, kBenchVerb, kTuneVerb, kTargetsVerb};
  return verbs;
}

}  // namespace ingot::tools
