#include "compiler/codegen/cuda/assembly.h"

#include <algorithm>

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

// The text of one function.
class CudaAssembly::Definition {
 public:
  Definition(CudaTypes& types, Type result, const std::vector<Slot>& slots) : types_(types) {
    // Outputs have the first numbers.
    if (!result.IsNone()) shown_.push_back({Registers(Cells(result, "result"), result, true)});
    for (const Slot& slot : slots) {
      shown_.push_back({slot.constant, slot.name, slot.is_list ? slot.count : 1});
      if (slot.kind != Slot::Kind::kFragment) continue;
      shown_.back().text = Fragment(slot, Variable(slots, &slot));
    }
    for (size_t i = 0; i < slots.size(); ++i) {
      const std::string text = Operands(slots[i], Variable(slots, &slots[i]));
      if (!text.empty()) shown_[shown_.size() - slots.size() + i].text = text;
    }
  }

  std::string Declaration(const std::string& name, const std::string& returned) const {
    return absl::StrCat("INGOT_ROW ", returned, " ", name, "(", absl::StrJoin(parameters_, ", "),
                        ")");
  }

  std::string Body(absl::string_view ptx, bool synchronizes) const {
    // A percent sign of the instruction's own is written twice.
    std::string text = FillTemplate(absl::StrReplaceAll(ptx, {{"%", "%%"}}), shown_);
    if (!before_.empty()) text = absl::StrCat("{ ", before_, text, after_, "}");
    return absl::StrCat("  asm ", synchronizes ? "volatile" : "", "(\"", text,
                        "\" : ", absl::StrJoin(outputs_, ", "), " : ", absl::StrJoin(inputs_, ", "),
                        synchronizes ? " : \"memory\"" : "", ");\n");
  }

 private:
  // The number of a slot's first parameter.
  static int Variable(const std::vector<Slot>& slots, const Slot* slot) {
    int number = 1;
    for (const Slot* before = slots.data(); before != slot; ++before) {
      if (before->kind == Slot::Kind::kConstant) continue;
      number += before->is_list ? before->count : 1;
    }
    return number;
  }

  // The scalars that a value is.
  static std::vector<std::string> Cells(Type type, const std::string& variable) {
    std::vector<std::string> cells;
    for (int i = 0; i < type.lanes; ++i) {
      cells.push_back(type.lanes == 1 ? variable : absl::StrCat(variable, ".lane[", i, "]"));
    }
    return cells;
  }

  // Registers for `cells`; in braces where the type has several or `braces` says so.
  std::string Registers(const std::vector<std::string>& cells, Type type, bool is_output,
                        bool braces = false, absl::string_view constraint = "=") {
    std::vector<std::string> names;
    for (const std::string& cell : cells) {
      // A predicate that comes out is a number until it is returned.
      const bool is_pred = type.element == ElementType::kPred;
      const Register lane =
          RegisterOf(is_output && is_pred ? ElementType::kS32 : type.element, cell);
      const std::string number = absl::StrCat("%", next_++);
      (is_output ? outputs_ : inputs_)
          .push_back(absl::StrCat("\"", is_output ? constraint : "", std::string(1, lane.letter),
                                  "\"(", lane.variable, ")"));
      if (!is_pred) {
        names.push_back(number);
        continue;
      }
      names.push_back(absl::StrCat("p", next_));
      absl::StrAppend(&before_, ".reg .pred ", names.back(), "; ");
      absl::StrAppend(is_output ? &after_ : &before_, is_output ? " selp.s32 " : "setp.ne.s32 ",
                      is_output ? number : names.back(), ", ", is_output ? "1, 0, " : number,
                      is_output ? names.back() : ", 0", "; ");
    }
    braces |= names.size() > 1;
    return braces ? absl::StrCat("{", absl::StrJoin(names, ", "), "}") : names[0];
  }

  std::string Fragment(const Slot& slot, int number) {
    const std::string variable = absl::StrCat("a", number);
    std::vector<std::string> cells;
    for (int i = 0; i < std::max(1, slot.count); ++i) {
      const std::string element = slot.count == 0 ? variable : absl::StrCat(variable, "[", i, "]");
      for (std::string& cell : Cells(slot.type, element)) cells.push_back(std::move(cell));
    }
    return Registers(cells, slot.type, /*is_output=*/true, /*braces=*/true, "+");
  }

  // Adds the slot's parameters; its text, if it has not got it yet.
  std::string Operands(const Slot& slot, int number) {
    const std::string variable = absl::StrCat("a", number);
    switch (slot.kind) {
      case Slot::Kind::kConstant:
        return "";
      case Slot::Kind::kFragment:
        parameters_.push_back(slot.count == 0 ? absl::StrCat(types_.Name(slot.type), "& ", variable)
                                              : absl::StrCat(types_.Name(slot.type), " (&",
                                                             variable, ")[", slot.count, "]"));
        return "";
      case Slot::Kind::kMap:
        parameters_.push_back(absl::StrCat("const tensor_map* ", variable));
        return Registers({absl::StrCat("u64(", variable, ")")}, kernel::kU64, false);
      case Slot::Kind::kPlace: {
        const bool shared = slot.space == kernel::Space::kShared;
        parameters_.push_back(absl::StrCat("const void* ", variable));
        return Registers(
            {absl::StrCat(shared ? "address_in_shared(" : "address_in_global(", variable, ")")},
            shared ? kernel::kU32 : kernel::kU64, /*is_output=*/false);
      }
      case Slot::Kind::kValue:
        break;
    }
    std::vector<std::string> cells;
    for (int i = 0; i < slot.count; ++i) {
      const std::string one = absl::StrCat("a", number + i);
      parameters_.push_back(absl::StrCat(types_.Name(slot.type), " ", one));
      for (std::string& cell : Cells(slot.type, one)) cells.push_back(std::move(cell));
    }
    return Registers(cells, slot.type, /*is_output=*/false, slot.is_list);
  }

  CudaTypes& types_;
  std::vector<std::string> parameters_;  // "f32x4 a1"
  std::vector<TemplateSlot> shown_;
  std::vector<std::string> outputs_, inputs_;
  std::string before_, after_;  // predicates, which inline assembly does not take
  int next_ = 0;                // register
};

void CudaAssembly::Define(const std::string& name, Type result, const std::vector<Slot>& slots,
                          absl::string_view ptx, bool synchronizes) {
  const Definition definition(types_, result, slots);
  const std::string returned = result.IsNone() ? "void" : types_.Name(result);
  const std::string declaration = definition.Declaration(name, returned);
  if (!IsNew(declaration)) return;
  const bool is_pred = result.element == ElementType::kPred && !result.IsNone();
  absl::StrAppend(&text_, declaration, " {\n");
  if (!result.IsNone()) {
    absl::StrAppend(&text_, "  ", is_pred ? "s32" : returned, " result;\n");
  }
  absl::StrAppend(&text_, definition.Body(ptx, synchronizes));
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

std::vector<CudaAssembly::Slot> CudaAssembly::SlotsOf(const IntrinsicAttributes& call,
                                                      size_t operands, std::string& name) const {
  const IntrinsicInfo& info = kernel::InfoOf(call.intrinsic);
  std::vector<Slot> slots;
  size_t immediate = 0, var = 0;
  for (size_t i = 0; i < info.arguments.size(); ++i) {
    const IntrinsicArgument& argument = info.arguments[i];
    Slot& slot = slots.emplace_back();
    switch (argument.kind) {
      case IntrinsicArgument::Kind::kImmediate:
        slot.kind = Slot::Kind::kConstant;
        slot.constant = absl::StrCat(call.immediates[immediate++]);
        absl::StrAppend(&name, "_", slot.constant);
        break;
      case IntrinsicArgument::Kind::kPlace:
        slot = Slot::Place(argument.space);
        break;
      case IntrinsicArgument::Kind::kMap:
        slot.kind = Slot::Kind::kMap;
        break;
      case IntrinsicArgument::Kind::kFragment:
        slot.kind = Slot::Kind::kFragment;
        slot.type = call.vars[var]->type;
        slot.count = call.vars[var++]->array_size;
        break;
      case IntrinsicArgument::Kind::kTyped:
        slot.type = kernel::kU32;
        break;
      case IntrinsicArgument::Kind::kValue:
        slot.type = argument.type;
        slot.is_list = argument.IsList();
        slot.count = info.OperandCount(i, operands);
        break;
    }
    slot.name = argument.slot;
  }
  return slots;
}

std::string CudaAssembly::Intrinsic(const IntrinsicAttributes& call, size_t operands) {
  const IntrinsicInfo& info = kernel::InfoOf(call.intrinsic);
  std::string name(info.name);
  const std::vector<Slot> slots = SlotsOf(call, operands, name);
  bool is_free = false;
  for (const IntrinsicArgument& argument : info.arguments) {
    is_free |= argument.kind == IntrinsicArgument::Kind::kTyped;
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
  Define(name, WordType(bits), {Slot::Place(access.buffer->space)}, ptx, true);
  return name;
}

std::string CudaAssembly::OrderedStore(const MemoryAttributes& access) {
  const std::string ptx = OrderedStoreText(access);
  const std::string name = NameOfInstruction(ptx);
  const int bits = std::max(16, 8 * ByteWidth(access.buffer->element));
  Define(name, Type::None(), {Slot::Place(access.buffer->space), Slot::Value(WordType(bits))}, ptx,
         true);
  return name;
}

std::string CudaAssembly::CompareExchange(const AtomicAttributes& atomic, ElementType element) {
  const std::string ptx = CompareExchangeText(atomic);
  const std::string name = NameOfInstruction(ptx);
  const Type type = Type::Scalar(element);
  Define(name, type, {Slot::Place(atomic.buffer->space), Slot::Value(type), Slot::Value(type)}, ptx,
         true);
  return name;
}

std::string CudaAssembly::Atomic(const AtomicAttributes& atomic, Type type) {
  const std::string ptx = AtomicText(atomic, type, capability_);
  const std::string cpp_type = types_.Name(type);
  if (!ptx.empty()) {
    std::string name = NameOfInstruction(ptx);
    const Slot place = Slot::Place(atomic.buffer->space);
    if (type.lanes == 1) {
      Define(name, type, {place, Slot::Value(type)}, ptx, true);
      return name;
    }
    // A pair of halves is one word.
    Define(name, kernel::kU32, {place, Slot::Value(kernel::kU32)}, ptx, true);
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
