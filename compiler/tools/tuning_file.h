// The file that `ingot tune` writes: a tuning table (compiler/plan/plan_table.h) whose comments say
// what was measured, so that the next run goes on where this one ended.
//
//   // tuned 92ec1aa30776bf5a dot bf16[256,512]·[512,256]
//   // candidates=13 measured=13 wrong=0 near=9 best_us=12.3 best_predicted_us=11.9 chosen_us=14 …
//   fusion 92ec1aa30776bf5a sm_90a  // dot_2
//   plan cost=11.9 { ... }
//
// The entry is there only if it wins.
#ifndef INGOT_COMPILER_TOOLS_TUNING_FILE_H_
#define INGOT_COMPILER_TOOLS_TUNING_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ingot::tools {

// On what and how the plans of a file were measured.
struct TuningHeader {
  std::string target;    // plan::TableTarget
  std::string card;      // "NVIDIA H200"
  std::string options;   // OptionsText
  std::string compiler;  // cache::CompilerVersion
};

// What was measured of one fusion.
struct TunedFusion {
  std::string key;          // plan::FusionKey
  std::string description;  // one line
  int64_t candidates = 0;
  int64_t measured = 0;  // of the candidates
  int64_t wrong = 0;     // candidates whose results were not those of the chosen plan
  int64_t near = 0;      // measured candidates whose prediction was within 15 % of the clock
  // Microseconds of a run; the best plan, and the one that the compiler chooses without tables.
  double best_us = 0, best_predicted_us = 0;
  double chosen_us = 0, chosen_predicted_us = 0;
  std::string entry;  // of a tuning table; empty where the chosen plan stays
};

class TuningFile {
 public:
  // The file as it is, or an empty one where there is none or it has comments only. InvalidArgument
  // where the file is no table, has entries that no tuning wrote, or its header is another one than
  // `header`: that of another compiler is taken, and `note` says so.
  static absl::StatusOr<TuningFile> Open(const std::string& path, const TuningHeader& header,
                                         std::string& note);
  // As Open, of the text of a file.
  static absl::StatusOr<TuningFile> Parse(absl::string_view text, const std::string& path,
                                          const TuningHeader& header, std::string& note);

  const std::vector<TunedFusion>& fusions() const { return fusions_; }
  // Null where the fusion of this key has not been measured.
  const TunedFusion* Find(absl::string_view key) const;
  // Takes the place of what there is of this key.
  void Put(TunedFusion fusion);

  std::string ToString() const;
  // Replaces the file as a whole: whoever reads it finds the old text or the new one.
  absl::Status Write() const;

 private:
  TuningFile(std::string path, TuningHeader header)
      : path_(std::move(path)), header_(std::move(header)) {}

  std::string path_;
  TuningHeader header_;
  std::vector<TunedFusion> fusions_;  // in the order in which they were measured
};

}  // namespace ingot::tools

#endif  // INGOT_COMPILER_TOOLS_TUNING_FILE_H_
