#include "ir/opcode.h"

#include "absl/container/flat_hash_map.h"

namespace ingot {

std::optional<Opcode> OpcodeFromName(absl::string_view name) {
  static const auto& names = *[] {
    auto* map = new absl::flat_hash_map<absl::string_view, Opcode>();
    for (int i = 0; i < kOpcodeCount; ++i) {
      map->emplace(OpcodeName(static_cast<Opcode>(i)), static_cast<Opcode>(i));
    }
    return map;
  }();
  const auto it = names.find(name);
  if (it == names.end()) return std::nullopt;
  return it->second;
}

}  // namespace ingot
