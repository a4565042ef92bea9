// HLO text: whatever the bytes, the parser says where the first fault is or gives a module, and
// what is printed of a module reads back as the same.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "ir/base/check.h"
#include "ir/text/parser.h"
#include "ir/text/printer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto module = ingot::ParseModule(text, "fuzz.hlo");
  if (!module.ok()) {
    const absl::string_view message = module.status().message();
    INGOT_CHECK(message.substr(0, 9) == "fuzz.hlo:") << std::string(message);
    return 0;
  }
  const std::string printed = ingot::ToString(**module);
  const auto again = ingot::ParseModule(printed, "printed.hlo");
  INGOT_CHECK(again.ok()) << std::string(again.status().message()) << "\n" << printed;
  const std::string twice = ingot::ToString(**again);
  INGOT_CHECK(printed == twice) << printed << "\nthen\n" << twice;
  return 0;
}
