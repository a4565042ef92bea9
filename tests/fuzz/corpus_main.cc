// Gives each file of a fuzzer's corpus to its entry point, without a fuzzer.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace ingot {
namespace {

TEST(CorpusTest, NoFileCrashes) {
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(INGOT_FUZZ_CORPUS)) {
    if (!entry.is_regular_file()) continue;
    SCOPED_TRACE(entry.path().string());
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size()),
              0);
    ++files;
  }
  EXPECT_GT(files, 0) << "no corpus in " << INGOT_FUZZ_CORPUS;
}

}  // namespace
}  // namespace ingot
