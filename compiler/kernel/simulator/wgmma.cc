// wgmma: products of a warpgroup, whose operands lie in shared memory.
//
// Each warp of the warpgroup has 16 of the 64 rows, and runs its part when it comes to the row.  A
// product reads shared memory at any time until its wait, by the async proxy; here it is computed
// when it is waited for, or, by the seed, before.  Sums are exact over a step of k, and rounded
// once.
#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "compiler/kernel/arithmetic.h"
#include "compiler/kernel/matrix_descriptor.h"
#include "compiler/kernel/simulator/machine.h"

namespace ingot::kernel::simulator {
namespace {

constexpr int kRows = 16;        // of a warp
constexpr int kDepthBytes = 32;  // of k
constexpr int kLineBytes = 16;

// What a row multiplies.
struct Form {
  ElementType a = ElementType::kBF16;
  ElementType b = ElementType::kBF16;
  bool a_in_registers = false;
  int size = 0;  // n
  bool a_along_rows = false, b_along_rows = false;

  int depth() const { return kDepthBytes / ByteWidth(a); }
};

// The element types of a row, by the names in its own: "wgmma_e4m3_e5m2_a".
Form FormOf(const IntrinsicAttributes& call) {
  static constexpr std::pair<const char*, ElementType> kTypes[] = {
      {"bf16", ElementType::kBF16},   {"tf32", ElementType::kF32}, {"e4m3", ElementType::kF8E4M3FN},
      {"e5m2", ElementType::kF8E5M2}, {"s8", ElementType::kS8},    {"u8", ElementType::kU8},
      {"f16", ElementType::kF16},
  };
  Form form;
  absl::string_view rest = InfoOf(call.intrinsic).name;
  rest.remove_prefix(std::strlen("wgmma_"));
  bool first = true;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('_'), rest.size());
    const absl::string_view word = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (word == "a") form.a_in_registers = true;
    for (const auto& [name, type] : kTypes) {
      if (word != name) continue;
      if (first) form.a = type;
      form.b = type;
      first = false;
    }
  }
  form.size = static_cast<int>(call.immediates[0]);
  size_t next = 1;
  if (!form.a_in_registers && call.immediates.size() == 3) {
    form.a_along_rows = call.immediates[next++] != 0;
  }
  if (next < call.immediates.size()) form.b_along_rows = call.immediates[next] != 0;
  return form;
}

double ValueOf(ElementType type, const uint8_t* bytes) {
  uint64_t bits = 0;
  std::memcpy(&bits, bytes, ByteWidth(type));
  // The unit ignores the low bits of a tf32.
  if (type == ElementType::kF32) bits &= ~uint64_t{0x1fff};
  if (type == ElementType::kBF16) {
    return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
  }
  if (!IsFloat(type)) return static_cast<double>(IntegerValue(type, bits));
  return FloatValue(type, bits);
}

// The address of element (row, k) in shared memory.
int64_t AddressOf(const MatrixDescriptor& matrix, ElementType type, bool along_rows, int row,
                  int k) {
  return along_rows ? matrix.AddressAlongRows(row, k)
                    : matrix.AddressAlongK(row, k * ByteWidth(type));
}

// Rows first … first + rows of an operand in shared memory, k fastest.
std::vector<double> ReadOperand(const std::vector<uint8_t>& shared, uint64_t bits, ElementType type,
                                bool along_rows, int first, int rows) {
  const MatrixDescriptor matrix = MatrixDescriptor::Decode(bits);
  const int depth = kDepthBytes / ByteWidth(type);
  std::vector<double> values;
  values.reserve(rows * depth);
  for (int row = first; row < first + rows; ++row) {
    for (int k = 0; k < depth; ++k) {
      const int64_t at = AddressOf(matrix, type, along_rows, row, k);
      values.push_back(ValueOf(type, shared.data() + at));
    }
  }
  return values;
}

// mma's first operand: register r of lane l has row l / 4 + 8 (r mod 2), and the 4 bytes of k
// number l mod 4 + 4 (r / 2).
std::vector<double> ReadRegisters(const std::vector<uint32_t>& registers, ElementType type) {
  const int width = ByteWidth(type), a_word = 4 / width, depth = kDepthBytes / width;
  std::vector<double> values(kRows * depth);
  for (int r = 0; r < 4; ++r) {
    for (int lane = 0; lane < kWarpSize; ++lane) {
      uint8_t bytes[4];
      std::memcpy(bytes, &registers[r * kWarpSize + lane], sizeof(bytes));
      const int row = lane / 4 + 8 * (r % 2), word = lane % 4 + 4 * (r / 2);
      for (int i = 0; i < a_word; ++i) {
        values[row * depth + word * a_word + i] = ValueOf(type, bytes + i * width);
      }
    }
  }
  return values;
}

// d[i] of lane l += Σ a · b, or = where it does not accumulate.
template <typename Sum>
void MultiplyInto(uint8_t* registers, const Form& form, const std::vector<double>& a,
                  const std::vector<double>& b, bool accumulates) {
  auto* const d = reinterpret_cast<Sum*>(registers);
  const int depth = form.depth();
  for (int i = 0; i < form.size / 2; ++i) {
    for (int lane = 0; lane < kWarpSize; ++lane) {
      const double* const row = &a[(lane / 4 + 8 * (i / 2 % 2)) * depth];
      const double* const column = &b[(8 * (i / 4) + 2 * (lane % 4) + i % 2) * depth];
      double sum = 0;
      for (int k = 0; k < depth; ++k) sum += row[k] * column[k];
      Sum& cell = d[i * kWarpSize + lane];
      if (accumulates) sum += static_cast<double>(cell);
      if constexpr (std::is_integral_v<Sum>) {
        cell = static_cast<Sum>(static_cast<int64_t>(sum));  // wraps
      } else {
        cell = static_cast<Sum>(sum);
      }
    }
  }
}

}  // namespace

// The accumulator of a row, in the registers of the warp.
Place Machine::FragmentPlace(const Step& step) const {
  return OperandPlace(step, static_cast<int>(step.op->operands.size()));
}

bool Machine::CheckOperand(Warp& warp, const Step& step, uint64_t bits, ElementType type,
                           bool along_rows, int first, int rows) {
  const MatrixDescriptor matrix = MatrixDescriptor::Decode(bits);
  if (matrix.base_offset != 0) {
    AddFault(FaultKind::kMisaligned, step.op,
             absl::StrCat("a descriptor with base offset ", matrix.base_offset,
                          ": the simulator knows tiles only that begin at a multiple of 8 times ",
                          "the swizzle's width"));
    return false;
  }
  // Each line once: elements of one line lie together.
  const int a_line = kLineBytes / ByteWidth(type), depth = kDepthBytes / ByteWidth(type);
  Claim claim;
  claim.operation = step.op->id;
  claim.fences = &warp.block->fences;
  claim.engine = {warp.product_engine, static_cast<uint32_t>(warp.product_groups) + 1, 0};
  int lane = 0;
  for (int row = first; row < first + rows; row += along_rows ? a_line : 1) {
    for (int k = 0; k < depth; k += along_rows ? 1 : a_line) {
      const int64_t at = AddressOf(matrix, type, along_rows, row, k);
      const BoundBuffer* const buffer = SharedBufferAt(at);
      if (at + kLineBytes > shared_bytes_ || buffer == nullptr) {
        AddFault(FaultKind::kOutOfBounds, step.op,
                 absl::StrCat("row ", row, ", k ", k, " of an operand lies at byte ", at,
                              " of shared memory, which is no allocation's"));
        return false;
      }
      if (!options_.check) continue;
      // Every lane takes part, so every one has to know of what is read.
      lane = (lane + 1) % kWarpSize;
      Conflict conflict;
      if (warp.block->shadow != nullptr && !sampling_ &&
          warp.block->shadow->Access(warp.knowledge, lane, at, kLineBytes, claim, conflict)) {
        ReportConflict(warp, step, *buffer, lane, at - buffer->shared_offset, claim, conflict);
        return false;
      }
      CheckWritten(warp, step, *buffer, lane, at - buffer->shared_offset, kLineBytes);
    }
  }
  return true;
}

void Machine::BeginProduct(Warp& warp, const Step& step) {
  const auto& call = step.op->Get<IntrinsicAttributes>();
  const Form form = FormOf(call);
  if (warp.product_engine == 0) warp.product_engine = next_engine_++;
  Accumulator& accumulator = warp.accumulators[code_.fragments.at(call.vars[0])];
  if (accumulator.touched) {
    AddFault(FaultKind::kCopyInFlight, step.op,
             absl::StrCat("warp ", warp.index, " of ", geometry_.BlockName(warp.block->number),
                          " has touched %", call.vars[0]->name,
                          " since its last wgmma_fence; one has to come between"));
  }
  Product product;
  product.step = &step;
  const auto read = [&](int operand) {
    uint64_t bits = 0;
    std::memcpy(&bits, At(warp, OperandPlace(step, operand)), sizeof(bits));
    return bits;
  };
  if (form.a_in_registers) {
    const auto* const words = reinterpret_cast<const uint32_t*>(At(warp, OperandPlace(step, 0)));
    product.registers.assign(words, words + 4 * kWarpSize);
  } else {
    product.a = read(0);
    const int first = kRows * (warp.index % 4);
    if (!CheckOperand(warp, step, product.a, form.a, form.a_along_rows, first, kRows)) return;
  }
  product.b = read(1);
  if (!CheckOperand(warp, step, product.b, form.b, form.b_along_rows, 0, form.size)) return;
  product.accumulates = *At(warp, OperandPlace(step, 2)) != 0;
  ++accumulator.in_flight;
  accumulator.product = step.op;
  warp.products.push_back(std::move(product));
  if (options_.seed == 0 || random_() % 2 == 0) return;
  // All that came before, too: sums are added in order.
  for (Product& one : warp.products) Compute(warp, one);
}

void Machine::Compute(Warp& warp, Product& product) {
  if (product.computed) return;
  product.computed = true;
  const Step& step = *product.step;
  const Form form = FormOf(step.op->Get<IntrinsicAttributes>());
  const std::vector<uint8_t>& shared = warp.block->shared;
  const std::vector<double> a = form.a_in_registers
                                    ? ReadRegisters(product.registers, form.a)
                                    : ReadOperand(shared, product.a, form.a, form.a_along_rows,
                                                  kRows * (warp.index % 4), kRows);
  const std::vector<double> b =
      ReadOperand(shared, product.b, form.b, form.b_along_rows, 0, form.size);
  uint8_t* const d = Out(warp, FragmentPlace(step));
  if (IsFloat(form.a)) {
    MultiplyInto<float>(d, form, a, b, product.accumulates);
  } else {
    MultiplyInto<int32_t>(d, form, a, b, product.accumulates);
  }
}

void Machine::CommitProducts(Warp& warp) {
  for (Product& product : warp.products) {
    if (product.group < 0) product.group = warp.product_groups;
  }
  ++warp.product_groups;
}

void Machine::WaitForProducts(Warp& warp, int most_in_flight) {
  const int32_t limit = warp.product_groups - most_in_flight;
  const auto is_awaited = [&](const Product& product) {
    return product.group >= 0 && product.group < limit;
  };
  for (Product& product : warp.products) {
    if (!is_awaited(product)) continue;
    Compute(warp, product);
    const auto& call = product.step->op->Get<IntrinsicAttributes>();
    --warp.accumulators[code_.fragments.at(call.vars[0])].in_flight;
  }
  std::erase_if(warp.products, is_awaited);
  if (limit <= 0 || warp.product_engine == 0) return;
  auto told = std::make_shared<Told>();
  told->threads[Epoch{warp.product_engine, 0, 0}.thread()] = static_cast<uint32_t>(limit);
  warp.knowledge.LearnAll(std::move(told));
}

// A read or write of a var that is an accumulator.
void Machine::TouchAccumulator(Warp& warp, const Step& step) {
  Accumulator& accumulator = warp.accumulators[step.lane - 1];
  accumulator.touched = true;
  if (accumulator.in_flight == 0) return;
  AddFault(FaultKind::kCopyInFlight, step.op,
           absl::StrCat("warp ", warp.index, " of ", geometry_.BlockName(warp.block->number),
                        " touches %", step.op->Get<VarAttributes>().var->name, " while ",
                        OperationName(accumulator.product->id),
                        " is adding to it; wgmma_wait has to come first"),
           accumulator.product->id);
}

void Machine::FenceAccumulators(Warp& warp) {
  for (Accumulator& accumulator : warp.accumulators) accumulator.touched = false;
}

void Machine::EndProducts(Warp& warp) {
  if (warp.products.empty()) return;
  AddFault(FaultKind::kCopyInFlight, warp.products[0].step->op,
           absl::StrCat("warp ", warp.index, " of ", geometry_.BlockName(warp.block->number),
                        " ends with a product that it has not ",
                        warp.products[0].group < 0 ? "committed: wgmma_commit and wgmma_wait"
                                                   : "waited for: wgmma_wait",
                        " have to follow it"));
}

// ----- The rows.

#define INGOT_WGMMA(Name)                                                    \
  void IntrinsicRows::Wgmma##Name() { machine_.BeginProduct(warp_, step_); } \
  void IntrinsicRows::Wgmma##Name##A() { machine_.BeginProduct(warp_, step_); }
INGOT_WGMMA(Bf16)
INGOT_WGMMA(F16)
INGOT_WGMMA(Tf32)
INGOT_WGMMA(E4m3)
INGOT_WGMMA(E5m2)
INGOT_WGMMA(E4m3E5m2)
INGOT_WGMMA(E5m2E4m3)
INGOT_WGMMA(S8)
INGOT_WGMMA(U8)
#undef INGOT_WGMMA

void IntrinsicRows::WgmmaFence() { machine_.FenceAccumulators(warp_); }
void IntrinsicRows::WgmmaCommit() { machine_.CommitProducts(warp_); }
void IntrinsicRows::WgmmaWait() { machine_.WaitForProducts(warp_, static_cast<int>(Immediate(0))); }

}  // namespace ingot::kernel::simulator
