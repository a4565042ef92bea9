// Every small workload compiled for the host, and the Fashion-MNIST network on all test images,
// just in time and from an .ingot file.
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "compiler/executable.h"
#include "ir/io/arrays.h"
#include "ir/text/parser.h"
#include "ir/verifier/verifier.h"
#include "runtime/host/host_device.h"
#include "runtime/ingot_file.h"
#include "tests/paths/paths.h"
#include "tests/workloads/workloads.h"

namespace ingot::test {
namespace {

TEST(HostTest, SmallWorkloadsGiveXlasResults) {
  INGOT_SHARED_OR_SKIP(folder, "workloads_small");
  for (const std::string& name : WorkloadNames(folder)) {
    const absl::StatusOr<Workload> workload = LoadWorkload(folder, name);
    ASSERT_TRUE(workload.ok()) << name << ": " << workload.status();
    const auto executable = Executable::Compile(*workload->module);
    EXPECT_TRUE(executable.ok()) << name << ": " << executable.status();
    if (!executable.ok()) continue;
    const auto results = (*executable)->Run(workload->inputs);
    EXPECT_TRUE(results.ok()) << name << ": " << results.status();
    if (!results.ok()) continue;
    const absl::Status status = CheckResults(name, *results, workload->expected);
    EXPECT_TRUE(status.ok()) << status.message();
  }
}

// The data of a gzipped IDX file, behind its header.
std::string ReadIdx(const std::string& path, size_t header) {
  std::string bytes;
  gzFile file = gzopen(path.c_str(), "rb");
  char block[1 << 16];
  for (int count; file != nullptr && (count = gzread(file, block, sizeof(block))) > 0;)
    bytes.append(block, count);
  if (file != nullptr) gzclose(file);
  return bytes.size() < header ? "" : bytes.substr(header);
}

class FashionTest : public testing::Test {
 protected:
  static constexpr int64_t kBatch = 100, kClasses = 10, kImageBytes = 28 * 28;

  void SetUp() override {
    const std::string data = "/usr/share/datasets/fashion-mnist";
    images_ = ReadIdx(data + "/t10k-images-idx3-ubyte.gz", 16);
    labels_ = ReadIdx(data + "/t10k-labels-idx1-ubyte.gz", 8);
    if (labels_.empty()) GTEST_SKIP() << "no " << data << " (Debian's dataset-fashion-mnist)";
    folder_ = RepositoryRoot() + "/samples/fashion_cnn/";
    const auto module = ParseModule(ReadFile(folder_ + "fashion_cnn.hlo"), "fashion_cnn.hlo");
    ASSERT_TRUE(module.ok()) << module.status();
    const auto compilation = Compile(**module, **FindTarget("host"));
    ASSERT_TRUE(compilation.ok()) << compilation.status();
    program_ = compilation->program;
    const auto weights = ParseArrays(ReadFile(folder_ + "weights.safetensors"), "weights");
    ASSERT_TRUE(weights.ok()) << weights.status();
    for (const auto& [name, literal] : *weights) inputs_.push_back(literal);
  }

  Literal Batch(int64_t first) const {
    Literal images = Literal::Zeros(Shape::Array(ElementType::kU8, {kBatch, 28, 28})).value();
    std::memcpy(images.MutableBytes().data(), images_.data() + first * kImageBytes,
                kBatch * kImageBytes);
    return images;
  }

  // Runs all images; checks accuracy and the logits of the first batch.
  void CheckProgram(std::shared_ptr<const runtime::Program> program) {
    const auto device = runtime::CreateHostDevice();
    ASSERT_TRUE(device.ok()) << device.status();
    const auto executable = Executable::Load(std::move(program), device->get());
    ASSERT_TRUE(executable.ok()) << executable.status();
    const auto wanted = ParseArrays(ReadFile(folder_ + "logits_100.npy"), "logits_100.npy");
    ASSERT_TRUE(wanted.ok()) << wanted.status();
    int64_t right = 0;
    for (int64_t first = 0; first < static_cast<int64_t>(labels_.size()); first += kBatch) {
      std::vector<Literal> inputs = inputs_;
      inputs.push_back(Batch(first));
      const auto results = (*executable)->Run(inputs);
      ASSERT_TRUE(results.ok()) << results.status();
      const absl::Span<const float> logits = (*results)[0].data<float>();
      for (int64_t i = 0; i < kBatch; ++i) {
        const float* scores = &logits[i * kClasses];
        right += std::max_element(scores, scores + kClasses) - scores == labels_[first + i];
      }
      if (first > 0) continue;
      const absl::Span<const float> expected = (*wanted)[0].second.data<float>();
      for (size_t i = 0; i < logits.size(); ++i) ASSERT_NEAR(logits[i], expected[i], 1e-4) << i;
    }
    EXPECT_NEAR(static_cast<double>(right), 9112, 3);
  }

  std::string images_, labels_, folder_;
  std::shared_ptr<const runtime::Program> program_;
  std::vector<Literal> inputs_;
};

TEST_F(FashionTest, JustInTime) { CheckProgram(program_); }

TEST_F(FashionTest, FromAnIngotFile) {
  const std::string path = testing::TempDir() + "/fashion_cnn.ingot";
  const absl::Status saved = runtime::SaveIngot(*program_, path);
  ASSERT_TRUE(saved.ok()) << saved;
  auto loaded = runtime::LoadIngot(path);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  CheckProgram(std::make_shared<runtime::Program>(*std::move(loaded)));
}

}  // namespace
}  // namespace ingot::test
