#include "compiler/kernel/code_key.h"

#include <type_traits>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace ingot::kernel {
namespace {

class KeyWriter {
 public:
  explicit KeyWriter(const Kernel& kernel)
      : kernel_(kernel), numbers_(kernel.operation_count(), -1) {}

  std::string Write() {
    Add(kernel_.launch());
    Add(kernel_.parameters().size());
    for (const Parameter& parameter : kernel_.parameters()) {
      Add(parameter.kind);
      if (parameter.buffer != nullptr) Declare(*parameter.buffer);
      if (parameter.value != nullptr) {
        Add(parameter.value->type);
        Number(*parameter.value);
      }
    }
    Add(kernel_.shared().size());
    for (const Buffer* buffer : kernel_.shared()) Declare(*buffer);
    Add(*kernel_.body());
    return std::move(key_);
  }

 private:
  template <typename Number>
  requires(std::is_integral_v<Number> || std::is_enum_v<Number>) void Add(Number value) {
    const auto bits = static_cast<uint64_t>(value);
    // Most are small.
    if (bits < 0xff) {
      key_ += static_cast<char>(bits);
      return;
    }
    key_ += '\xff';
    key_.append(reinterpret_cast<const char*>(&bits), sizeof(bits));
  }
  template <typename T>
  void Add(const std::vector<T>& values) {
    Add(values.size());
    for (const T& value : values) Add(value);
  }
  void Add(Type type) {
    Add(type.element);
    Add(type.lanes);
  }
  void Add(const WarpRange& warps) {
    Add(warps.first);
    Add(warps.last);
  }
  void Add(const Launch& launch) {
    Add(launch.machine);
    for (int axis = 0; axis < 3; ++axis) {
      Add(launch.grid[axis] == 1);
      Add(launch.block[axis]);
      Add(launch.cluster[axis]);
    }
    Add(launch.dynamic_shared_bytes);
    Add(launch.max_registers);
    Add(launch.min_blocks);
    Add(launch.cooperative);
    Add(launch.programmatic);
  }

  // Buffers and vars are numbered as they are declared.
  void Declare(const Buffer& buffer) {
    buffers_.try_emplace(&buffer, buffers_.size());
    Add(buffer.space);
    Add(buffer.element);
    Add(buffer.alignment);
    Add(buffer.readonly);
    Add(buffer.noalias);
    if (buffer.space != Space::kShared) return;
    Add(buffer.count());
    Add(buffer.overlaps != nullptr);
    if (buffer.overlaps != nullptr) Add(buffer.overlaps);
  }
  void Add(const Buffer* buffer) { Add(buffers_.at(buffer)); }
  void Add(Buffer* buffer) { Add(buffers_.at(buffer)); }
  void Add(const Var* var) {
    const auto [it, is_new] = vars_.try_emplace(var, vars_.size());
    Add(it->second);
    if (!is_new) return;
    Add(var->type);
    Add(var->array_size);
  }
  void Number(const Operation& op) { numbers_[op.id] = next_number_++; }

  void Add(const std::monostate&) {}
  void Add(const ConstantAttributes& a) { Add(a.bits); }
  void Add(const IdAttributes& a) { Add(a.axis); }
  void Add(const LaneAttributes& a) { Add(a.lanes); }
  void Add(const VarAttributes& a) { Add(static_cast<const Var*>(a.var)); }
  void Add(const MemoryAttributes& a) {
    Add(a.buffer);
    Add(a.alignment);
    Add(a.cache);
    Add(a.order);
    Add(a.scope);
  }
  void Add(const AtomicAttributes& a) {
    Add(a.kind);
    Add(a.buffer);
    Add(a.order);
    Add(a.scope);
  }
  void Add(const ForAttributes& a) {
    Add(a.unroll);
    Add(a.is_list);
    Add(a.list);
  }
  void Add(const RolesAttributes& a) { Add(a.warps); }
  void Add(const IntrinsicAttributes& a) {
    Add(a.intrinsic);
    Add(a.immediates);
    Add(a.buffers);
  }

  void Add(const Operation* op) {
    Add(op->opcode);
    Add(op->type);
    Add(op->operands.size());
    for (const Operation* operand : op->operands) Add(numbers_[operand->id]);
    std::visit([&](const auto& attributes) { Add(attributes); }, op->attributes);
    Number(*op);
    Add(op->blocks.size());
    for (const Block* block : op->blocks) Add(*block);
  }
  void Add(Operation* op) { Add(static_cast<const Operation*>(op)); }
  void Add(const Block& block) { Add(block.operations); }

  const Kernel& kernel_;
  std::vector<int> numbers_;  // by operation id: in the order in which they stand
  int next_number_ = 0;
  absl::flat_hash_map<const Buffer*, size_t> buffers_;
  absl::flat_hash_map<const Var*, size_t> vars_;
  std::string key_;
};

}  // namespace

std::string CodeKey(const Kernel& kernel) { return KeyWriter(kernel).Write(); }

}  // namespace ingot::kernel
