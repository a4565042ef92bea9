// Messages for whoever asked for them: silent by default.
#ifndef INGOT_RUNTIME_LOG_H_
#define INGOT_RUNTIME_LOG_H_

#include "absl/strings/str_cat.h"

namespace ingot::runtime {

using LogSink = void (*)(void* context, const char* line);

// Replaces the sink; null: standard error when the environment has INGOT_LOG=1, else nothing.
void SetLogSink(LogSink sink, void* context);

// Whether anybody listens: to save the work of making a message.
bool LogEnabled();
void LogLine(const std::string& line);

// Log("loaded ", name): one line, made only when it goes somewhere.
template <typename... Parts>
void Log(const Parts&... parts) {
  if (LogEnabled()) LogLine(absl::StrCat(parts...));
}

}  // namespace ingot::runtime

#endif  // INGOT_RUNTIME_LOG_H_
