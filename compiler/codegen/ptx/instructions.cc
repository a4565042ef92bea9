#include "compiler/codegen/ptx/instructions.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

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

std::string FillTemplate(absl::string_view ptx, absl::Span<const std::string> shown) {
  std::string text;
  for (size_t i = 0; i < ptx.size(); ++i) {
    if (ptx[i] != '$') {
      text += ptx[i];
      continue;
    }
    size_t slot = 0;
    for (; i + 1 < ptx.size() && absl::ascii_isdigit(ptx[i + 1]); ++i) {
      slot = 10 * slot + (ptx[i + 1] - '0');
    }
    text += shown[slot];
  }
  return text;
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
