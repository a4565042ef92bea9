// The texts of a compilation, for `ingot emit` and --dump-to.
#ifndef INGOT_COMPILER_TOOLS_STAGES_H_
#define INGOT_COMPILER_TOOLS_STAGES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/compile.h"

namespace ingot::tools {

struct StageInfo {
  Stage stage;
  absl::string_view name;       // as --stage= takes it
  absl::string_view extension;  // of a dump
};
absl::Span<const StageInfo> AllStages();

// Collects every text of every stage into numbered files of a directory: 00-input.hlo,
// 01-inline-calls.hlo, … kernels of one stage go into one file.  Written when the compilation is
// over, together with times.txt.
class Dump {
 public:
  // An empty directory name collects nothing.
  explicit Dump(std::string directory) : directory_(std::move(directory)) {}

  // Sets `options` to collect into this object, which must outlive the compilation.
  void Attach(CompileOptions& options);
  // Writes the files; also after a compilation that failed, for what there is.
  absl::Status Write(const Compilation* compilation) const;

 private:
  struct File {
    std::string name;
    std::string text;
  };
  void Add(Stage stage, absl::string_view name, const std::string& text);

  std::string directory_;
  std::vector<File> files_;
  std::vector<Stage> stages_;  // of each file
};

// Phases in milliseconds, their sum, what was made, and the arena: a table for people.
std::string TimesText(const Compilation& compilation);

}  // namespace ingot::tools

#endif  // INGOT_COMPILER_TOOLS_STAGES_H_
