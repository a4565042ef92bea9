#include "tests/compiler/codegen/row_kernels.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "absl/strings/str_cat.h"
#include "compiler/kernel/arithmetic.h"

namespace ingot::test {

using kernel::OpClass;
using kernel::Opcode;

namespace {

constexpr Opcode kAllOpcodes[] = {
#define INGOT_KERNEL_UNARY(Name, ...) Opcode::k##Name,
#define INGOT_KERNEL_BINARY(Name, ...) Opcode::k##Name,
#define INGOT_KERNEL_COMPARE(Name, ...) Opcode::k##Name,
#define INGOT_KERNEL_HORIZONTAL(Name, ...) Opcode::k##Name,
#define INGOT_KERNEL_OP(Name, ...) Opcode::k##Name,
#include "compiler/kernel/ops.def"
};

std::vector<ElementType> AllTypes() {
  std::vector<ElementType> types;
  for (int i = 0; i < kElementTypeCount; ++i) {
    const auto type = static_cast<ElementType>(i);
    if (!IsComplex(type)) types.push_back(type);
  }
  return types;
}

}  // namespace

bool RowCase::IsHorizontal() const {
  return kernel::InfoOf(opcode).op_class == OpClass::kHorizontal;
}

std::string RowCase::Name() const {
  std::string name = absl::StrCat(kernel::NameOf(opcode), "_", ElementTypeName(operands.back()));
  if (opcode == Opcode::kConvert) absl::StrAppend(&name, "_to_", ElementTypeName(result), "_");
  return absl::StrCat(name, "x", lanes);
}

std::vector<Opcode> LaneWiseOpcodes() {
  std::vector<Opcode> opcodes;
  for (Opcode opcode : kAllOpcodes) {
    switch (kernel::InfoOf(opcode).op_class) {
      case OpClass::kUnary:
      case OpClass::kBinary:
      case OpClass::kCompare:
      case OpClass::kTernary:
      case OpClass::kSelect:
        opcodes.push_back(opcode);
        break;
      case OpClass::kConvert:
      case OpClass::kVector:
      case OpClass::kHorizontal:
      case OpClass::kOrigin:
      case OpClass::kId:
      case OpClass::kVar:
      case OpClass::kMemory:
      case OpClass::kControl:
      case OpClass::kIntrinsic:
        break;
    }
  }
  return opcodes;
}

std::vector<Opcode> HorizontalOpcodes() {
  std::vector<Opcode> opcodes;
  for (Opcode opcode : kAllOpcodes) {
    if (kernel::InfoOf(opcode).op_class == OpClass::kHorizontal) opcodes.push_back(opcode);
  }
  return opcodes;
}

std::vector<RowCase> CasesOf(Opcode opcode, const std::vector<int>& widths) {
  const kernel::OpInfo& info = kernel::InfoOf(opcode);
  std::vector<RowCase> cases;
  for (ElementType type : AllTypes()) {
    if ((info.types & kernel::TypeSetOf(type)) == 0) continue;
    if (opcode == Opcode::kPermute && type != ElementType::kU32) continue;
    for (int lanes : widths) {
      if (info.op_class == OpClass::kHorizontal && lanes == 1) continue;
      RowCase row{opcode, std::vector<ElementType>(info.least_operands, type), type, lanes};
      if (info.op_class == OpClass::kSelect) row.operands[0] = ElementType::kPred;
      if (info.op_class == OpClass::kCompare) row.result = ElementType::kPred;
      cases.push_back(row);
    }
  }
  return cases;
}

std::vector<RowCase> ConversionsFrom(ElementType from, const std::vector<int>& widths) {
  std::vector<RowCase> cases;
  for (ElementType to : AllTypes()) {
    for (int lanes : widths) cases.push_back({Opcode::kConvert, {from}, to, lanes});
  }
  return cases;
}

std::vector<RowGroup> AllRowGroups(const std::vector<int>& widths) {
  std::vector<RowGroup> groups;
  const auto add = [&](std::string name, std::vector<RowCase> rows) {
    if (!rows.empty()) groups.push_back({std::move(name), std::move(rows)});
  };
  for (Opcode opcode : LaneWiseOpcodes()) {
    add(std::string(kernel::NameOf(opcode)), CasesOf(opcode, widths));
  }
  for (Opcode opcode : HorizontalOpcodes()) {
    add(std::string(kernel::NameOf(opcode)), CasesOf(opcode, widths));
  }
  for (ElementType from : AllTypes()) {
    add(absl::StrCat("convert_", ElementTypeName(from)), ConversionsFrom(from, widths));
  }
  return groups;
}

std::unique_ptr<kernel::Kernel> MakeKernel(const RowCase& row, kernel::Machine machine,
                                           int64_t count) {
  auto k = std::make_unique<kernel::Kernel>(row.Name());
  const int64_t threads = count / row.lanes;
  std::vector<kernel::Buffer*> buffers;
  for (size_t i = 0; i < row.operands.size(); ++i) {
    buffers.push_back(k->AddBuffer(absl::StrCat("x", i), row.operands[i], {count}));
    buffers.back()->readonly = true;
    buffers.back()->noalias = true;
  }
  kernel::Buffer* out = k->AddBuffer("y", row.result, {row.IsHorizontal() ? threads : count});
  out->noalias = true;
  kernel::Builder b(k.get());
  kernel::Value thread = nullptr;
  k->launch().machine = machine;
  if (machine == kernel::Machine::kHost) {
    k->launch().tasks = threads;
    thread = b.TaskId();
  } else {
    k->launch().block[0] = 4;  // divides every count / lanes
    k->launch().grid[0] = threads / 4;
    thread = b.Add(b.Mul(b.BlockId(), b.Index(4)), b.ThreadId());
  }
  kernel::Value index = b.Mul(thread, b.Integer(thread->type, row.lanes));
  std::vector<kernel::Value> operands;
  kernel::AccessOptions access;
  for (size_t i = 0; i < row.operands.size(); ++i) {
    access.alignment = kernel::NaturalAlignment({row.operands[i], row.lanes});
    operands.push_back(b.Load(buffers[i], index, row.lanes, access));
  }
  kernel::Type type = operands[0]->type.WithElement(row.result);
  if (row.IsHorizontal()) type = type.WithLanes(1);
  kernel::Value result = b.Append(row.opcode, type, operands);
  access.alignment = kernel::NaturalAlignment(type);
  b.Store(out, row.IsHorizontal() ? thread : index, result, access);
  return k;
}

std::vector<uint64_t> InterestingBits(ElementType type) {
  std::vector<uint64_t> bits;
  const int width = BitWidth(type);
  if (width <= 8) {
    for (uint64_t i = 0; i < uint64_t{1} << width; ++i) bits.push_back(i);
    return bits;
  }
  std::mt19937_64 random(width);
  if (IsFloat(type)) {
    const double inf = std::numeric_limits<double>::infinity();
    for (double magnitude : {0.0,
                             1.0,
                             0.5,
                             1.5,
                             2.5,
                             3.0,
                             0.1,
                             255.5,
                             65504.0,
                             65519.9,
                             65520.0,
                             32767.5,
                             2147483520.0,
                             2147483647.0,
                             2147483648.0,
                             4294967295.0,
                             9223372036854775807.0,
                             18446744073709551615.0,
                             1e-40,
                             1e-45,
                             6e-8,
                             3e-8,
                             1e38,
                             3.5e38,
                             1e-320,
                             inf,
                             std::nan("")}) {
      bits.push_back(kernel::FloatBits(type, magnitude));
      bits.push_back(kernel::FloatBits(type, -magnitude));
    }
    // The smallest and largest denormals and normals, and neighbours of 1.
    const uint64_t one = kernel::FloatBits(type, 1);
    const uint64_t mantissa = uint64_t{1} << FormatOf(type).mantissa_bits;
    for (uint64_t pattern : {uint64_t{1}, mantissa - 1, mantissa, mantissa + 1, one - 1, one + 1,
                             kernel::FloatBits(type, inf) - 1}) {
      bits.push_back(pattern);
    }
    std::uniform_real_distribution<double> moderate(-300, 300);
    for (int i = 0; i < 6; ++i) bits.push_back(kernel::FloatBits(type, moderate(random)));
  } else {
    const uint64_t top = uint64_t{1} << (width - 1);
    for (uint64_t value : {uint64_t{0},
                           uint64_t{1},
                           uint64_t{2},
                           uint64_t{3},
                           uint64_t{7},
                           uint64_t{8},
                           uint64_t{15},
                           uint64_t{16},
                           uint64_t{31},
                           uint64_t{32},
                           uint64_t{63},
                           uint64_t{64},
                           top,
                           top - 1,
                           top + 1,
                           ~uint64_t{0},
                           ~uint64_t{1},
                           top >> 1,
                           (uint64_t{1} << 53) + 1,
                           (uint64_t{1} << 24) + 1,
                           (uint64_t{1} << 62) + (uint64_t{1} << 38),
                           (uint64_t{1} << 62) + (uint64_t{1} << 38) + 1,
                           uint64_t{65519},
                           uint64_t{65520},
                           -((uint64_t{1} << 62) + (uint64_t{1} << 38) + 1)}) {
      bits.push_back(kernel::TruncateBits(type, value));
    }
  }
  for (int i = 0; i < 16; ++i) bits.push_back(kernel::TruncateBits(type, random()));
  return bits;
}

std::vector<std::vector<uint64_t>> Operands(const RowCase& row) {
  std::vector<std::vector<uint64_t>> values;
  for (ElementType type : row.operands) values.push_back(InterestingBits(type));
  std::mt19937 random(1);
  size_t count = values[0].size();
  if (row.operands.size() >= 2) count *= values[1].size();
  if (row.operands.size() >= 3) count = std::max<size_t>(4096, count);
  count = (count + 63) / 64 * 64;
  std::vector<std::vector<uint64_t>> operands(row.operands.size());
  for (size_t i = 0; i < count; ++i) {
    size_t rest = i;
    for (size_t j = 0; j < operands.size(); ++j) {
      // A horizontal row wants mixed neighbours, a third operand has no place in the combinations.
      const bool draw = row.IsHorizontal() || j == 2;
      operands[j].push_back(values[j][(draw ? random() : rest) % values[j].size()]);
      rest /= values[j].size();
    }
  }
  return operands;
}

std::vector<uint64_t> Expected(const RowCase& row,
                               const std::vector<std::vector<uint64_t>>& operands) {
  std::vector<uint64_t> expected;
  const size_t count = operands[0].size();
  if (row.IsHorizontal()) {
    for (size_t i = 0; i < count; i += row.lanes) {
      expected.push_back(kernel::EvaluateHorizontal(
          row.opcode, row.operands[0], absl::MakeConstSpan(operands[0]).subspan(i, row.lanes)));
    }
    return expected;
  }
  for (size_t i = 0; i < count; ++i) {
    std::vector<uint64_t> bits;
    for (const auto& operand : operands) bits.push_back(operand[i]);
    expected.push_back(row.opcode == Opcode::kConvert
                           ? kernel::ConvertLane(row.operands[0], row.result, bits[0])
                           : kernel::EvaluateLane(row.opcode, row.operands.back(), bits));
  }
  return expected;
}

std::vector<uint8_t> ToMemory(ElementType type, const std::vector<uint64_t>& bits) {
  const int width = ByteWidth(type);
  std::vector<uint8_t> memory(bits.size() * width);
  for (size_t i = 0; i < bits.size(); ++i) {
    uint64_t pattern = bits[i];
    // What lies above a sub-byte value is nobody's.
    if (type != ElementType::kPred && BitWidth(type) < 8) pattern |= i << BitWidth(type);
    std::memcpy(&memory[i * width], &pattern, width);
  }
  return memory;
}

uint64_t FromMemory(ElementType type, const std::vector<uint8_t>& memory, int64_t index) {
  uint64_t bits = 0;
  std::memcpy(&bits, &memory[index * ByteWidth(type)], ByteWidth(type));
  // A byte that holds s2 or s4 is filled with the sign; anything else is shown as it is.
  const int width = BitWidth(type);
  if (!IsSigned(type) || width >= 8) return bits;
  const uint64_t low = bits & ((1u << width) - 1);
  const bool negative = low >> (width - 1) != 0;
  return bits == (negative ? (low | (0xffu << width)) & 0xff : low) ? low : bits;
}

bool SameValue(ElementType type, uint64_t a, uint64_t b) {
  if (a == b) return true;
  if (!IsFloat(type) || BitWidth(type) > 64) return false;
  if (kernel::TruncateBits(type, a) != a) return false;
  return std::isnan(kernel::FloatValue(type, a)) && std::isnan(kernel::FloatValue(type, b));
}

}  // namespace ingot::test
