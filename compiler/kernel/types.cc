#include "compiler/kernel/types.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"

namespace ingot::kernel {
namespace {

#define INGOT_SPELLING(enumerator, name) name,
constexpr absl::string_view kSpaceNames[] = {INGOT_KERNEL_SPACES(INGOT_SPELLING)};
constexpr absl::string_view kScopeNames[] = {INGOT_KERNEL_SCOPES(INGOT_SPELLING)};
constexpr absl::string_view kMemoryScopeNames[] = {INGOT_KERNEL_MEMORY_SCOPES(INGOT_SPELLING)};
constexpr absl::string_view kOrderNames[] = {INGOT_KERNEL_ORDERS(INGOT_SPELLING)};
constexpr absl::string_view kCacheNames[] = {INGOT_KERNEL_CACHES(INGOT_SPELLING)};
constexpr absl::string_view kAtomicNames[] = {INGOT_KERNEL_ATOMICS(INGOT_SPELLING)};
#undef INGOT_SPELLING

template <typename Enum>
std::optional<Enum> FromName(absl::Span<const absl::string_view> names, absl::string_view name) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string Type::ToString() const {
  if (IsNone()) return "none";
  std::string text(ElementTypeName(element));
  if (lanes != 1) absl::StrAppend(&text, "x", lanes);
  return text;
}

std::optional<Type> TypeFromName(absl::string_view name) {
  int lanes = 1;
  absl::string_view element_name = name;
  // The last x: no element type's name has one.
  if (size_t x = name.rfind('x'); x != absl::string_view::npos) {
    element_name = name.substr(0, x);
    absl::string_view digits = name.substr(x + 1);
    if (digits.empty() || digits.size() > 2 || digits[0] < '1' || digits[0] > '9' ||
        !absl::SimpleAtoi(digits, &lanes) || lanes < 2 || lanes > kMaxLanes) {
      return std::nullopt;
    }
  }
  std::optional<ElementType> element = ElementTypeFromName(element_name);
  if (!element || IsComplex(*element)) return std::nullopt;
  return Type{*element, lanes};
}

TypeSet TypeSetOf(ElementType type) {
  if (type == ElementType::kPred) return kSetPred;
  if (BitWidth(type) < 8) return kSetStorage;
  switch (Category(type)) {
    case TypeCategory::kPred:
      return kSetPred;
    case TypeCategory::kSigned:
      return kSetSigned;
    case TypeCategory::kUnsigned:
      return kSetUnsigned;
    case TypeCategory::kFloat:
      if (BitWidth(type) == 8) return kSetStorage;
      if (BitWidth(type) == 16) return kSetHalf;
      return BitWidth(type) == 32 ? kSetSingle : kSetDouble;
    case TypeCategory::kComplex:
      break;
  }
  return kSetNone;
}

absl::string_view NameOf(Space space) { return kSpaceNames[static_cast<int>(space)]; }
absl::string_view NameOf(Scope scope) { return kScopeNames[static_cast<int>(scope)]; }
absl::string_view NameOf(MemoryScope scope) { return kMemoryScopeNames[static_cast<int>(scope)]; }
absl::string_view NameOf(Order order) { return kOrderNames[static_cast<int>(order)]; }
absl::string_view NameOf(Cache cache) { return kCacheNames[static_cast<int>(cache)]; }
absl::string_view NameOf(AtomicKind kind) { return kAtomicNames[static_cast<int>(kind)]; }

std::optional<MemoryScope> MemoryScopeFromName(absl::string_view name) {
  return FromName<MemoryScope>(kMemoryScopeNames, name);
}
std::optional<Order> OrderFromName(absl::string_view name) {
  return FromName<Order>(kOrderNames, name);
}
std::optional<Cache> CacheFromName(absl::string_view name) {
  return FromName<Cache>(kCacheNames, name);
}
std::optional<AtomicKind> AtomicKindFromName(absl::string_view name) {
  return FromName<AtomicKind>(kAtomicNames, name);
}

}  // namespace ingot::kernel
