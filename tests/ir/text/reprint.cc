// reprint FILE...                   reads modules as HLO text and prints them again
// reprint --short|--long FILE...    in that form
// reprint --check FILE...           prints only which files do not come out as they went in
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/string_view.h"
#include "ir/text/parser.h"
#include "ir/text/printer.h"

int main(int argc, char** argv) {
  absl::string_view mode = argc > 1 ? argv[1] : "";
  if (mode.substr(0, 2) != "--") mode = "";
  ingot::PrintOptions options;
  if (mode == "--short") options.form = ingot::ShortForm();
  if (mode == "--long") options.form = ingot::LongForm();
  int status = 0;
  for (int i = mode.empty() ? 1 : 2; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    const auto module = ingot::ParseModule(text, argv[i]);
    if (!module.ok()) {
      std::fprintf(stderr, "error: %s\n", std::string(module.status().message()).c_str());
      status = 1;
      continue;
    }
    const std::string printed = ingot::ToString(**module, options);
    if (mode != "--check") {
      std::fputs(printed.c_str(), stdout);
    } else if (printed != text) {
      const auto differs = std::mismatch(printed.begin(), printed.end(), text.begin(), text.end());
      const auto line = std::count(printed.begin(), differs.first, '\n') + 1;
      std::printf("%s: line %td comes out otherwise\n", argv[i], line);
      status = 1;
    }
  }
  return status;
}
