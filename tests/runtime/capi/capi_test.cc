#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
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

}  // namespace
