// A graph from C++, compiled and run in process: softmax(relu(x·w1)·w2).
#include <cstdio>

#include "compiler/executable.h"
#include "ir/builder/builder.h"

int main() {
  using namespace ingot;  // NOLINT: a sample
  GraphBuilder b("mlp");
  Value x = b.Parameter(ElementType::kF32, {4, 8}, "x");
  Value w1 = b.Parameter(ElementType::kF32, {8, 16}, "w1");
  Value w2 = b.Parameter(ElementType::kF32, {16, 3}, "w2");
  Value logits = MatMul(Maximum(MatMul(x, w1), 0.0), w2);
  Value shifted = Exp(logits - BroadcastOver(ReduceMax(logits, {1}), logits, {1}));
  Value softmax = shifted / BroadcastOver(ReduceSum(shifted, {1}), logits, {1});
  auto module = b.Build(softmax);
  if (!module.ok()) return std::printf("error: %s\n", module.status().ToString().c_str()), 1;

  auto executable = Executable::Compile(**module);
  if (!executable.ok())
    return std::printf("error: %s\n", executable.status().ToString().c_str()), 1;

  std::vector<Literal> inputs;
  for (const runtime::Input& input : (*executable)->program().inputs) {
    inputs.push_back(Literal::Zeros(input.shape).value());
    for (int64_t i = 0; i < inputs.back().size(); ++i)
      inputs.back().SetDouble(i, static_cast<double>(i % 7) / 7 - 0.4);
  }
  auto results = (*executable)->Run(inputs);
  if (!results.ok()) return std::printf("error: %s\n", results.status().ToString().c_str()), 1;
  for (int64_t i = 0; i < (*results)[0].size(); ++i) {
    std::printf("%.4f%s", (*results)[0].AsDouble(i), i % 3 == 2 ? "\n" : " ");
  }
}
