#include "runtime/log.h"

#include <cstdio>
#include <cstdlib>
#include <mutex>

namespace ingot::runtime {
namespace {

std::mutex mutex;  // of the two below
LogSink current_sink = nullptr;
void* current_context = nullptr;

bool ToStandardError() {
  static const bool wanted = [] {
    const char* value = std::getenv("INGOT_LOG");
    return value != nullptr && value[0] != '\0' && value[0] != '0';
  }();
  return wanted;
}

}  // namespace

void SetLogSink(LogSink sink, void* context) {
  std::lock_guard<std::mutex> lock(mutex);
  current_sink = sink;
  current_context = context;
}

bool LogEnabled() {
  std::lock_guard<std::mutex> lock(mutex);
  return current_sink != nullptr || ToStandardError();
}

void LogLine(const std::string& line) {
  std::lock_guard<std::mutex> lock(mutex);
  if (current_sink != nullptr) {
    current_sink(current_context, line.c_str());
  } else if (ToStandardError()) {
    std::fprintf(stderr, "ingot: %s\n", line.c_str());
  }
}

}  // namespace ingot::runtime
