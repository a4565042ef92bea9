// Runs kernel text on the simulator: buffers by name, from and to vectors.
#ifndef INGOT_TESTS_COMPILER_KERNEL_SIMULATOR_HARNESS_H_
#define INGOT_TESTS_COMPILER_KERNEL_SIMULATOR_HARNESS_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compiler/kernel/simulator/simulator.h"
#include "compiler/kernel/text.h"
#include "compiler/kernel/verifier.h"

namespace ingot::kernel::simulator {

class Launched {
 public:
  // Parses `text`, which has to be right, and verifies it unless told otherwise (faults that the
  // verifier would find too).
  explicit Launched(const std::string& text, bool verify = true) {
    auto parsed = ParseKernel(text, "test");
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    if (!parsed.ok()) return;
    kernel_ = *std::move(parsed);
    if (verify) {
      const absl::Status status = VerifyKernel(*kernel_, nullptr);
      EXPECT_TRUE(status.ok()) << status;
    }
    for (const Parameter& parameter : kernel_->parameters()) {
      if (parameter.kind != Parameter::Kind::kBuffer) continue;
      Memory& memory = memory_[parameter.name()];
      memory.bytes.resize(parameter.buffer->ByteSize() + kAlignment);
      memory.written.assign(parameter.buffer->ByteSize(), 0);
    }
  }

  // Sets a buffer's elements, in the type that they have there; it counts as written.
  template <typename T>
  Launched& Set(const std::string& name, const std::vector<T>& values) {
    Memory& memory = memory_.at(name);
    std::memcpy(Data(memory), values.data(), values.size() * sizeof(T));
    std::memset(memory.written.data(), 1, values.size() * sizeof(T));
    return *this;
  }
  Launched& SetScalar(const std::string& name, uint64_t bits) {
    scalars_[name] = bits;
    return *this;
  }
  template <typename T>
  std::vector<T> Get(const std::string& name) {
    Memory& memory = memory_.at(name);
    std::vector<T> values(memory.written.size() / sizeof(T));
    std::memcpy(values.data(), Data(memory), memory.written.size());
    return values;
  }

  absl::StatusOr<Report> Run(const Options& options = {}) {
    std::vector<Argument> arguments;
    for (const Parameter& parameter : kernel_->parameters()) {
      if (parameter.kind == Parameter::Kind::kScalar) {
        arguments.push_back(Argument::Scalar(scalars_[parameter.name()]));
        continue;
      }
      if (parameter.kind == Parameter::Kind::kTensorMap) {
        arguments.emplace_back();
        continue;
      }
      Memory& memory = memory_.at(parameter.name());
      arguments.push_back(Argument::Fresh(Data(memory), memory.written.data()));
    }
    return Simulate(*kernel_, arguments, options);
  }
  // Runs and expects no fault.
  Report RunWell(const Options& options = {}) {
    auto report = Run(options);
    EXPECT_TRUE(report.ok()) << report.status();
    if (!report.ok()) return {};
    EXPECT_TRUE(report->status().ok()) << report->ToString();
    return *report;
  }
  // Runs and expects a fault of this kind whose message has these words.
  void RunToFault(FaultKind kind, const std::vector<std::string>& words, uint64_t seed = 0) {
    Options options;
    options.seed = seed;
    auto report = Run(options);
    ASSERT_TRUE(report.ok()) << report.status();
    const auto is_wanted = [&](const Fault& fault) {
      return fault.kind == kind && std::all_of(words.begin(), words.end(), [&](const auto& word) {
               return fault.message.find(word) != std::string::npos;
             });
    };
    const std::vector<Fault>& faults = report->faults;
    EXPECT_TRUE(std::any_of(faults.begin(), faults.end(), is_wanted))
        << "no fault '" << NameOf(kind).data() << "' with " << testing::PrintToString(words)
        << " in:\n"
        << report->ToString();
  }

  const Kernel& kernel() const { return *kernel_; }

 private:
  static constexpr size_t kAlignment = 1024;
  struct Memory {
    std::vector<uint8_t> bytes, written;
  };
  static uint8_t* Data(Memory& memory) {
    const auto address = reinterpret_cast<uintptr_t>(memory.bytes.data());
    return memory.bytes.data() + (kAlignment - address % kAlignment) % kAlignment;
  }

  std::unique_ptr<Kernel> kernel_;
  std::map<std::string, Memory> memory_;
  std::map<std::string, uint64_t> scalars_;
};

}  // namespace ingot::kernel::simulator

#endif  // INGOT_TESTS_COMPILER_KERNEL_SIMULATOR_HARNESS_H_
