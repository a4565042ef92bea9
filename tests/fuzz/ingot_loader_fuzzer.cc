// .ingot files: whatever the bytes, the loader refuses them or gives a program that is Validated.
//
// Hashes would keep nearly every damaged file out, so the input is also tried with right ones: what
// a hostile writer can make.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "absl/types/span.h"
#include "ir/base/check.h"
#include "runtime/container.h"
#include "runtime/ingot_file.h"
#include "runtime/program.h"

namespace ingot::runtime {
namespace {

// The layout stands in runtime/container.h.
constexpr size_t kHeaderSize = 64;
constexpr size_t kEntrySize = 64;
constexpr size_t kHashAt = 32;

template <typename T>
T Load(absl::Span<const uint8_t> bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

void Store(std::vector<uint8_t>& bytes, size_t at, const Hash& hash) {
  std::copy(hash.begin(), hash.end(), bytes.begin() + at);
}

// Puts the right hashes into the table and the header, as far as the numbers there make sense.
void CorrectHashes(std::vector<uint8_t>& file) {
  if (file.size() < kHeaderSize) return;
  const size_t room = (file.size() - kHeaderSize) / kEntrySize;
  const size_t count = std::min<size_t>(Load<uint32_t>(file, 12), room);
  for (size_t i = 0; i < count; ++i) {
    const size_t entry = kHeaderSize + i * kEntrySize;
    const auto offset = Load<uint64_t>(file, entry + 8);
    const auto size = Load<uint64_t>(file, entry + 16);
    if (offset > file.size() || size > file.size() - offset) continue;
    Store(file, entry + kHashAt, HashOf(absl::MakeSpan(file).subspan(offset, size)));
  }
  std::vector<uint8_t> hashed(file.begin(), file.begin() + kHashAt);
  hashed.insert(hashed.end(), file.begin() + kHeaderSize,
                file.begin() + kHeaderSize + count * kEntrySize);
  Store(file, kHashAt, HashOf(hashed));
}

void Try(absl::Span<const uint8_t> file) {
  const auto programs = ParsePrograms(file, {.verify = true});
  if (!programs.ok()) return;
  std::vector<const Program*> pointers;
  for (const Program& program : *programs) {
    INGOT_CHECK(Validate(program).ok());
    pointers.push_back(&program);
  }
  // What was read can be written and read again.
  const auto written = SerializePrograms(pointers);
  INGOT_CHECK(written.ok()) << std::string(written.status().message());
  const auto again = ParsePrograms(*written);
  INGOT_CHECK(again.ok() && again->size() == programs->size());
}

}  // namespace
}  // namespace ingot::runtime

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<uint8_t> file(data, data + size);
  ingot::runtime::Try(file);
  ingot::runtime::CorrectHashes(file);
  ingot::runtime::Try(file);
  return 0;
}
