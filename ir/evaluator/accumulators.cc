#include "ir/evaluator/accumulators.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "ir/evaluator/scalar_functions.h"

namespace ingot::evaluator {
namespace {

int64_t LaneBytes(ElementType type) {
  return VisitLane(type, [](auto tag) -> int64_t { return sizeof(tag); });
}

// Lanes of `to` from elements of `from`.
void LoadConverted(ElementType from, ElementType to, const std::byte* source, int64_t stride,
                   int64_t n, void* lanes) {
  if (from == to) return LoadLanes(from, source, stride, n, lanes);
  alignas(16) std::array<std::byte, kBlock * sizeof(Complex)> loaded;
  LoadLanes(from, source, stride, n, loaded.data());
  ConvertLanes(from, loaded.data(), to, n, lanes);
}

// Any program.
class ProgramAccumulators : public Accumulators {
 public:
  ProgramAccumulators(const ScalarProgram& program, absl::Span<const Literal> inputs,
                      absl::Span<const Literal> initial, absl::Span<std::byte* const> results)
      : inputs_(inputs),
        initial_(initial),
        results_(results),
        parameter_types_(program.parameter_types()),
        types_(program.result_types()),
        frame_(program) {
    for (ElementType type : types_) {
      lane_bytes_.push_back(LaneBytes(type));
      memory_.push_back(std::make_unique<std::byte[]>(kBlock * lane_bytes_.back()));
    }
  }

  void Start(int64_t count) override {
    for (size_t k = 0; k < types_.size(); ++k) {
      LoadConverted(initial_[k].shape().element_type(), types_[k], initial_[k].bytes().data(), 0,
                    count, memory_[k].get());
    }
  }

  void Add(int64_t first, int64_t count, int64_t offset, int64_t stride) override {
    const size_t n = types_.size();
    for (size_t k = 0; k < n; ++k) {
      const ElementType type = inputs_[k].shape().element_type();
      frame_.set_parameter(k, memory_[k].get() + first * lane_bytes_[k]);
      LoadConverted(type, parameter_types_[n + k],
                    inputs_[k].bytes().data() + offset * ByteWidth(type), stride, count,
                    frame_.parameter(n + k));
    }
    frame_.Run(count);
    for (size_t k = 0; k < n; ++k) {
      std::memmove(memory_[k].get() + first * lane_bytes_[k], frame_.result(k),
                   count * lane_bytes_[k]);
    }
  }

  void AddRun(int64_t offset, int64_t count) override {
    for (int64_t j = 0; j < count; ++j) Add(0, 1, offset + j, 0);
  }

  void Store(int64_t count, int64_t offset) override {
    for (size_t k = 0; k < types_.size(); ++k) {
      StoreLanes(types_[k], memory_[k].get(), count, results_[k] + offset * ByteWidth(types_[k]),
                 1);
    }
  }

 private:
  const absl::Span<const Literal> inputs_;
  const absl::Span<const Literal> initial_;
  const absl::Span<std::byte* const> results_;
  const std::vector<ElementType>& parameter_types_;
  const std::vector<ElementType>& types_;  // of the accumulators
  ScalarProgram::Frame frame_;
  std::vector<int64_t> lane_bytes_;
  std::vector<std::unique_ptr<std::byte[]>> memory_;
};

// One associative op F in a wide type T.
template <typename T, typename F>
class BinaryAccumulators : public Accumulators {
 public:
  BinaryAccumulators(F op, ElementType result_type, const Literal& input, const Literal& initial,
                     std::byte* result)
      : op_(op),
        type_(input.shape().element_type()),
        width_(ByteWidth(type_)),
        result_type_(result_type),
        input_(input.bytes().data()),
        result_(result) {
    LoadAs(initial.shape().element_type(), initial.bytes().data(), 0, 1, &initial_);
  }

  void Start(int64_t count) override { std::fill_n(accumulators_.begin(), count, initial_); }

  void Add(int64_t first, int64_t count, int64_t offset, int64_t stride) override {
    LoadAs(type_, input_ + offset * width_, stride, count, values_.data());
    for (int64_t j = 0; j < count; ++j) {
      accumulators_[first + j] = op_(accumulators_[first + j], values_[j]);
    }
  }

  void AddRun(int64_t offset, int64_t count) override {
    for (int64_t at = 0; at < count; at += kBlock) {
      const int64_t n = std::min(kBlock, count - at);
      LoadAs(type_, input_ + (offset + at) * width_, 1, n, values_.data());
      Fold(n);
    }
  }

  void Store(int64_t count, int64_t offset) override {
    StoreFrom(result_type_, accumulators_.data(), count, result_ + offset * ByteWidth(result_type_),
              1);
  }

 private:
  static constexpr int64_t kWays = 8;

  // accumulator[0] takes values_[0 … n): in eight interleaved chains, which are joined at the end.
  void Fold(int64_t n) {
    T total = accumulators_[0];
    int64_t j = 0;
    if (n >= 2 * kWays) {
      T chains[kWays];
      std::copy_n(values_.begin(), kWays, chains);
      for (j = kWays; j + kWays <= n; j += kWays) {
        for (int64_t way = 0; way < kWays; ++way) chains[way] = op_(chains[way], values_[j + way]);
      }
      for (int64_t way = 0; way < kWays; ++way) total = op_(total, chains[way]);
    }
    for (; j < n; ++j) total = op_(total, values_[j]);
    accumulators_[0] = total;
  }

  const F op_;
  const ElementType type_;
  const int64_t width_;
  const ElementType result_type_;
  const std::byte* const input_;
  std::byte* const result_;
  T initial_;
  std::array<T, kBlock> accumulators_;
  std::array<T, kBlock> values_;
};

// Calls make(op) with the function of `opcode` on T; null where it has none.
template <typename T, typename Make>
std::unique_ptr<Accumulators> WithOp(Opcode opcode, const Make& make) {
  if (opcode == Opcode::kAdd) return make([](T x, T y) { return x + y; });
  if (opcode == Opcode::kMultiply) return make([](T x, T y) { return x * y; });
  if constexpr (!std::is_same_v<T, Complex>) {
    if (opcode == Opcode::kMaximum) return make([](T x, T y) { return Maximum(x, y); });
    if (opcode == Opcode::kMinimum) return make([](T x, T y) { return Minimum(x, y); });
  }
  if constexpr (std::is_same_v<T, int64_t>) {
    if (opcode == Opcode::kAnd) return make([](T x, T y) { return x & y; });
    if (opcode == Opcode::kOr) return make([](T x, T y) { return x | y; });
    if (opcode == Opcode::kXor) return make([](T x, T y) { return x ^ y; });
  }
  return nullptr;
}

template <typename T>
std::unique_ptr<Accumulators> MakeBinary(Opcode opcode, ElementType result_type,
                                         const Literal& input, const Literal& initial,
                                         std::byte* result) {
  return WithOp<T>(opcode, [&](auto op) -> std::unique_ptr<Accumulators> {
    return std::make_unique<BinaryAccumulators<T, decltype(op)>>(op, result_type, input, initial,
                                                                 result);
  });
}

}  // namespace

std::unique_ptr<Accumulators> MakeAccumulators(const ScalarProgram& program,
                                               absl::Span<const Literal> inputs,
                                               absl::Span<const Literal> initial,
                                               absl::Span<std::byte* const> results) {
  std::unique_ptr<Accumulators> fast;
  if (const auto binary = program.AsBinary(); binary.has_value() && inputs.size() == 1) {
    const ElementType type = program.result_types()[0];
    const auto make = [&](auto tag) {
      return MakeBinary<decltype(tag)>(binary->opcode, type, inputs[0], initial[0], results[0]);
    };
    switch (Category(type)) {
      case TypeCategory::kPred:
      case TypeCategory::kSigned:
        fast = make(int64_t());
        break;
      case TypeCategory::kUnsigned:
        // u64 does not compare as s64 does
        if (type != ElementType::kU64) fast = make(int64_t());
        break;
      case TypeCategory::kFloat:
        fast = make(double());
        break;
      case TypeCategory::kComplex:
        fast = make(Complex());
        break;
    }
  }
  if (fast != nullptr) return fast;
  return std::make_unique<ProgramAccumulators>(program, inputs, initial, results);
}

}  // namespace ingot::evaluator
