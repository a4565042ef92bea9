#include <cstddef>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/capi/dlpack.h"
#include "runtime/ingot.h"
#include "runtime/ingot_file.h"
#include "tests/runtime/testing.h"

namespace {

namespace rt = ingot::runtime;

std::vector<uint8_t> File(const rt::Program& program) {
  auto file = rt::SerializeIngot(program);
  EXPECT_TRUE(file.ok()) << file.status();
  return *file;
}

class CInterfaceTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(ingot_device_create("host:2", &device_), INGOT_OK) << ingot_error_message();
  }
  void TearDown() override {
    ingot_program_destroy(program_);
    ingot_device_destroy(device_);
  }
  void Load(const rt::Program& program) {
    const std::vector<uint8_t> file = File(program);
    ASSERT_EQ(ingot_load_memory(device_, file.data(), file.size(), 0, &program_), INGOT_OK)
        << ingot_error_message();
  }

  ingot_device* device_ = nullptr;
  ingot_program* program_ = nullptr;
};

TEST_F(CInterfaceTest, Describes) {
  rt::Program program = rt::LoopProgram(1, 5);
  program.inputs.push_back({"matrix", rt::F32({2, 3})});
  ingot::Layout columns;
  columns.minor_to_major = {0, 1};
  program.inputs.back().shape.set_layout(columns);
  Load(program);
  EXPECT_STREQ(ingot_program_name(program_), "loop");
  EXPECT_EQ(ingot_program_input_count(program_), 2);
  EXPECT_EQ(ingot_program_output_count(program_), 1);
  ingot_array array;
  ASSERT_EQ(ingot_program_input(program_, 1, &array), INGOT_OK);
  EXPECT_STREQ(array.name, "matrix");
  EXPECT_STREQ(array.type, "f32");
  ASSERT_EQ(array.rank, 2);
  EXPECT_EQ(array.dimensions[1], 3);
  EXPECT_EQ(array.strides[0], 1);
  EXPECT_EQ(array.strides[1], 2);
  EXPECT_EQ(array.bytes, 24u);
  EXPECT_EQ(array.aliased_input, -1);
  ASSERT_EQ(ingot_program_output(program_, 0, &array), INGOT_OK);
  EXPECT_EQ(array.aliased_input, 0);
  EXPECT_EQ(ingot_program_output(program_, 1, &array), INGOT_INVALID);
  EXPECT_STREQ(ingot_error_message(), "output 1 of 1");
  EXPECT_NE(std::string(ingot_program_text(program_)).find("while.1"), std::string::npos);
  EXPECT_STREQ(ingot_device_architecture(device_), ingot_device_architecture(device_));
  EXPECT_STREQ(ingot_format_version(), "1.1");
}

TEST_F(CInterfaceTest, RunsOnAnyMemory) {
  const int n = 100;
  Load(rt::AddProgram(n));
  alignas(16) float storage[3][n + 1];
  // Aligned: in place.  One float further: through copies.
  for (int shift : {0, 1}) {
    float *a = storage[0] + shift, *b = storage[1] + shift, *y = storage[2] + shift;
    for (int i = 0; i < n; ++i) a[i] = 1, b[i] = 2, y[i] = 0;
    const ingot_memory inputs[] = {{a, 4 * n}, {b, 4 * n}};
    const ingot_memory output = {y, 4 * n};
    for (int repeat = 0; repeat < 3; ++repeat) {
      ASSERT_EQ(ingot_run(program_, inputs, 2, &output, 1), INGOT_OK) << ingot_error_message();
      for (int i = 0; i < n; ++i) ASSERT_EQ(y[i], 3 + i);
    }
  }
}

TEST_F(CInterfaceTest, RunsOnBuffersAsynchronously) {
  const int n = 100;
  Load(rt::AddProgram(n));
  std::vector<float> ones(n, 1), result(n);
  ingot_buffer *a, *y, *z;
  ASSERT_EQ(ingot_buffer_create(device_, 4 * n, &a), INGOT_OK);
  ASSERT_EQ(ingot_buffer_create(device_, 4 * n, &y), INGOT_OK);
  ASSERT_EQ(ingot_buffer_create(device_, 4 * n, &z), INGOT_OK);
  ASSERT_EQ(ingot_buffer_write(a, ones.data(), 4 * n), INGOT_OK);
  ingot_buffer* first[] = {a, a};
  ingot_buffer* second[] = {a, y};
  ingot_execution *one, *two;
  ASSERT_EQ(ingot_start(program_, first, 2, &y, 1, nullptr, &one), INGOT_OK);
  ASSERT_EQ(ingot_start(program_, second, 2, &z, 1, nullptr, &two), INGOT_OK);
  ASSERT_EQ(ingot_buffer_read(z, result.data(), 4 * n), INGOT_OK);  // after both
  for (int i = 0; i < n; ++i) ASSERT_EQ(result[i], 3 + 2 * i);
  EXPECT_EQ(ingot_execution_wait(two), INGOT_OK);
  EXPECT_EQ(ingot_execution_is_done(one), 1);
  EXPECT_EQ(ingot_buffer_read(z, result.data(), 4), INGOT_INVALID);
  EXPECT_STREQ(ingot_error_message(), "4 bytes for a buffer of 400");
  ingot_execution_destroy(one);
  ingot_execution_destroy(two);
  alignas(16) float mine[n];
  ingot_buffer* wrapped;
  ASSERT_EQ(ingot_buffer_wrap(device_, mine, 4 * n, &wrapped), INGOT_OK);
  ASSERT_EQ(ingot_start(program_, first, 2, &wrapped, 1, nullptr, &one), INGOT_OK);
  ASSERT_EQ(ingot_execution_wait(one), INGOT_OK);
  EXPECT_EQ(mine[5], 7);
  ingot_execution_destroy(one);
  EXPECT_EQ(ingot_buffer_wrap(device_, mine + 1, 4, &wrapped), INGOT_INVALID);
  for (ingot_buffer* buffer : {a, y, z, wrapped}) ingot_buffer_destroy(buffer);
}

TEST_F(CInterfaceTest, Errors) {
  Load(rt::AddProgram(8));
  alignas(16) float a[8] = {}, y[8];
  ingot_memory inputs[] = {{a, 32}, {a, 28}};
  const ingot_memory output = {y, 32};
  EXPECT_EQ(ingot_run(program_, inputs, 1, &output, 1), INGOT_INVALID);
  EXPECT_STREQ(ingot_error_message(), "the program has 2 inputs, and 1 were given");
  EXPECT_EQ(ingot_run(program_, inputs, 2, &output, 1), INGOT_INVALID);
  EXPECT_STREQ(ingot_error_message(), "input 1 'b': f32[8] has 32 bytes, and 28 were given");
  ingot_device* none = nullptr;
  EXPECT_EQ(ingot_device_create("abacus", &none), INGOT_INVALID);
  EXPECT_STREQ(ingot_error_message(), "unknown kind of device 'abacus'");
  EXPECT_EQ(ingot_device_create("host:-1", &none), INGOT_INVALID);
  EXPECT_EQ(ingot_device_create("cuda:x", &none), INGOT_INVALID);
  EXPECT_EQ(ingot_device_create("cuda:10000", &none),
            INGOT_NOT_SUPPORTED);  // no driver, or no card
  ingot_program* nothing = nullptr;
  EXPECT_EQ(ingot_load_file(device_, "/nonexistent", 0, &nothing), INGOT_NOT_FOUND);
  EXPECT_STREQ(ingot_error_message(), "/nonexistent: cannot open: No such file or directory");
  rt::Program program = rt::AddProgram(8);
  program.modules[0].features = {"antigravity"};
  const std::vector<uint8_t> file = File(program);
  EXPECT_EQ(ingot_load_memory(device_, file.data(), file.size(), 0, &nothing), INGOT_NOT_SUPPORTED);
  EXPECT_EQ(nothing, nullptr);
  // Messages are a thread's own.
  std::thread([] { EXPECT_STREQ(ingot_error_message(), ""); }).join();
}

TEST_F(CInterfaceTest, LogsToASink) {
  std::string lines;
  ingot_set_log_sink(
      [](void* context, const char* line) { *static_cast<std::string*>(context) += line; }, &lines);
  Load(rt::AddProgram(8));
  ingot_set_log_sink(nullptr, nullptr);
  EXPECT_EQ(lines, std::string("loaded program 'add' on ") + ingot_device_name(device_));
}

#if __has_include(<dlpack/dlpack.h>)
// dlpack.h has the same names; what matters is where the fields lie.
namespace theirs {
#include <dlpack/dlpack.h>
}
#define INGOT_SAME_PLACE(ours, their) \
  static_assert(offsetof(DLManagedTensor, ours) == offsetof(theirs::DLManagedTensor, their))
static_assert(sizeof(DLManagedTensor) == sizeof(theirs::DLManagedTensor));
INGOT_SAME_PLACE(tensor.device, dl_tensor.device);
INGOT_SAME_PLACE(tensor.rank, dl_tensor.ndim);
INGOT_SAME_PLACE(tensor.type, dl_tensor.dtype);
INGOT_SAME_PLACE(tensor.shape, dl_tensor.shape);
INGOT_SAME_PLACE(tensor.strides, dl_tensor.strides);
INGOT_SAME_PLACE(tensor.byte_offset, dl_tensor.byte_offset);
INGOT_SAME_PLACE(owner, manager_ctx);
INGOT_SAME_PLACE(deleter, deleter);
#endif

// A tensor of floats whose deleter counts.
struct CountedTensor {
  explicit CountedTensor(std::vector<int64_t> dimensions, int offset = 0)
      : shape(std::move(dimensions)) {
    managed.tensor.data = data;
    managed.tensor.device = {rt::dlpack::kCpu, 0};
    managed.tensor.rank = static_cast<int32_t>(shape.size());
    managed.tensor.type = {rt::dlpack::kFloat, 32, 1};
    managed.tensor.shape = shape.data();
    managed.tensor.byte_offset = offset;
    managed.owner = &deleted;
    managed.deleter = [](DLManagedTensor* tensor) { ++*static_cast<int*>(tensor->owner); };
  }
  alignas(16) float data[64] = {};
  std::vector<int64_t> shape, strides;
  int deleted = 0;
  DLManagedTensor managed = {};
};

TEST_F(CInterfaceTest, TensorsInAndOut) {
  const int n = 12;
  Load(rt::AddProgram(n));
  CountedTensor a({n}, 16), b({n});
  for (int i = 0; i < n; ++i) a.data[i + 4] = 1, b.data[i] = 2.0f * static_cast<float>(i);
  ingot_buffer *inputs[2], *output;
  ASSERT_EQ(ingot_buffer_from_dlpack(device_, &a.managed, &inputs[0]), INGOT_OK);
  ASSERT_EQ(ingot_buffer_from_dlpack(device_, &b.managed, &inputs[1]), INGOT_OK);
  EXPECT_EQ(ingot_buffer_address(inputs[0]), a.data + 4);
  ASSERT_EQ(ingot_buffer_create(device_, 4 * n, &output), INGOT_OK);
  ingot_execution* execution;
  ASSERT_EQ(ingot_start(program_, inputs, 2, &output, 1, nullptr, &execution), INGOT_OK)
      << ingot_error_message();
  ASSERT_EQ(ingot_execution_wait(execution), INGOT_OK);
  ingot_execution_destroy(execution);
  EXPECT_EQ(a.deleted, 0);
  for (ingot_buffer* input : inputs) ingot_buffer_destroy(input);
  EXPECT_EQ(a.deleted, 1);
  EXPECT_EQ(b.deleted, 1);

  ingot_array array;
  ASSERT_EQ(ingot_program_output(program_, 0, &array), INGOT_OK);
  DLManagedTensor* tensor;
  ASSERT_EQ(ingot_buffer_to_dlpack(output, &array, &tensor), INGOT_OK) << ingot_error_message();
  EXPECT_EQ(tensor->tensor.device.type, rt::dlpack::kCpu);
  EXPECT_EQ(tensor->tensor.type.code, rt::dlpack::kFloat);
  EXPECT_EQ(tensor->tensor.type.bits, 32);
  ASSERT_EQ(tensor->tensor.rank, 1);
  EXPECT_EQ(tensor->tensor.shape[0], n);
  EXPECT_EQ(tensor->tensor.strides[0], 1);
  for (int i = 0; i < n; ++i) {
    EXPECT_EQ(static_cast<float*>(tensor->tensor.data)[i], 1 + 3.0f * static_cast<float>(i));
  }
  // Out and in again: the buffer goes with the tensor, and that with the next buffer.
  ASSERT_EQ(ingot_buffer_from_dlpack(device_, tensor, &output), INGOT_OK);
  ingot_buffer_destroy(output);
}

TEST_F(CInterfaceTest, TensorsThatAreRefused) {
  const auto refused = [&](const std::function<void(CountedTensor&)>& change) {
    CountedTensor tensor({3, 1, 4});
    change(tensor);
    if (!tensor.strides.empty()) tensor.managed.tensor.strides = tensor.strides.data();
    ingot_buffer* buffer = nullptr;
    const ingot_status status = ingot_buffer_from_dlpack(device_, &tensor.managed, &buffer);
    EXPECT_EQ(tensor.deleted, 0);
    const size_t bytes = status == INGOT_OK ? ingot_buffer_bytes(buffer) : 0;
    ingot_buffer_destroy(buffer);
    return status == INGOT_OK ? std::to_string(bytes) : std::string(ingot_error_message());
  };
  EXPECT_EQ(refused([](CountedTensor&) {}), "48");
  EXPECT_EQ(refused([](CountedTensor& t) { t.strides = {4, 77, 1}; }), "48");
  EXPECT_EQ(refused([](CountedTensor& t) {
              t.strides = {1, 3, 3};
            }),
            "dimension 2 of a tensor has the stride 3, not 1: it is not dense and row-major");
  EXPECT_EQ(refused([](CountedTensor& t) { t.shape[0] = 0, t.strides = {9, 9, 9}; }), "0");
  EXPECT_EQ(refused([](CountedTensor& t) { t.managed.tensor.rank = 0; }), "4");
  EXPECT_EQ(refused([](CountedTensor& t) { t.shape[1] = -1; }), "dimension 1 of a tensor is -1");
  EXPECT_EQ(refused([](CountedTensor& t) { t.shape[1] = int64_t{1} << 62; }),
            "a tensor too large for this machine");
  EXPECT_EQ(refused([](CountedTensor& t) { t.managed.tensor.type.bits = 4; }),
            "a tensor of elements of 4 bits");
  EXPECT_EQ(refused([](CountedTensor& t) { t.managed.tensor.type = {4, 16, 2}; }), "48");
  EXPECT_EQ(refused([](CountedTensor& t) { t.managed.tensor.byte_offset = 4; }),
            "a buffer's address is not a multiple of 16");
  const std::string elsewhere = refused([](CountedTensor& t) {
    t.managed.tensor.device = {rt::dlpack::kCuda, 0};
  });
  EXPECT_EQ(elsewhere.find("a tensor on DLPack's device 2:0, which is not "), 0u) << elsewhere;

  ingot_buffer* buffer;
  ASSERT_EQ(ingot_buffer_create(device_, 8, &buffer), INGOT_OK);
  const int64_t eight = 8, one = 1;
  DLManagedTensor* tensor;
  ingot_array array = {"x", "f8e4m3fn", 1, &eight, &one, 8, -1};
  EXPECT_EQ(ingot_buffer_to_dlpack(buffer, &array, &tensor), INGOT_NOT_SUPPORTED);
  array.type = "s8", array.bytes = 7;
  EXPECT_EQ(ingot_buffer_to_dlpack(buffer, &array, &tensor), INGOT_INVALID);
  array.bytes = 8;
  for (const auto& [type, code] : std::vector<std::pair<const char*, int>>{
           {"s8", 0}, {"u8", 1}, {"pred", 6}, {"f16", 2}, {"bf16", 4}, {"c64", 5}}) {
    array.type = type;
    ASSERT_EQ(ingot_buffer_to_dlpack(buffer, &array, &tensor), INGOT_OK) << ingot_error_message();
    EXPECT_EQ(tensor->tensor.type.code, code) << type;
    tensor->deleter(tensor);
    ASSERT_EQ(ingot_buffer_create(device_, 8, &buffer), INGOT_OK);
  }
  ingot_buffer_destroy(buffer);
}

}  // namespace
