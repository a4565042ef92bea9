// A run allocates nothing once a first one has been made.
#include <atomic>
#include <cstdlib>
#include <new>

#include "gtest/gtest.h"
#include "runtime/executor.h"
#include "runtime/host/host_device.h"
#include "tests/runtime/testing.h"

namespace {
std::atomic<int64_t> allocations{0};
}  // namespace

// All of this binary's.
void* operator new(size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* address = std::malloc(bytes)) return address;
  std::abort();
}
void operator delete(void* address) noexcept { std::free(address); }
void operator delete(void* address, size_t) noexcept { std::free(address); }

namespace ingot::runtime {
namespace {

TEST(AllocationTest, NoneInTheSteadyState) {
  auto device = CreateHostDevice({.threads = 3});
  ASSERT_TRUE(device.ok());
  const int64_t n = 1000;
  auto add = Executor::Create(std::make_shared<Program>(AddProgram(n)), device->get());
  auto loop = Executor::Create(std::make_shared<Program>(LoopProgram(1, 20)), device->get());
  ASSERT_TRUE(add.ok() && loop.ok());
  alignas(16) static float a[n], y[n];
  alignas(16) int32_t start = 0, end = 0;
  const BufferView inputs[] = {{a, F32({n})}, {a, F32({n})}}, output = {y, F32({n})};
  const BufferView first = {&start, Shape::Scalar(ElementType::kS32)};
  const BufferView last = {&end, Shape::Scalar(ElementType::kS32)};
  const auto run = [&] {
    EXPECT_TRUE((*add)->Run(inputs, absl::MakeConstSpan(&output, 1)).ok());
    EXPECT_TRUE((*loop)->Run(absl::MakeConstSpan(&first, 1), absl::MakeConstSpan(&last, 1)).ok());
    auto execution = (*add)->Start(inputs, absl::MakeConstSpan(&output, 1));
    EXPECT_TRUE(execution.ok() && execution->Wait().ok());
  };
  run();
  const int64_t before = allocations;
  for (int i = 0; i < 100; ++i) run();
  EXPECT_EQ(allocations - before, 0);
  EXPECT_EQ(y[7], 7);
  EXPECT_EQ(end, 20);
}

}  // namespace
}  // namespace ingot::runtime
