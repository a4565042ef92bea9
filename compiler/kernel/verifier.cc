#include "compiler/kernel/verifier.h"

#include <algorithm>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "compiler/kernel/rules.h"
#include "compiler/kernel/static_index.h"
#include "compiler/kernel/uniformity.h"
#include "ir/base/shape.h"
#include "ir/base/status.h"

namespace ingot::kernel {
namespace {

// CUDA's limits that no target of ours differs in.
constexpr int64_t kMaxBlockThreads = 1024;
constexpr int64_t kMaxGridYZ = 65535;
constexpr int kMaxClusterBlocks = 16;
constexpr int64_t kRegisters = 65536;         // of a multiprocessor
constexpr int64_t kMaxThreadRegisters = 256;  // as they are dealt out
constexpr int64_t kMaxSharedBytes = 227 * 1024;
constexpr int64_t kMaxTaskBytes = 32 * 1024;
constexpr int kMaxBarrierId = 15;
constexpr int kMapAlignment = 16;    // of the address of a tensor map, bytes
constexpr int kTileAlignment = 128;  // of a box in shared memory, bytes
constexpr int kSwizzleRows = 8;      // rows of a swizzle's width, after which it repeats

// What is asked of the kernel as a whole, before its operations.
class HeaderVerifier {
 public:
  HeaderVerifier(const Kernel& kernel, const Target* target) : kernel_(kernel), target_(target) {}

  absl::Status Run() {
    INGOT_RETURN_IF_ERROR(CheckBuffers());
    return kernel_.IsHost() ? CheckHost() : CheckGpu();
  }

 private:
  absl::Status CheckBuffer(const Buffer& buffer) {
    if (IsComplex(buffer.element)) {
      return InvalidArgument("%", buffer.name, " has elements of ",
                             ElementTypeName(buffer.element));
    }
    const std::optional<int64_t> count = CheckedProduct(buffer.dimensions);
    if (!count.has_value() || *count > (int64_t{1} << 56)) {
      return InvalidArgument("%", buffer.name, " is too large");
    }
    const int alignment = buffer.alignment;
    const bool power = alignment > 0 && (alignment & (alignment - 1)) == 0;
    if (!power || alignment > kMaxAlignment || alignment < ByteWidth(buffer.element)) {
      return InvalidArgument("%", buffer.name, ": alignment is ", alignment,
                             ", expected a power of two from ", ByteWidth(buffer.element), " to ",
                             kMaxAlignment);
    }
    return absl::OkStatus();
  }

  absl::Status CheckMap(const MapParameter& map,
                        const absl::flat_hash_set<const Buffer*>& earlier) {
    if (map.buffer == nullptr || !earlier.contains(map.buffer)) {
      return InvalidArgument("is of no earlier parameter");
    }
    INGOT_RETURN_IF_ERROR(CheckTensorMap(map.recipe));
    const Buffer& buffer = *map.buffer;
    if (buffer.alignment % kMapAlignment != 0) {
      return InvalidArgument("%", buffer.name, " has alignment ", buffer.alignment,
                             ", expected a multiple of ", kMapAlignment);
    }
    if (map.recipe.SpanBytes() > buffer.ByteSize()) {
      return InvalidArgument("spans ", map.recipe.SpanBytes(), " bytes of %", buffer.name,
                             ", which has ", buffer.ByteSize());
    }
    return absl::OkStatus();
  }

  absl::Status CheckBuffers() {
    absl::flat_hash_set<const Buffer*> parameters;
    for (const Parameter& parameter : kernel_.parameters()) {
      if (parameter.kind == Parameter::Kind::kTensorMap) {
        if (kernel_.IsHost()) return InvalidArgument("%", parameter.name(), ": not on the host");
        INGOT_RETURN_IF_ERROR(
            Annotate(CheckMap(*parameter.map, parameters), "%", parameter.name()));
      }
      if (parameter.kind != Parameter::Kind::kBuffer) continue;
      INGOT_RETURN_IF_ERROR(CheckBuffer(*parameter.buffer));
      parameters.insert(parameter.buffer);
    }
    absl::flat_hash_set<const Buffer*> earlier;
    for (const Buffer* shared : kernel_.shared()) {
      INGOT_RETURN_IF_ERROR(CheckBuffer(*shared));
      if (shared->overlaps != nullptr) {
        if (!earlier.contains(shared->overlaps)) {
          return InvalidArgument("%", shared->name, " overlaps no earlier shared allocation");
        }
        if (shared->alignment > shared->overlaps->alignment) {
          return InvalidArgument("%", shared->name, " overlaps %", shared->overlaps->name,
                                 ", whose alignment is ", shared->overlaps->alignment,
                                 ", less than ", shared->alignment);
        }
      }
      earlier.insert(shared);
    }
    return absl::OkStatus();
  }

  absl::Status CheckHost() {
    const Launch& launch = kernel_.launch();
    if (target_ != nullptr && target_->platform != Platform::kHost) {
      return InvalidArgument("written for the host, not for ", target_->name);
    }
    if (launch.tasks < 1) return InvalidArgument("tasks is ", launch.tasks);
    Launch plain;
    plain.machine = Machine::kHost;
    plain.tasks = launch.tasks;
    if (!(launch == plain)) return InvalidArgument("a host kernel is launched by tasks only");
    const int64_t most_bytes = target_ == nullptr ? kMaxTaskBytes : target_->shared_bytes;
    if (const int64_t bytes = PlaceShared(kernel_).bytes; bytes > most_bytes) {
      return InvalidArgument(bytes, " bytes of memory of a task, at most ", most_bytes);
    }
    return absl::OkStatus();
  }

  int MostClusterBlocks() const {
    return target_ == nullptr ? kMaxClusterBlocks : target_->cluster_blocks;
  }

  absl::Status CheckExtents() {
    const Launch& launch = kernel_.launch();
    for (int i = 0; i < 3; ++i) {
      const int64_t most = i == 0 ? (int64_t{1} << 31) - 1 : kMaxGridYZ;
      if (launch.grid[i] < 1 || launch.grid[i] > most) {
        return InvalidArgument("grid.", std::string(1, 'x' + i), " is ", launch.grid[i],
                               ", expected 1 to ", most);
      }
      if (launch.block[i] < 1 || launch.block[i] > kMaxBlockThreads) {
        return InvalidArgument("block.", std::string(1, 'x' + i), " is ", launch.block[i],
                               ", expected 1 to ", kMaxBlockThreads);
      }
      if (launch.cluster[i] < 1 || launch.cluster[i] > MostClusterBlocks() ||
          launch.grid[i] % launch.cluster[i] != 0) {
        return InvalidArgument("cluster.", std::string(1, 'x' + i), " is ", launch.cluster[i],
                               ", expected a divisor of ", launch.grid[i], " up to ",
                               MostClusterBlocks());
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckGpu() {
    const Launch& launch = kernel_.launch();
    if (target_ != nullptr && target_->platform != Platform::kCuda) {
      return InvalidArgument("written for a GPU, not for ", target_->name);
    }
    INGOT_RETURN_IF_ERROR(CheckExtents());
    const int64_t threads = launch.block_threads();
    if (threads > kMaxBlockThreads) {
      return InvalidArgument("a block has ", threads, " threads, at most ", kMaxBlockThreads);
    }
    if (launch.cluster_blocks() > MostClusterBlocks()) {
      return InvalidArgument("a cluster has ", launch.cluster_blocks(), " blocks, at most ",
                             MostClusterBlocks());
    }
    if (launch.max_registers < 0 || launch.max_registers * threads > kRegisters) {
      return InvalidArgument(threads, " threads of ", launch.max_registers, " registers, at most ",
                             kRegisters, " registers");
    }
    const int most_threads = target_ == nullptr ? 2048 : target_->threads;
    if (launch.min_blocks < 0 || launch.min_blocks * threads > most_threads) {
      return InvalidArgument(launch.min_blocks, " blocks of ", threads,
                             " threads on a multiprocessor, which holds ", most_threads);
    }
    const int64_t most_bytes = target_ == nullptr ? kMaxSharedBytes : target_->shared_bytes;
    const int64_t bytes = PlaceShared(kernel_).bytes + launch.dynamic_shared_bytes;
    if (launch.dynamic_shared_bytes < 0 || bytes > most_bytes) {
      return InvalidArgument(bytes, " bytes of shared memory, at most ", most_bytes);
    }
    return CheckPromises();
  }

  // What the body must do for the launch to be what it says.
  absl::Status CheckPromises() {
    const auto& body = kernel_.body()->operations;
    const bool waits = std::any_of(body.begin(), body.end(), [](const Operation* op) {
      return op->opcode == Opcode::kIntrinsic &&
             op->Get<IntrinsicAttributes>().intrinsic == Intrinsic::kGridDependencyWait;
    });
    // Whoever waits for this launch relies on the launch before having ended too.
    if (kernel_.launch().programmatic && !waits) {
      return InvalidArgument("a programmatic launch without a grid_dependency_wait in its body");
    }
    bool asks = false;
    ForEachOperation(*kernel_.body(), [&](const Operation& op) {
      asks = asks || (op.opcode == Opcode::kBlocks && op.Get<IdAttributes>().axis == 0);
    });
    if (kernel_.launch().resident && !asks) {
      return InvalidArgument("a resident launch that does not ask for the number of its blocks");
    }
    return absl::OkStatus();
  }

  const Kernel& kernel_;
  const Target* target_;
};

class BodyVerifier {
 public:
  BodyVerifier(const Kernel& kernel, const Target* target)
      : kernel_(kernel),
        target_(target),
        visible_(kernel.operation_count(), false),
        seen_(kernel.operation_count(), false) {
    for (const Parameter& parameter : kernel.parameters()) {
      if (parameter.kind == Parameter::Kind::kBuffer) buffers_.insert(parameter.buffer);
      if (parameter.kind == Parameter::Kind::kScalar) visible_[parameter.value->id] = true;
      if (parameter.kind == Parameter::Kind::kTensorMap) maps_.insert(parameter.map);
    }
    buffers_.insert(kernel.shared().begin(), kernel.shared().end());
  }

  absl::Status Run() {
    INGOT_RETURN_IF_ERROR(CheckBlock(*kernel_.body(), 0));
    const Uniformity uniformity(kernel_);
    absl::Status status;
    ForEachOperation(*kernel_.body(), [&](const Operation& op) {
      if (status.ok()) status = At(op, CheckTogether(op, uniformity));
    });
    return status;
  }

 private:
  static absl::Status At(const Operation& op, const absl::Status& status) {
    const std::string hlo = op.hlo < 0 ? "" : absl::StrCat(" (hlo ", op.hlo, ")");
    return op.name.empty() ? Annotate(status, "operation ", op.id, hlo)
                           : Annotate(status, "%", op.name, hlo);
  }

  absl::Status CheckBlock(const Block& block, int depth) {
    if (depth > 256) return InvalidArgument("blocks are nested deeper than 256");
    std::vector<const Operation*> defined;
    std::vector<const Var*> declared;
    for (const Operation* op : block.operations) {
      INGOT_RETURN_IF_ERROR(At(*op, CheckOne(*op, block)));
      if (op->opcode == Opcode::kVar) {
        const Var* var = op->Get<VarAttributes>().var;
        if (!all_vars_.insert(var).second) {
          return At(*op, InvalidArgument("var: %", var->name, " is declared twice"));
        }
        vars_.insert(var);
        declared.push_back(var);
      }
      visible_[op->id] = !op->type.IsNone();
      for (const Block* nested : op->blocks) {
        INGOT_RETURN_IF_ERROR(CheckBlock(*nested, depth + 1));
      }
      if (op->opcode == Opcode::kFor) visible_[op->id] = false;
      if (op->opcode == Opcode::kWhile) INGOT_RETURN_IF_ERROR(At(*op, CheckCondition(*op)));
      defined.push_back(op);
    }
    for (const Operation* op : defined) visible_[op->id] = false;
    for (const Var* var : declared) vars_.erase(var);
    return absl::OkStatus();
  }

  static absl::Status CheckCondition(const Operation& loop) {
    const std::vector<Operation*>& condition = loop.blocks[0]->operations;
    if (!condition.empty() && condition.back()->opcode == Opcode::kYield) return absl::OkStatus();
    return InvalidArgument("while: the condition does not end in yield");
  }

  absl::Status CheckOne(const Operation& op, const Block& block) {
    if (op.id < 0 || op.id >= kernel_.operation_count() || seen_[op.id]) {
      return InvalidArgument(NameOf(op.opcode), ": stands twice, or is of another kernel");
    }
    seen_[op.id] = true;
    for (const Operation* operand : op.operands) {
      if (operand == nullptr || operand->id >= kernel_.operation_count() ||
          !visible_[operand->id]) {
        return InvalidArgument(NameOf(op.opcode), ": an operand is not visible here");
      }
    }
    INGOT_RETURN_IF_ERROR(CheckOperation(op));
    if (op.opcode == Opcode::kParameter) {
      return InvalidArgument("parameter: stands in a block");
    }
    if (op.opcode == Opcode::kYield) {
      const bool ends = block.owner != nullptr && block.owner->opcode == Opcode::kWhile &&
                        block.owner->blocks[0] == &block && block.operations.back() == &op;
      return ends ? absl::OkStatus()
                  : InvalidArgument("yield: does not end the condition of a while");
    }
    if (op.opcode == Opcode::kRoles) return CheckRoles(op);
    if (const auto* cell = std::get_if<VarAttributes>(&op.attributes)) return CheckVar(op, *cell);
    if (InfoOf(op.opcode).op_class == OpClass::kId) return CheckId(op);
    if (InfoOf(op.opcode).op_class == OpClass::kMemory) return CheckMemory(op);
    return op.opcode == Opcode::kIntrinsic ? CheckIntrinsic(op) : absl::OkStatus();
  }

  absl::Status CheckRoles(const Operation& op) {
    const int64_t warps = (kernel_.launch().block_threads() + kWarpSize - 1) / kWarpSize;
    if (kernel_.IsHost()) return InvalidArgument("roles: not on the host");
    for (const WarpRange& range : op.Get<RolesAttributes>().warps) {
      if (range.last >= warps) {
        return InvalidArgument("roles: warp ", range.last, " of a block of ", warps, " warps");
      }
    }
    return CheckRegisters(op);
  }

  // Warpgroups that ask for more registers than the block was launched with wait for ever.
  // (PTX ISA, setmaxnreg.)
  absl::Status CheckRegisters(const Operation& roles) {
    const Launch& launch = kernel_.launch();
    const int64_t threads = launch.block_threads();
    const int64_t share = kRegisters / (threads * std::max(launch.min_blocks, 1)) / 8 * 8;
    const int64_t launched = std::min<int64_t>(
        {share, kMaxThreadRegisters, launch.max_registers > 0 ? launch.max_registers : share});
    const std::vector<WarpRange>& warps = roles.Get<RolesAttributes>().warps;
    int64_t more = 0;  // than launched
    bool sets = false;
    for (size_t i = 0; i < warps.size(); ++i) {
      int64_t registers = launched;
      for (const Operation* op : roles.blocks[i]->operations) {
        const auto* call = std::get_if<IntrinsicAttributes>(&op->attributes);
        if (call == nullptr || (call->intrinsic != Intrinsic::kSetMaxRegistersUp &&
                                call->intrinsic != Intrinsic::kSetMaxRegistersDown)) {
          continue;
        }
        registers = call->immediates[0];
        sets = true;
      }
      more += (registers - launched) * (warps[i].last - warps[i].first + 1) * kWarpSize;
    }
    if (!sets || more <= 0) return absl::OkStatus();
    return InvalidArgument("roles: setmaxnreg asks for ", launched * threads + more,
                           " registers of the ", launched * threads, " of a block of ", threads,
                           " threads");
  }

  absl::Status CheckVar(const Operation& op, const VarAttributes& cell) {
    if (op.opcode == Opcode::kVar) return absl::OkStatus();
    if (!vars_.contains(cell.var)) {
      return InvalidArgument(NameOf(op.opcode), ": %", cell.var->name, " is not visible here");
    }
    if (op.index() == nullptr) return absl::OkStatus();
    return Annotate(CheckStaticIndex(*op.index(), cell.var->array_size),
                    absl::StrCat(NameOf(op.opcode), " %", cell.var->name));
  }

  absl::Status CheckId(const Operation& op) {
    if ((op.opcode == Opcode::kTask) == kernel_.IsHost()) return absl::OkStatus();
    return InvalidArgument(NameOf(op.opcode), ": not on ",
                           kernel_.IsHost() ? "the host" : "the GPU");
  }

  absl::Status CheckPlace(const Operation& op, const Buffer* buffer, const Operation& index,
                          int lanes, int alignment) {
    const absl::string_view name = NameOf(op.opcode);
    if (!buffers_.contains(buffer)) {
      return InvalidArgument(name, ": a buffer that is not of this kernel");
    }
    if (alignment > std::max(buffer->alignment, ByteWidth(buffer->element))) {
      return InvalidArgument(name, ": alignment ", alignment, " in %", buffer->name,
                             ", which has alignment ", buffer->alignment);
    }
    if (!index.IsConstant()) return absl::OkStatus();
    const int64_t first = index.ConstantInteger();
    const bool masked = op.mask() != nullptr;
    if (!masked && (first < 0 || first > buffer->count() - lanes)) {
      return InvalidArgument(name, ": elements ", first, " … ", first + lanes - 1, " of %",
                             buffer->name, ", which has ", buffer->count());
    }
    if (first % std::max(1, alignment / ByteWidth(buffer->element)) != 0) {
      return InvalidArgument(name, ": element ", first, " of %", buffer->name,
                             " is not aligned to ", alignment, " bytes");
    }
    return absl::OkStatus();
  }

  absl::Status CheckMemory(const Operation& op) {
    if (op.opcode != Opcode::kLoad) {
      const Buffer* written = op.opcode == Opcode::kStore ? op.Get<MemoryAttributes>().buffer
                                                          : op.Get<AtomicAttributes>().buffer;
      if (written->readonly) {
        return InvalidArgument(NameOf(op.opcode), ": %", written->name, " is readonly");
      }
    }
    if (op.opcode == Opcode::kAtomic) {
      return CheckPlace(op, op.Get<AtomicAttributes>().buffer, *op.index(), op.type.lanes,
                        op.type.ByteSize());
    }
    const auto& access = op.Get<MemoryAttributes>();
    const Type type = op.opcode == Opcode::kLoad ? op.type : op.value()->type;
    return CheckPlace(op, access.buffer, *op.index(), type.lanes, access.alignment);
  }

  // ----- Intrinsics

  absl::Status CheckIntrinsic(const Operation& op) {
    const auto& call = op.Get<IntrinsicAttributes>();
    const IntrinsicInfo& info = InfoOf(call.intrinsic);
    if (kernel_.IsHost()) return InvalidArgument(info.name, ": not on the host");
    for (const Buffer* buffer : call.buffers) {
      if (!buffers_.contains(buffer)) {
        return InvalidArgument(info.name, ": a buffer that is not of this kernel");
      }
    }
    for (const MapParameter* map : call.maps) {
      if (!maps_.contains(map)) {
        return InvalidArgument(info.name, ": a tensor map that is not of this kernel");
      }
    }
    for (const Var* var : call.vars) {
      if (!vars_.contains(var)) {
        return InvalidArgument(info.name, ": %", var->name, " is not visible here");
      }
    }
    INGOT_RETURN_IF_ERROR(Annotate(CheckThere(info), info.name));
    INGOT_RETURN_IF_ERROR(Annotate(CheckNamedBarrier(op, call), info.name));
    return Annotate(CheckCopy(op, call, info), info.name);
  }

  absl::Status CheckThere(const IntrinsicInfo& info) const {
    const int64_t threads = kernel_.launch().block_threads();
    const int together = info.scope == Scope::kWarpgroup ? kWarpgroupSize : kWarpSize;
    const bool in_groups = info.scope == Scope::kWarp || info.scope == Scope::kWarpgroup;
    if (in_groups && threads % together != 0) {
      return InvalidArgument("a block of ", threads, " threads is not whole ", NameOf(info.scope),
                             "s");
    }
    if (target_ == nullptr) return absl::OkStatus();
    const int least = info.least_target & ~kArchitecture;
    const bool specific = (info.least_target & kArchitecture) != 0;
    const bool there =
        specific ? target_->specific && target_->capability == least : target_->capability >= least;
    if (there) return absl::OkStatus();
    return InvalidArgument("needs sm_", least, specific ? "a" : "", ", the target is ",
                           target_->name);
  }

  absl::Status CheckNamedBarrier(const Operation& op, const IntrinsicAttributes& call) const {
    if (call.intrinsic != Intrinsic::kBarrierSync && call.intrinsic != Intrinsic::kBarrierArrive) {
      return absl::OkStatus();
    }
    const Operation& id = *op.operands[0];
    if (id.IsConstant() && (id.ConstantInteger() < 1 || id.ConstantInteger() > kMaxBarrierId)) {
      return InvalidArgument("id is ", id.ConstantInteger(), ", expected 1 to ", kMaxBarrierId);
    }
    const int64_t threads = kernel_.launch().block_threads();
    if (call.immediates[0] <= threads) return absl::OkStatus();
    return InvalidArgument("count is ", call.immediates[0], ", expected a multiple of ", kWarpSize,
                           " up to ", threads);
  }

  // What a tensor copy asks of its map, its coordinates and its place in shared memory.
  absl::Status CheckCopy(const Operation& op, const IntrinsicAttributes& call,
                         const IntrinsicInfo& info) const {
    if (call.maps.empty()) return absl::OkStatus();
    const TensorMap& recipe = call.maps[0]->recipe;
    // Rows that give offsets are those of im2col maps; a prefetch of the map itself takes any.
    const auto has = [&](absl::string_view slot) {
      return std::any_of(info.arguments.begin(), info.arguments.end(),
                         [&](const IntrinsicArgument& argument) { return argument.slot == slot; });
    };
    if (has("at") && has("x") != recipe.is_im2col()) {
      return InvalidArgument("%", call.maps[0]->name,
                             recipe.is_im2col() ? " is an im2col map" : " is no im2col map");
    }
    for (size_t i = 0; i < info.arguments.size(); ++i) {
      const int coordinates = info.OperandCount(i, op.operands.size());
      if (info.arguments[i].IsList() && coordinates != recipe.rank()) {
        return InvalidArgument(coordinates, " coordinates, and %", call.maps[0]->name, " has rank ",
                               recipe.rank());
      }
    }
    if (call.buffers.empty()) return absl::OkStatus();
    if ((info.effects & kWritesGlobal) != 0 && call.maps[0]->buffer->readonly) {
      return InvalidArgument("%", call.maps[0]->buffer->name, " is readonly");
    }
    const Buffer& tile = *call.buffers[0];
    const int want = std::max(kTileAlignment, kSwizzleRows * recipe.swizzle_bytes);
    if (tile.alignment >= want) return absl::OkStatus();
    return InvalidArgument("%", tile.name, " has alignment ", tile.alignment, ", expected ", want);
  }

  // The control around a row, and the operands that it wants to be the same, are uniform.
  static absl::Status CheckTogether(const Operation& op, const Uniformity& uniformity) {
    const Scope scope = op.scope();
    const auto* call = std::get_if<IntrinsicAttributes>(&op.attributes);
    if (call == nullptr) return absl::OkStatus();
    const IntrinsicInfo& info = InfoOf(call->intrinsic);
    if (uniformity.OfControl(op) < scope) {
      return InvalidArgument(info.name, ": a whole ", NameOf(scope),
                             " has to execute it, the conditions around it are uniform over a ",
                             NameOf(uniformity.OfControl(op)), " only");
    }
    size_t operand = 0;
    for (size_t i = 0; i < info.arguments.size(); ++i) {
      for (int k = info.OperandCount(i, op.operands.size()); k > 0; --k, ++operand) {
        const Scope have = uniformity.OfValue(*op.operands[operand]);
        if (!info.arguments[i].is_uniform || have >= scope) continue;
        return InvalidArgument(info.name, ": operand ", operand, " has to be the same over a ",
                               NameOf(scope), ", it is over a ", NameOf(have), " only");
      }
    }
    return absl::OkStatus();
  }

  const Kernel& kernel_;
  const Target* target_;
  std::vector<bool> visible_;  // by operation id
  std::vector<bool> seen_;     // by operation id
  absl::flat_hash_set<const Buffer*> buffers_;
  absl::flat_hash_set<const MapParameter*> maps_;
  absl::flat_hash_set<const Var*> vars_;  // visible
  absl::flat_hash_set<const Var*> all_vars_;
};

}  // namespace

absl::Status VerifyKernel(const Kernel& kernel, const Target* target) {
  absl::Status status = HeaderVerifier(kernel, target).Run();
  if (status.ok()) status = BodyVerifier(kernel, target).Run();
  return Annotate(status, "@", kernel.name());
}

absl::Status VerifyModule(const KernelModule& module, const Target* target) {
  absl::flat_hash_set<absl::string_view> names;
  for (const std::unique_ptr<Kernel>& kernel : module.kernels) {
    if (!names.insert(kernel->name()).second) {
      return InvalidArgument("@", kernel->name(), " is defined twice");
    }
    INGOT_RETURN_IF_ERROR(VerifyKernel(*kernel, target));
  }
  return absl::OkStatus();
}

}  // namespace ingot::kernel
