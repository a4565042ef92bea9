// CUPTI for tests without a card, called libcupti.so.13: tells of what the stub of the driver did
// since it was asked last.  The n-th thing that was done, counted from 1, began at n * 10,000 ns
// and took 100 + n.
#include <dlfcn.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tests/runtime/cuda/stub/stub_driver.h"

namespace {

using Request = void (*)(uint8_t** buffer, size_t* bytes, size_t* most_records);
using Complete = void (*)(void* context, uint32_t stream, uint8_t* buffer, size_t bytes,
                          size_t filled);

struct Record {
  uint32_t kind, of_kind[3];
  uint64_t start, end;
};

Request request = nullptr;
Complete complete = nullptr;
int enabled = 0;   // kinds
int64_t told = 0;  // of what was done

const ingot::runtime::cuda::StubControl* Stub() {
  void* const driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
  if (driver == nullptr) return nullptr;
  return static_cast<const ingot::runtime::cuda::StubControl*>(dlsym(driver, "ingot_stub_control"));
}

}  // namespace

extern "C" {

int cuptiActivityRegisterCallbacks(Request new_request, Complete new_complete) {
  request = new_request;
  complete = new_complete;
  return Stub() == nullptr ? 999 : 0;
}
int cuptiActivityEnable(int) {
  if (const int error = Stub()->enter("cuptiActivityEnable"); error != 0) return error;
  if (enabled++ == 0) told = Stub()->done();
  return 0;
}
int cuptiActivityDisable(int) {
  if (enabled > 0) --enabled;
  return 0;
}
int cuptiActivityFlushAll(uint32_t) {
  if (enabled <= 0) return 0;
  const int64_t done = Stub()->done();
  while (told < done) {
    uint8_t* buffer = nullptr;
    size_t bytes = 0, most = 0, filled = 0;
    request(&buffer, &bytes, &most);
    for (; told < done && filled + sizeof(Record) <= bytes; filled += sizeof(Record)) {
      const auto n = static_cast<uint64_t>(++told);
      const Record record = {10, {}, n * 10000, n * 10000 + 100 + n};
      std::memcpy(buffer + filled, &record, sizeof(record));
    }
    complete(nullptr, 0, buffer, bytes, filled);
  }
  return 0;
}
int cuptiActivityGetNextRecord(uint8_t* buffer, size_t filled, uint8_t** record) {
  uint8_t* const next = *record == nullptr ? buffer : *record + sizeof(Record);
  if (next + sizeof(Record) > buffer + filled) return 12;  // no more
  *record = next;
  return 0;
}

}  // extern "C"
