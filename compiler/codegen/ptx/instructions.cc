#include "compiler/codegen/ptx/instructions.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "ir/base/check.h"

namespace ingot::codegen {

using kernel::AtomicAttributes;
using kernel::AtomicKind;
using kernel::MemoryAttributes;
using kernel::MemoryScope;
using kernel::Order;

namespace {

absl::string_view PtxScope(MemoryScope scope) {
  switch (scope) {
    case MemoryScope::kBlock:
      return "cta";
    case MemoryScope::kCluster:
      return "cluster";
    case MemoryScope::kGpu:
      return "gpu";
    case MemoryScope::kSystem:
      return "sys";
  }
  return "";
}

absl::string_view PtxOrder(Order order) {
  switch (order) {
    case Order::kPlain:
    case Order::kRelaxed:
      return "relaxed";
    case Order::kAcquire:
      return "acquire";
    case Order::kRelease:
      return "release";
    case Order::kAcquireRelease:
      return "acq_rel";
  }
  return "";
}

// What `atom.add.u32` says after the space, for what the card does in one instruction; empty else.
std::string PtxOperation(AtomicKind kind, kernel::Type type, int capability) {
  const int bits = BitWidth(type.element);
  const absl::string_view name = kernel::NameOf(kind);
  switch (kind) {
    case AtomicKind::kAdd:
      if (kernel::TypeSetOf(type.element) == kernel::kSetHalf) {
        if (type.element == ElementType::kBF16 && capability < 90) return "";
        return absl::StrCat("add.noftz.", ElementTypeName(type.element),
                            type.lanes == 2 ? "x2" : "");
      }
      return absl::StrCat("add.", IsFloat(type.element) ? "f" : "u", bits);
    case AtomicKind::kMin:
    case AtomicKind::kMax:
      return absl::StrCat(name, IsSigned(type.element) ? ".s" : ".u", bits);
    case AtomicKind::kAnd:
    case AtomicKind::kOr:
    case AtomicKind::kXor:
      return absl::StrCat(name, ".b", bits);
    case AtomicKind::kExchange:
      return absl::StrCat("exch.b", bits);
    case AtomicKind::kCompareExchange:
      return "";
  }
  return "";
}

// "ld.acquire.gpu.global.b32"
std::string AccessText(absl::string_view name, const MemoryAttributes& access) {
  return absl::StrCat(name, ".", PtxOrder(access.order), ".", PtxScope(access.scope), ".",
                      kernel::NameOf(access.buffer->space), ".b",
                      8 * ByteWidth(access.buffer->element));
}

// "atom.relaxed.gpu.global."
std::string AtomicPrefix(const AtomicAttributes& atomic) {
  return absl::StrCat("atom.", PtxOrder(atomic.order), ".", PtxScope(atomic.scope), ".",
                      kernel::NameOf(atomic.buffer->space), ".");
}

}  // namespace

std::string FillTemplate(absl::string_view ptx, absl::Span<const TemplateSlot> slots) {
  std::string text;
  while (true) {
    const size_t dollar = ptx.find('$');
    absl::StrAppend(&text, ptx.substr(0, dollar));
    if (dollar == absl::string_view::npos) return text;
    ptx.remove_prefix(dollar + 1);
    if (absl::ascii_isdigit(ptx[0])) {
      size_t slot = 0;
      for (; !ptx.empty() && absl::ascii_isdigit(ptx[0]); ptx.remove_prefix(1)) {
        slot = 10 * slot + (ptx[0] - '0');
      }
      text += slots[slot].text;
      continue;
    }
    const bool wants_count = absl::ConsumePrefix(&ptx, "#");
    const size_t end = ptx.find(')');
    INGOT_CHECK(ptx[0] == '(' && end != absl::string_view::npos) << std::string(ptx);
    const absl::string_view name = ptx.substr(1, end - 1);
    ptx.remove_prefix(end + 1);
    const auto slot = std::find_if(slots.begin(), slots.end(), [&](const TemplateSlot& candidate) {
      return candidate.name == name;
    });
    INGOT_CHECK(slot != slots.end()) << "no slot " << std::string(name);
    absl::StrAppend(&text, wants_count ? absl::StrCat(slot->count) : slot->text);
  }
}

std::string OrderedLoadText(const MemoryAttributes& access) {
  return absl::StrCat(AccessText("ld", access), " $0, [$1];");
}

std::string OrderedStoreText(const MemoryAttributes& access) {
  return absl::StrCat(AccessText("st", access), " [$0], $1;");
}

std::string AtomicText(const AtomicAttributes& atomic, kernel::Type type, int capability) {
  const std::string operation = PtxOperation(atomic.kind, type, capability);
  if (operation.empty()) return "";
  return absl::StrCat(AtomicPrefix(atomic), operation, " $0, [$1], $2;");
}

std::string CompareExchangeText(const AtomicAttributes& atomic) {
  return absl::StrCat(AtomicPrefix(atomic), "cas.b", 8 * ByteWidth(atomic.buffer->element),
                      " $0, [$1], $2, $3;");
}

}  // namespace ingot::codegen
