#include "compiler/codegen/cuda/assembly.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "compiler/codegen/ptx/instructions.h"
#include "ir/base/check.h"

namespace ingot::codegen {

using kernel::AtomicAttributes;
using kernel::IntrinsicArgument;
using kernel::IntrinsicAttributes;
using kernel::IntrinsicInfo;
using kernel::MemoryAttributes;
using kernel::Type;

namespace {

// One lane as an operand of inline assembly: its letter, and the variable or member that is it.
struct Register {
  char letter;
  std::string variable;
};
Register RegisterOf(ElementType element, const std::string& variable) {
  if (element == ElementType::kF32) return {'f', variable};
  if (element == ElementType::kF64) return {'d', variable};
  switch (BitWidth(element)) {
    case 1:  // a predicate is a number outside of the assembly
      return {'r', absl::StrCat("s32(", variable, ")")};
    case 32:
      return {'r', variable};
    case 16:
      return {'h', IsFloat(element) ? variable + ".bits" : variable};
    case 64:
      return {'l', variable};
    default:
      break;
  }
  INGOT_UNREACHABLE() << ElementTypeName(element) << " has no register";
  return {};
}

// "atom.relaxed.gpu.global.add.u32 $0, …" → atom_relaxed_gpu_global_add_u32
std::string NameOfInstruction(absl::string_view ptx) {
  return absl::StrReplaceAll(ptx.substr(0, ptx.find(' ')), {{".", "_"}, {":", "_"}});
}

// An unsigned integer of so many bits.
Type WordType(int bits) {
  switch (bits) {
    case 16:
      return Type::Scalar(ElementType::kU16);
    case 32:
      return kernel::kU32;
    default:
      return kernel::kU64;
  }
}

}  // namespace

void CudaAssembly::Define(const std::string& name, Type result, const std::vector<Slot>& slots,
                          absl::string_view ptx, bool synchronizes) {
  std::vector<std::string> parameters;  // "f32x4 a1"
  std::vector<std::string> shown;       // of each slot, in the template
  std::vector<std::string> outputs, inputs;
  std::string before, after;  // predicates, which inline assembly does not take
  int next = 0;               // register
  const auto registers = [&](Type type, const std::string& variable, bool is_output) {
    std::vector<std::string> names;
    for (int i = 0; i < type.lanes; ++i) {
      // A predicate that comes out is a number until it is returned.
      const bool is_number = is_output && type.element == ElementType::kPred;
      const Register lane =
          RegisterOf(is_number ? ElementType::kS32 : type.element,
                     type.lanes == 1 ? variable : absl::StrCat(variable, ".lane[", i, "]"));
      const std::string number = absl::StrCat("%", next++);
      (is_output ? outputs : inputs)
          .push_back(absl::StrCat("\"", is_output ? "=" : "", std::string(1, lane.letter), "\"(",
                                  lane.variable, ")"));
      if (type.element == ElementType::kPred) {
        names.push_back(absl::StrCat("p", next));
        absl::StrAppend(&before, ".reg .pred ", names.back(), "; ");
        absl::StrAppend(is_output ? &after : &before, is_output ? " selp.s32 " : "setp.ne.s32 ",
                        is_output ? number : names.back(), ", ", is_output ? "1, 0, " : number,
                        is_output ? names.back() : ", 0", "; ");
      } else {
        names.push_back(number);
      }
    }
    return names.size() == 1 ? names[0] : absl::StrCat("{", absl::StrJoin(names, ", "), "}");
  };
  if (!result.IsNone()) shown.push_back(registers(result, "result", /*is_output=*/true));
  for (const Slot& slot : slots) {
    if (!slot.constant.empty()) {
      shown.push_back(slot.constant);
      continue;
    }
    const Operand& operand = slot.operand;
    const std::string variable = absl::StrCat("a", parameters.size() + 1);
    if (operand.is_place) {
      const bool shared = operand.space == kernel::Space::kShared;
      const Type address = shared ? kernel::kU32 : kernel::kU64;
      parameters.push_back(absl::StrCat("const void* ", variable));
      shown.push_back(registers(
          address, absl::StrCat(shared ? "shared_address(" : "global_address(", variable, ")"),
          /*is_output=*/false));
    } else {
      parameters.push_back(absl::StrCat(types_.Name(operand.type), " ", variable));
      shown.push_back(registers(operand.type, variable, /*is_output=*/false));
    }
  }
  const std::string returned = result.IsNone() ? "void" : types_.Name(result);
  const std::string declaration =
      absl::StrCat("INGOT_ROW ", returned, " ", name, "(", absl::StrJoin(parameters, ", "), ")");
  if (!IsNew(declaration)) return;
  // A percent sign of the instruction's own is written twice.
  std::string text = FillTemplate(absl::StrReplaceAll(ptx, {{"%", "%%"}}), shown);
  if (!before.empty()) text = absl::StrCat("{ ", before, text, after, "}");
  const bool is_pred = result.element == ElementType::kPred && !result.IsNone();
  absl::StrAppend(&text_, declaration, " {\n");
  if (!result.IsNone()) {
    absl::StrAppend(&text_, "  ", is_pred ? "s32" : returned, " result;\n");
  }
  absl::StrAppend(&text_, "  asm ", synchronizes ? "volatile" : "", "(\"", text,
                  "\" : ", absl::StrJoin(outputs, ", "), " : ", absl::StrJoin(inputs, ", "),
                  synchronizes ? " : \"memory\"" : "", ");\n");
  if (!result.IsNone()) absl::StrAppend(&text_, "  return result", is_pred ? " != 0" : "", ";\n");
  absl::StrAppend(&text_, "}\n");
}

// T through registers of 32 bits: widened, or as two words.
void CudaAssembly::DefineByWords(const std::string& name, const std::string& words,
                                 const IntrinsicInfo& info) {
  std::vector<std::string> parameters, low, high;
  for (const IntrinsicArgument& argument : info.arguments) {
    if (argument.kind == IntrinsicArgument::Kind::kImmediate) continue;
    const std::string variable = absl::StrCat("a", parameters.size() + 1);
    const bool is_free = argument.kind == IntrinsicArgument::Kind::kTyped;
    const bool is_place = argument.kind == IntrinsicArgument::Kind::kPlace;
    parameters.push_back(absl::StrCat(is_free    ? "T"
                                      : is_place ? "const void*"
                                                 : types_.Name(argument.type),
                                      " ", variable));
    low.push_back(is_free ? absl::StrCat("u32(bits_of(", variable, "))") : variable);
    high.push_back(is_free ? absl::StrCat("u32(u64(bits_of(", variable, ")) >> 32)") : variable);
  }
  const std::string declaration = absl::StrCat("template <typename T>\nINGOT_ROW T ", name, "(",
                                               absl::StrJoin(parameters, ", "), ")");
  if (!IsNew(declaration)) return;
  absl::StrAppend(&text_, declaration, " {\n  u64 bits = ", words, "(", absl::StrJoin(low, ", "),
                  ");\n  if (sizeof(T) == 8) bits |= u64(", words, "(", absl::StrJoin(high, ", "),
                  ")) << 32;\n  return from_bits<T>(bits);\n}\n");
}

std::string CudaAssembly::Intrinsic(const IntrinsicAttributes& call) {
  const IntrinsicInfo& info = kernel::InfoOf(call.intrinsic);
  std::string name(info.name);
  std::vector<Slot> slots;
  size_t immediate = 0;
  bool is_free = false;
  for (const IntrinsicArgument& argument : info.arguments) {
    switch (argument.kind) {
      case IntrinsicArgument::Kind::kImmediate:
        slots.push_back({{}, absl::StrCat(call.immediates[immediate++])});
        absl::StrAppend(&name, "_", slots.back().constant);
        break;
      case IntrinsicArgument::Kind::kPlace:
        slots.push_back({Operand::Place(argument.space), ""});
        break;
      case IntrinsicArgument::Kind::kTyped:
        is_free = true;
        slots.push_back({Operand::Value(kernel::kU32), ""});
        break;
      case IntrinsicArgument::Kind::kValue:
        slots.push_back({Operand::Value(argument.type), ""});
        break;
    }
  }
  Type result = Type::None();
  if (info.result) {
    result =
        info.result->kind == IntrinsicArgument::Kind::kTyped ? kernel::kU32 : info.result->type;
  }
  const bool synchronizes = (info.effects & kernel::kSynchronizes) != 0;
  const std::string words = is_free ? name + "_words" : name;
  Define(words, result, slots, info.ptx, synchronizes);
  if (is_free) DefineByWords(name, words, info);
  return name;
}

std::string CudaAssembly::OrderedLoad(const MemoryAttributes& access) {
  const std::string ptx = OrderedLoadText(access);
  const std::string name = NameOfInstruction(ptx);
  const int bits = std::max(16, 8 * ByteWidth(access.buffer->element));
  Define(name, WordType(bits), {{Operand::Place(access.buffer->space), ""}}, ptx, true);
  return name;
}

std::string CudaAssembly::OrderedStore(const MemoryAttributes& access) {
  const std::string ptx = OrderedStoreText(access);
  const std::string name = NameOfInstruction(ptx);
  const int bits = std::max(16, 8 * ByteWidth(access.buffer->element));
  Define(name, Type::None(),
         {{Operand::Place(access.buffer->space), ""}, {Operand::Value(WordType(bits)), ""}}, ptx,
         true);
  return name;
}

std::string CudaAssembly::CompareExchange(const AtomicAttributes& atomic, ElementType element) {
  const std::string ptx = CompareExchangeText(atomic);
  const std::string name = NameOfInstruction(ptx);
  const Type type = Type::Scalar(element);
  Define(name, type,
         {{Operand::Place(atomic.buffer->space), ""},
          {Operand::Value(type), ""},
          {Operand::Value(type), ""}},
         ptx, true);
  return name;
}

std::string CudaAssembly::Atomic(const AtomicAttributes& atomic, Type type) {
  const std::string ptx = AtomicText(atomic, type, capability_);
  const std::string cpp_type = types_.Name(type);
  if (!ptx.empty()) {
    std::string name = NameOfInstruction(ptx);
    const Operand place = Operand::Place(atomic.buffer->space);
    if (type.lanes == 1) {
      Define(name, type, {{place, ""}, {Operand::Value(type), ""}}, ptx, true);
      return name;
    }
    // A pair of halves is one word.
    Define(name, kernel::kU32, {{place, ""}, {Operand::Value(kernel::kU32), ""}}, ptx, true);
    const std::string declaration =
        absl::StrCat("INGOT_ROW ", cpp_type, " ", name, "(const void* a1, ", cpp_type, " a2)");
    if (IsNew(declaration)) {
      absl::StrAppend(&text_, declaration, " {\n  return bitcast<", cpp_type, ">(", name,
                      "(a1, bitcast<u32>(a2)));\n}\n");
    }
    return name;
  }
  // Only sums are left (rules.h): old = *place; do *place = old + value, until nobody came between.
  INGOT_CHECK(atomic.kind == kernel::AtomicKind::kAdd)
      << "atomic " << kernel::NameOf(atomic.kind) << " of " << type.ToString();
  const std::string element = types_.Name(type.element);
  const int bits = 8 * ByteWidth(type.element);
  const Type word = WordType(bits);
  const std::string pattern = types_.Name(word);
  const std::string exchange = CompareExchange(atomic, word.element);
  const std::string name = absl::StrReplaceAll(exchange, {{"_cas_", "_add_by_cas_"}});
  const std::string declaration =
      absl::StrCat("INGOT_ROW ", element, " ", name, "(", element, "* place, ", element, " value)");
  if (IsNew(declaration)) {
    // What is read first is a guess that the exchange checks.
    absl::StrAppend(&text_, declaration, " {\n  ", pattern, " seen = bits_of(load<", element, ", ",
                    bits / 8, ">(place, 0));\n  while (true) {\n    const ", pattern,
                    " old = seen;\n    seen = ", exchange, "(place, old, bits_of(add(from_bits<",
                    element, ">(old), value)));\n    if (seen == old) return from_bits<", element,
                    ">(old);\n  }\n}\n");
  }
  if (type.lanes == 1) return name;
  const std::string pair = absl::StrCat("INGOT_ROW ", cpp_type, " ", name, "(", element,
                                        "* place, ", cpp_type, " value)");
  if (IsNew(pair)) {
    absl::StrAppend(&text_, pair, " {\n  for (int i = 0; i < ", type.lanes,
                    "; ++i) value.lane[i] = ", name, "(place + i, value.lane[i]);\n",
                    "  return value;\n}\n");
  }
  return name;
}

}  // namespace ingot::codegen
