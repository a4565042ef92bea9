#include "compiler/codegen/cuda/names.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "compiler/kernel/ops.h"

namespace ingot::codegen {
namespace {

constexpr absl::string_view kHead =
#include "compiler/codegen/cuda/head.inc"
    ;

constexpr absl::string_view kWords[] = {
    "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break",
    "case", "catch", "char", "char8_t", "char16_t", "char32_t", "class", "compl", "concept",
    "const", "consteval", "constexpr", "constinit", "const_cast", "continue", "co_await",
    "co_return", "co_yield", "decltype", "default", "delete", "do", "double", "dynamic_cast",
    "else", "enum", "explicit", "export", "extern", "false", "float", "for", "friend", "goto", "if",
    "inline", "int", "long", "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr",
    "operator", "or", "or_eq", "private", "protected", "public", "register", "reinterpret_cast",
    "requires", "restrict", "return", "short", "signed", "sizeof", "static", "static_assert",
    "static_cast", "struct", "switch", "template", "this", "thread_local", "throw", "true", "try",
    "typedef", "typeid", "typename", "typeof", "union", "unsigned", "using", "virtual", "void",
    "volatile", "wchar_t", "while", "xor", "xor_eq",
    // What kernels use besides the head.
    "blockIdx", "gridDim", "threadIdx", "NULL", "main", "tensor_map"};

bool IsWordCharacter(char c) { return absl::ascii_isalnum(c) || c == '_'; }

const absl::flat_hash_set<absl::string_view>& Words() {
  static const auto* const kSet =
      new absl::flat_hash_set<absl::string_view>(std::begin(kWords), std::end(kWords));
  return *kSet;
}

// The functions and templates of the head: what a parenthesis or an argument of a template follows.
const absl::flat_hash_set<absl::string_view>& HeadNames() {
  static const auto* const kNames = [] {
    auto* names = new absl::flat_hash_set<absl::string_view>;
    for (size_t begin = 0; begin < kHead.size();) {
      size_t end = begin;
      while (end < kHead.size() && IsWordCharacter(kHead[end])) ++end;
      const bool is_used = end < kHead.size() && (kHead[end] == '(' || kHead[end] == '<');
      if (end > begin && is_used) names->insert(kHead.substr(begin, end - begin));
      begin = end + 1;
    }
    return names;
  }();
  return *kNames;
}

// Names of the functions that CudaAssembly writes.
bool MayBeInstruction(absl::string_view name) {
  for (absl::string_view prefix : {"ld_", "st_", "atom_"}) {
    if (absl::StartsWith(name, prefix)) return true;
  }
  static const auto* const kNames = new std::vector<absl::string_view>{
#define INGOT_KERNEL_INTRINSIC(Name, text, ...) text,
#include "compiler/kernel/intrinsics.def"
  };
  for (absl::string_view intrinsic : *kNames) {
    if (absl::StartsWith(name, intrinsic)) return true;
  }
  return false;
}

bool IsTaken(absl::string_view name) {
  return Words().contains(name) || HeadNames().contains(name) || MayBeInstruction(name) ||
         absl::StartsWith(name, "_") || absl::StartsWith(name, "INGOT") ||
         kernel::TypeFromName(name).has_value();
}

}  // namespace

absl::string_view CudaHead() { return kHead; }

std::string CudaRow(absl::string_view row) {
  return absl::StrCat(row, Words().contains(row) ? "_" : "");
}

std::string CudaNames::Unique(absl::string_view wanted) {
  std::string base(wanted);
  for (char& c : base) {
    if (!IsWordCharacter(c)) c = '_';
  }
  if (base.empty()) {
    std::string name;
    do {
      name = absl::StrCat("v", next_number_++);
    } while (!used_.insert(name).second);
    return name;
  }
  if (absl::ascii_isdigit(base[0]) || base[0] == '_') base = absl::StrCat("v", base);
  std::string name = base;
  while (IsTaken(name) || !used_.insert(name).second) {
    name = absl::StrCat(base, "_", ++suffixes_[base]);
    // A number does not make a name of an instruction another one.
    if (MayBeInstruction(name)) base = absl::StrCat("v_", base);
  }
  return name;
}

}  // namespace ingot::codegen
