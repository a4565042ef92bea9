#include "ir/evaluator/scalar_program.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "ir/base/float_bits.h"
#include "ir/base/status.h"
#include "ir/evaluator/scalar_functions.h"

namespace ingot::evaluator {
namespace {

constexpr int64_t kRegisterBytes = kBlock * sizeof(Complex);
constexpr int kMaxCallDepth = 64;

// ---- rows of scalar_ops.def

enum Domain : uint32_t {
  P = kTakesPred,
  I = kTakesSigned,
  U = kTakesUnsigned,
  F = kTakesFloats,
  C = kTakesComplex,
  M = 32,
};

constexpr auto kDomains = [] {
  std::array<uint32_t, kOpcodeCount> domains{};
#define INGOT_SCALAR_OP(opcode, arity, domains_of_row, expression) \
  domains[static_cast<int>(Opcode::opcode)] = domains_of_row;
#include "ir/evaluator/scalar_ops.def"
  return domains;
}();

// The domain that an op on `type` is computed in; 0 where no row has it.
uint32_t DomainOf(Opcode opcode, ElementType type) {
  const uint32_t domains = kDomains[static_cast<int>(opcode)];
  switch (Category(type)) {
    case TypeCategory::kPred:
      return domains & P;
    case TypeCategory::kSigned:
      return domains & I;
    case TypeCategory::kUnsigned:
      return domains & U;
    case TypeCategory::kFloat:
      return domains & (F | M);
    case TypeCategory::kComplex:
      return domains & C;
  }
  return 0;
}

template <typename T>
constexpr uint32_t kDomainsOf = std::is_same_v<T, bool>       ? P
                                : std::is_same_v<T, int64_t>  ? I
                                : std::is_same_v<T, uint64_t> ? U
                                : std::is_same_v<T, float>    ? F
                                : std::is_same_v<T, double>   ? F | M
                                                              : C;

// result[i] = row(xs[i], ys[i])
template <typename T>
void RunRow(Opcode opcode, [[maybe_unused]] int width, const T* xs, [[maybe_unused]] const T* ys,
            T* result, int64_t n) {
#define INGOT_SCALAR_OP(row, arity, domains, expression)       \
  if constexpr (((domains)&kDomainsOf<T>) != 0) {              \
    if (opcode == Opcode::row) {                               \
      for (int64_t i = 0; i < n; ++i) {                        \
        const T x = xs[i];                                     \
        [[maybe_unused]] const T y = arity == 2 ? ys[i] : T(); \
        result[i] = expression;                                \
      }                                                        \
      return;                                                  \
    }                                                          \
  }
#include "ir/evaluator/scalar_ops.def"
  INGOT_UNREACHABLE() << OpcodeName(opcode) << ", which DomainOf refuses";
}

// As RunRow, in the wider type T, from and to lanes of `type`.
template <typename T>
void RunRowWidened(Opcode opcode, ElementType wide, ElementType type, const void* xs,
                   const void* ys, void* result, int64_t n) {
  std::array<T, kBlock> wide_xs, wide_ys, wide_result;
  ConvertLanes(type, xs, wide, n, wide_xs.data());
  if (ys != nullptr) ConvertLanes(type, ys, wide, n, wide_ys.data());
  RunRow<T>(opcode, 0, wide_xs.data(), wide_ys.data(), wide_result.data(), n);
  RoundLanes(type, wide_result.data(), n, result);
}

void RunTable(Opcode opcode, ElementType type, const void* xs, const void* ys, void* result,
              int64_t n) {
  if (IsComplex(type)) {
    return RunRowWidened<Complex>(opcode, ElementType::kC128, type, xs, ys, result, n);
  }
  if (DomainOf(opcode, type) == M) {
    return RunRowWidened<double>(opcode, ElementType::kF64, type, xs, ys, result, n);
  }
  VisitLane(type, [&](auto tag) {
    using T = decltype(tag);
    if constexpr (!std::is_same_v<T, std::complex<float>>) {
      RunRow<T>(opcode, BitWidth(type), static_cast<const T*>(xs), static_cast<const T*>(ys),
                static_cast<T*>(result), n);
    }
  });
  NormalizeLanes(type, n, result);
}

// ---- ops that mix types: `in` and `out` are the registers that the step names

using In = const void* const*;

// A key whose integer order is IEEE 754's total order.
template <Float T>
auto TotalOrderKey(T x) {
  using Bits = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
  const Bits bits = std::bit_cast<Bits>(x);
  return bits < 0 ? std::numeric_limits<Bits>::max() ^ bits : bits;
}

template <typename T>
void Compare(const CompareAttributes& compare, const T* xs, const T* ys, bool* result, int64_t n) {
  const auto run = [&](auto predicate) {
    for (int64_t i = 0; i < n; ++i) result[i] = predicate(xs[i], ys[i]);
  };
  if constexpr (std::is_floating_point_v<T>) {
    if (compare.order == ComparisonOrder::kTotal || compare.type == ComparisonType::kTotalOrder) {
      std::array<decltype(TotalOrderKey(T())), kBlock> x_keys, y_keys;
      for (int64_t i = 0; i < n; ++i) x_keys[i] = TotalOrderKey(xs[i]);
      for (int64_t i = 0; i < n; ++i) y_keys[i] = TotalOrderKey(ys[i]);
      return Compare(compare, x_keys.data(), y_keys.data(), result, n);
    }
  }
  switch (compare.direction) {
    case ComparisonDirection::kEq:
      return run([](T x, T y) { return x == y; });
    case ComparisonDirection::kNe:
      return run([](T x, T y) { return x != y; });
    case ComparisonDirection::kGe:
    case ComparisonDirection::kGt:
    case ComparisonDirection::kLe:
    case ComparisonDirection::kLt:
      break;
  }
  if constexpr (!std::is_same_v<T, std::complex<float>> && !std::is_same_v<T, Complex>) {
    switch (compare.direction) {
      case ComparisonDirection::kEq:
      case ComparisonDirection::kNe:
        return;
      case ComparisonDirection::kGe:
        return run([](T x, T y) { return x >= y; });
      case ComparisonDirection::kGt:
        return run([](T x, T y) { return x > y; });
      case ComparisonDirection::kLe:
        return run([](T x, T y) { return x <= y; });
      case ComparisonDirection::kLt:
        return run([](T x, T y) { return x < y; });
    }
  }
}

// reduce-precision on the bits of a float of `format`: rounds the mantissa to nearest even, then
// overflows to infinity and flushes to zero what the smaller exponent cannot hold.
uint64_t ReducePrecision(const FloatFormat& format, const ReducePrecisionAttributes& to,
                         uint64_t bits) {
  const uint64_t sign_mask = uint64_t{1} << (format.bits - 1);
  const uint64_t exponent_mask = ((uint64_t{1} << format.exponent_bits) - 1)
                                 << format.mantissa_bits;
  const uint64_t sign = bits & sign_mask;
  uint64_t magnitude = bits & ~sign_mask;
  if (magnitude > exponent_mask) return bits;  // NaN
  if (to.mantissa_bits < format.mantissa_bits) {
    const int dropped = format.mantissa_bits - static_cast<int>(to.mantissa_bits);
    magnitude += (uint64_t{1} << (dropped - 1)) - 1 + (magnitude >> dropped & 1);
    magnitude = magnitude >> dropped << dropped;
  }
  if (to.exponent_bits < format.exponent_bits) {
    const int64_t bias = (int64_t{1} << (to.exponent_bits - 1)) - 1;
    const int64_t exponent = static_cast<int64_t>(magnitude >> format.mantissa_bits);
    if (exponent > format.bias + bias) magnitude = exponent_mask;
    if (exponent <= format.bias - bias) magnitude = 0;
  }
  return sign | std::min(magnitude, exponent_mask);
}

void RunCompare(const ScalarStep& step, In in, int64_t n, void* out) {
  VisitLane(step.type, [&](auto tag) {
    using T = decltype(tag);
    Compare(step.compare, static_cast<const T*>(in[0]), static_cast<const T*>(in[1]),
            static_cast<bool*>(out), n);
  });
}

void RunSelect(const ScalarStep& step, In in, int64_t n, void* out) {
  const bool* choice = static_cast<const bool*>(in[0]);
  VisitLane(step.type, [&](auto tag) {
    using T = decltype(tag);
    const T* on_true = static_cast<const T*>(in[1]);
    const T* on_false = static_cast<const T*>(in[2]);
    T* result = static_cast<T*>(out);
    for (int64_t i = 0; i < n; ++i) result[i] = choice[i] ? on_true[i] : on_false[i];
  });
}

void RunClamp(const ScalarStep& step, In in, int64_t n, void* out) {
  alignas(16) std::array<std::byte, kRegisterBytes> raised;
  RunTable(Opcode::kMaximum, step.type, in[1], in[0], raised.data(), n);
  RunTable(Opcode::kMinimum, step.type, raised.data(), in[2], out, n);
}

void RunConvert(const ScalarStep& step, In in, int64_t n, void* out) {
  ConvertLanes(step.type, in[0], step.result_type, n, out);
}

// The first min(n, kBlock) elements of another type with the same bits.
void RunBitcastConvert(const ScalarStep& step, In in, int64_t n, void* out) {
  alignas(16) std::array<std::byte, kRegisterBytes> storage;
  StoreLanes(step.type, in[0], n, storage.data(), 1);
  LoadLanes(step.result_type, storage.data(), 1, n, out);
}

// Functions of a complex number that are real.
double RealPart(Complex x) { return x.real(); }
double ImaginaryPart(Complex x) { return x.imag(); }
double Modulus(Complex x) { return std::abs(x); }

template <double (*part)(Complex)>
void RunPart(const ScalarStep& step, In in, int64_t n, void* out) {
  std::array<Complex, kBlock> values;
  std::array<double, kBlock> parts;
  ConvertLanes(step.type, in[0], ElementType::kC128, n, values.data());
  std::transform(values.begin(), values.begin() + n, parts.begin(), part);
  RoundLanes(step.result_type, parts.data(), n, out);
}

void RunAbs(const ScalarStep& step, In in, int64_t n, void* out) {
  if (IsComplex(step.type)) return RunPart<Modulus>(step, in, n, out);
  RunTable(step.opcode, step.type, in[0], nullptr, out, n);
}

void RunComplex(const ScalarStep& step, In in, int64_t n, void* out) {
  VisitLane(step.type, [&](auto tag) {
    using T = decltype(tag);
    if constexpr (std::is_floating_point_v<T>) {
      const T* xs = static_cast<const T*>(in[0]);
      const T* ys = static_cast<const T*>(in[1]);
      for (int64_t i = 0; i < n; ++i) static_cast<std::complex<T>*>(out)[i] = {xs[i], ys[i]};
    }
  });
}

void RunIsFinite(const ScalarStep& step, In in, int64_t n, void* out) {
  VisitLane(step.type, [&](auto tag) {
    using T = decltype(tag);
    if constexpr (std::is_floating_point_v<T>) {
      const T* xs = static_cast<const T*>(in[0]);
      for (int64_t i = 0; i < n; ++i) static_cast<bool*>(out)[i] = std::isfinite(xs[i]);
    }
  });
}

void RunReducePrecision(const ScalarStep& step, In in, int64_t n, void* out) {
  const FloatFormat& format = FormatOf(step.type);
  VisitLane(step.type, [&](auto tag) {
    using T = decltype(tag);
    if constexpr (std::is_floating_point_v<T>) {
      const T* xs = static_cast<const T*>(in[0]);
      for (int64_t i = 0; i < n; ++i) {
        const uint64_t bits = ReducePrecision(format, step.precision, EncodeFloat(format, xs[i]));
        static_cast<T*>(out)[i] = static_cast<T>(DecodeFloat(format, bits));
      }
    }
  });
}

constexpr OpRow<ScalarStep::Run> kMixedRows[] = {
    {Opcode::kAbs, RunAbs},
    {Opcode::kBitcastConvert, RunBitcastConvert},
    {Opcode::kClamp, RunClamp},
    {Opcode::kCompare, RunCompare},
    {Opcode::kComplex, RunComplex},
    {Opcode::kConvert, RunConvert},
    {Opcode::kImag, RunPart<ImaginaryPart>},
    {Opcode::kIsFinite, RunIsFinite},
    {Opcode::kReal, RunPart<RealPart>},
    {Opcode::kReducePrecision, RunReducePrecision},
    {Opcode::kSelect, RunSelect},
};

// The function of an op that mixes types; null where scalar_ops.def has it.
constexpr ScalarStep::Run* MixedRunOf(Opcode opcode) {
  for (const OpRow<ScalarStep::Run>& row : kMixedRows) {
    if (row.opcode == opcode) return row.function;
  }
  return nullptr;
}

// Every elementwise op is in one of the tables, for all types that opcodes.def says it takes; but
// for stochastic-convert, which is refused, and map, which is a program.
constexpr bool TablesAreWhole() {
  for (int i = 0; i < kOpcodeCount; ++i) {
    const Opcode opcode = static_cast<Opcode>(i);
    const uint32_t domains = kDomains[i];
    const uint32_t types = (domains & M) != 0 ? (domains & ~M) | F : domains;
    const bool is_here = KindOf(opcode) == OpKind::kElementwise && opcode != Opcode::kMap &&
                         opcode != Opcode::kStochasticConvert && MixedRunOf(opcode) == nullptr;
    if (is_here && types != InfoOf(opcode).takes) return false;
  }
  return true;
}
static_assert(TablesAreWhole());

}  // namespace

// ---- running

void ScalarProgram::RunStep(const ScalarStep& step, const std::vector<void*>& registers,
                            int64_t n) {
  const void* in[3];
  for (int i = 0; i < 3; ++i) in[i] = step.in[i] < 0 ? nullptr : registers[step.in[i]];
  void* out = registers[step.out];
  if (step.run != nullptr) return step.run(step, in, n, out);
  RunTable(step.opcode, step.type, in[0], in[1], out, n);
}

ScalarProgram::Frame::Frame(const ScalarProgram& program) : program_(program) {
  const size_t count = program.register_types_.size();
  memory_ = std::make_unique_for_overwrite<std::byte[]>(count * kRegisterBytes);
  for (size_t i = 0; i < count; ++i) owned_.push_back(memory_.get() + i * kRegisterBytes);
  registers_ = owned_;
  for (const ConstantRegister& constant : program.constants_) {
    LoadLanes(constant.value.shape().element_type(), constant.value.bytes().data(), 0, kBlock,
              registers_[constant.number]);
  }
}

void ScalarProgram::Frame::Run(int64_t n) {
  for (const ScalarStep& step : program_.steps_) RunStep(step, registers_, n);
}

const void* ScalarProgram::Frame::result(int64_t i) const {
  return registers_[program_.results_[i]];
}

// ---- compiling

int ScalarProgram::NewRegister(ElementType type) {
  register_types_.push_back(type);
  return static_cast<int>(register_types_.size()) - 1;
}

absl::Status ScalarProgram::AddStep(const Instruction& instruction, absl::Span<const int> in,
                                    int* out) {
  ScalarStep step{};
  step.opcode = instruction.opcode();
  step.run = MixedRunOf(step.opcode);
  step.type = register_types_[in.back()];
  step.result_type = instruction.shape().element_type();
  if (step.run == nullptr && DomainOf(step.opcode, step.type) == 0) {
    return Unimplemented(instruction.name(), ": the evaluator has no ", OpcodeName(step.opcode),
                         " of ", ElementTypeName(step.type));
  }
  std::fill(std::begin(step.in), std::end(step.in), -1);
  std::copy(in.begin(), in.end(), step.in);
  if (step.opcode == Opcode::kCompare) step.compare = instruction.attributes<CompareAttributes>();
  if (step.opcode == Opcode::kReducePrecision) {
    step.precision = instruction.attributes<ReducePrecisionAttributes>();
  }
  step.out = *out = NewRegister(step.result_type);
  steps_.push_back(step);
  return absl::OkStatus();
}

absl::Status ScalarProgram::Refusal(const Instruction& instruction) {
  return Unimplemented(instruction.name(), ": ", OpcodeName(instruction.opcode()),
                       " in a computation that is applied to scalars");
}

absl::StatusOr<std::vector<int>> ScalarProgram::AddStructure(
    const Instruction& instruction, const std::vector<std::vector<int>>& operands) {
  const Opcode opcode = instruction.opcode();
  if (opcode == Opcode::kConstant) {
    if (!instruction.shape().IsScalar() || instruction.literal().is_elided()) {
      return Refusal(instruction);
    }
    constants_.push_back({NewRegister(instruction.shape().element_type()), instruction.literal()});
    return std::vector<int>{constants_.back().number};
  }
  if (opcode == Opcode::kTuple) {
    std::vector<int> all;
    for (const std::vector<int>& operand : operands) {
      if (operand.size() != 1) return Refusal(instruction);
      all.push_back(operand[0]);
    }
    return all;
  }
  if (opcode == Opcode::kGetTupleElement &&
      instruction.tuple_index() < static_cast<int64_t>(operands[0].size())) {
    return std::vector<int>{operands[0][instruction.tuple_index()]};
  }
  if (opcode == Opcode::kOptimizationBarrier) return operands[0];
  return Refusal(instruction);
}

absl::StatusOr<std::vector<int>> ScalarProgram::AddInstruction(
    const Instruction& instruction, const std::vector<std::vector<int>>& operands, int depth) {
  const Opcode opcode = instruction.opcode();
  if (instruction.kind() == OpKind::kStructure) return AddStructure(instruction, operands);
  if (opcode == Opcode::kCall || opcode == Opcode::kFusion || opcode == Opcode::kMap) {
    return AddComputation(*instruction.to_apply(), operands, depth + 1);
  }
  std::vector<int> in;
  for (const std::vector<int>& operand : operands) {
    if (operand.size() != 1) return Refusal(instruction);
    in.push_back(operand[0]);
  }
  if (HasFact(opcode, kMoves)) return in;
  if (opcode == Opcode::kBitcast && instruction.shape().element_type() == register_types_[in[0]]) {
    return in;
  }
  if (instruction.kind() != OpKind::kElementwise && opcode != Opcode::kBitcastConvert) {
    return Refusal(instruction);
  }
  std::vector<int> out(1);
  INGOT_RETURN_IF_ERROR(AddStep(instruction, in, &out[0]));
  return out;
}

absl::StatusOr<std::vector<int>> ScalarProgram::AddComputation(
    const Computation& computation, const std::vector<std::vector<int>>& arguments, int depth) {
  if (depth > kMaxCallDepth) {
    return Unimplemented(computation.name(), ": calls nest deeper than ", kMaxCallDepth);
  }
  absl::flat_hash_map<const Instruction*, std::vector<int>> values;
  for (const Instruction* instruction : computation.instructions()) {
    const Shape& shape = instruction->shape();
    if (!shape.IsScalar() && !shape.IsTuple()) {
      return Unimplemented(instruction->name(), ": ", shape.ToString(false),
                           " in a computation that is applied to scalars");
    }
    if (instruction->opcode() == Opcode::kParameter) {
      values[instruction] = arguments[instruction->parameter_number()];
      continue;
    }
    std::vector<std::vector<int>> operands;
    for (const Instruction* operand : instruction->operands()) {
      operands.push_back(values.at(operand));
    }
    INGOT_ASSIGN_OR_RETURN(values[instruction], AddInstruction(*instruction, operands, depth));
  }
  return values.at(computation.root());
}

absl::StatusOr<ScalarProgram> ScalarProgram::Of(const Computation& computation) {
  ScalarProgram program;
  std::vector<std::vector<int>> arguments;
  for (const Instruction* parameter : computation.parameters()) {
    if (!parameter->shape().IsScalar()) {
      return Unimplemented(computation.name(), ": a parameter of shape ",
                           parameter->shape().ToString(false),
                           " of a computation that is applied to scalars");
    }
    program.parameter_types_.push_back(parameter->shape().element_type());
    arguments.push_back({program.NewRegister(program.parameter_types_.back())});
  }
  INGOT_ASSIGN_OR_RETURN(program.results_, program.AddComputation(computation, arguments, 0));
  for (int result : program.results_) {
    program.result_types_.push_back(program.register_types_[result]);
  }
  return program;
}

absl::StatusOr<ScalarProgram> ScalarProgram::OfInstruction(const Instruction& instruction) {
  if (instruction.opcode() == Opcode::kMap) return Of(*instruction.to_apply());
  ScalarProgram program;
  std::vector<int> in;
  for (const Instruction* operand : instruction.operands()) {
    program.parameter_types_.push_back(operand->shape().element_type());
    in.push_back(program.NewRegister(program.parameter_types_.back()));
  }
  program.results_.resize(1);
  INGOT_RETURN_IF_ERROR(program.AddStep(instruction, in, &program.results_[0]));
  program.result_types_ = {instruction.shape().element_type()};
  return program;
}

std::optional<ScalarProgram::Binary> ScalarProgram::AsBinary() const {
  if (steps_.size() != 1 || parameter_types_.size() != 2 || results_.size() != 1 ||
      results_[0] != steps_[0].out || steps_[0].type != steps_[0].result_type) {
    return std::nullopt;
  }
  const ScalarStep& step = steps_[0];
  if (step.in[0] == 0 && step.in[1] == 1) return Binary{step.opcode, false};
  if (step.in[0] == 1 && step.in[1] == 0) return Binary{step.opcode, true};
  return std::nullopt;
}

}  // namespace ingot::evaluator
