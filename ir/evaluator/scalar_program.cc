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

enum Domain : uint32_t { P = 1, I = 2, U = 4, F = 8, M = 16, C = 32 };

struct Row {
  int arity = 0;
  uint32_t domains = 0;
};

constexpr auto kRows = [] {
  std::array<Row, kOpcodeCount> rows;
#define INGOT_SCALAR_OP(opcode, arity, domains, expression) \
  rows[static_cast<int>(Opcode::opcode)] = {arity, domains};
#include "ir/evaluator/scalar_ops.def"
  return rows;
}();

// The domain that an op on `type` is computed in; 0 where no row has it.
uint32_t DomainOf(Opcode opcode, ElementType type) {
  const uint32_t domains = kRows[static_cast<int>(opcode)].domains;
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
  switch (opcode) {
#define INGOT_SCALAR_OP(opcode, arity, domains, expression)    \
  case Opcode::opcode:                                         \
    if constexpr (((domains)&kDomainsOf<T>) != 0) {            \
      for (int64_t i = 0; i < n; ++i) {                        \
        const T x = xs[i];                                     \
        [[maybe_unused]] const T y = arity == 2 ? ys[i] : T(); \
        result[i] = expression;                                \
      }                                                        \
    }                                                          \
    return;
#include "ir/evaluator/scalar_ops.def"
    // not an op of the table: DomainOf refused it
    default:
      INGOT_UNREACHABLE() << OpcodeName(opcode);
  }
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

// ---- ops that mix types

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

template <typename T>
void Select(const bool* choice, const T* on_true, const T* on_false, T* result, int64_t n) {
  for (int64_t i = 0; i < n; ++i) result[i] = choice[i] ? on_true[i] : on_false[i];
}

// The first min(n, kBlock) elements of another type with the same bits.
void Bitcast(ElementType from, const void* lanes, ElementType to, int64_t n, void* result) {
  alignas(16) std::array<std::byte, kRegisterBytes> storage;
  StoreLanes(from, lanes, n, storage.data(), 1);
  LoadLanes(to, storage.data(), 1, n, result);
}

bool IsMixed(Opcode opcode, ElementType type) {
  switch (opcode) {
    case Opcode::kBitcastConvert:
    case Opcode::kCompare:
    case Opcode::kComplex:
    case Opcode::kConvert:
    case Opcode::kImag:
    case Opcode::kIsFinite:
    case Opcode::kReal:
    case Opcode::kReducePrecision:
    case Opcode::kSelect:
      return true;
    case Opcode::kClamp:
      return !IsComplex(type);
    case Opcode::kAbs:
      return IsComplex(type);
    default:
      return false;
  }
}

}  // namespace

// ---- running

void ScalarProgram::RunStep(const Step& step, const std::vector<void*>& registers, int64_t n) {
  const void* in[3];
  for (int i = 0; i < 3; ++i) in[i] = step.in[i] < 0 ? nullptr : registers[step.in[i]];
  void* out = registers[step.out];
  switch (step.opcode) {
    case Opcode::kConvert:
      return ConvertLanes(step.type, in[0], step.result_type, n, out);
    case Opcode::kBitcastConvert:
      return Bitcast(step.type, in[0], step.result_type, n, out);
    case Opcode::kClamp: {
      alignas(16) std::array<std::byte, kRegisterBytes> raised;
      RunTable(Opcode::kMaximum, step.type, in[1], in[0], raised.data(), n);
      return RunTable(Opcode::kMinimum, step.type, raised.data(), in[2], out, n);
    }
    case Opcode::kReal:
    case Opcode::kImag:
    case Opcode::kAbs:
      if (IsComplex(step.type)) {
        std::array<Complex, kBlock> values;
        std::array<double, kBlock> parts;
        ConvertLanes(step.type, in[0], ElementType::kC128, n, values.data());
        for (int64_t i = 0; i < n; ++i) {
          parts[i] = step.opcode == Opcode::kReal   ? values[i].real()
                     : step.opcode == Opcode::kImag ? values[i].imag()
                                                    : std::abs(values[i]);
        }
        return RoundLanes(step.result_type, parts.data(), n, out);
      }
      if (step.opcode == Opcode::kAbs) break;
      // of a real number: itself, and 0
      return VisitLane(step.type, [&](auto tag) {
        using T = decltype(tag);
        for (int64_t i = 0; i < n; ++i) {
          static_cast<T*>(out)[i] =
              step.opcode == Opcode::kReal ? static_cast<const T*>(in[0])[i] : T();
        }
      });
    default:
      break;
  }
  if (!IsMixed(step.opcode, step.type)) {
    return RunTable(step.opcode, step.type, in[0], in[1], out, n);
  }
  VisitLane(step.type, [&](auto tag) {
    using T = decltype(tag);
    const T* xs = static_cast<const T*>(in[0]);
    const T* ys = static_cast<const T*>(in[1]);
    switch (step.opcode) {
      case Opcode::kCompare:
        return Compare(step.compare, xs, ys, static_cast<bool*>(out), n);
      case Opcode::kSelect:
        return Select(static_cast<const bool*>(in[0]), ys, static_cast<const T*>(in[2]),
                      static_cast<T*>(out), n);
      default:
        break;
    }
    if constexpr (std::is_floating_point_v<T>) {
      switch (step.opcode) {
        case Opcode::kComplex:
          for (int64_t i = 0; i < n; ++i) static_cast<std::complex<T>*>(out)[i] = {xs[i], ys[i]};
          return;
        case Opcode::kIsFinite:
          for (int64_t i = 0; i < n; ++i) static_cast<bool*>(out)[i] = std::isfinite(xs[i]);
          return;
        case Opcode::kReducePrecision: {
          const FloatFormat& format = FormatOf(step.type);
          for (int64_t i = 0; i < n; ++i) {
            static_cast<T*>(out)[i] = static_cast<T>(DecodeFloat(
                format, ReducePrecision(format, step.precision, EncodeFloat(format, xs[i]))));
          }
          return;
        }
        default:
          break;
      }
    }
  });
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
  for (const Step& step : program_.steps_) RunStep(step, registers_, n);
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
  Step step{};
  step.opcode = instruction.opcode();
  step.type = register_types_[in.back()];
  step.result_type = instruction.shape().element_type();
  if (!IsMixed(step.opcode, step.type) && DomainOf(step.opcode, step.type) == 0) {
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

absl::StatusOr<std::vector<int>> ScalarProgram::AddInstruction(
    const Instruction& instruction, const std::vector<std::vector<int>>& operands, int depth) {
  const auto refuse = [&] {
    return Unimplemented(instruction.name(), ": ", OpcodeName(instruction.opcode()),
                         " in a computation that is applied to scalars");
  };
  switch (instruction.opcode()) {
    case Opcode::kConstant:
      if (!instruction.shape().IsScalar() || instruction.literal().is_elided()) return refuse();
      constants_.push_back(
          {NewRegister(instruction.shape().element_type()), instruction.literal()});
      return std::vector<int>{constants_.back().number};
    case Opcode::kTuple: {
      std::vector<int> all;
      for (const std::vector<int>& operand : operands) {
        if (operand.size() != 1) return refuse();
        all.push_back(operand[0]);
      }
      return all;
    }
    case Opcode::kGetTupleElement:
      if (instruction.tuple_index() >= static_cast<int64_t>(operands[0].size())) return refuse();
      return std::vector<int>{operands[0][instruction.tuple_index()]};
    case Opcode::kOptimizationBarrier:
      return operands[0];
    case Opcode::kCall:
    case Opcode::kFusion:
    case Opcode::kMap:
      return AddComputation(*instruction.to_apply(), operands, depth + 1);
    default:
      break;
  }
  for (const std::vector<int>& operand : operands) {
    if (operand.size() != 1) return refuse();
  }
  switch (instruction.opcode()) {
    case Opcode::kBitcast:
      if (instruction.shape().element_type() != register_types_[operands[0][0]]) return refuse();
      return operands[0];
    case Opcode::kBroadcast:
    case Opcode::kCopy:
    case Opcode::kReshape:
    case Opcode::kReverse:
    case Opcode::kSlice:
    case Opcode::kTranspose:
      return operands[0];
    default:
      break;
  }
  if (instruction.kind() != OpKind::kElementwise &&
      instruction.opcode() != Opcode::kBitcastConvert) {
    return refuse();
  }
  std::vector<int> in;
  for (const std::vector<int>& operand : operands) in.push_back(operand[0]);
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
  const Step& step = steps_[0];
  if (step.in[0] == 0 && step.in[1] == 1) return Binary{step.opcode, false};
  if (step.in[0] == 1 && step.in[1] == 0) return Binary{step.opcode, true};
  return std::nullopt;
}

}  // namespace ingot::evaluator
