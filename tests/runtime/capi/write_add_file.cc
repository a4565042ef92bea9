// write_add_file PATH: the program of AddProgram(1000) as a file.
#include <cstdio>

#include "runtime/ingot_file.h"
#include "tests/runtime/testing.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const absl::Status status = ingot::runtime::SaveIngot(ingot::runtime::AddProgram(1000), argv[1]);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}
