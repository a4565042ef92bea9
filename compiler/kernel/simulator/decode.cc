#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "compiler/kernel/arithmetic.h"
#include "compiler/kernel/simulator/code.h"
#include "compiler/kernel/simulator/cost.h"

namespace ingot::kernel::simulator {
namespace {

constexpr int kRegisterAlignment = 64;  // bytes

int32_t RowBytes(Type type, int count = 1) {
  return type.lanes * kWarpSize * ByteWidth(type.element) * count;
}

// Algorithm: walk the blocks in order.  A value takes a place of its size when its operation is
// decoded, and gives it back after the last statement of its block that uses it, there or in blocks
// nested there; a var gives its place back at the end of its block.
class Decoder {
 public:
  explicit Decoder(const Kernel& kernel)
      : kernel_(kernel), places_(kernel.operation_count(), kNowhere), costs_(CostsOf(kernel)) {
    code_.kernel = &kernel;
  }

  Code Run() {
    ForEachOperation(*kernel_.body(), [&](const Operation& op) {
      const auto* call = std::get_if<IntrinsicAttributes>(&op.attributes);
      if (call == nullptr) return;
      for (const Var* var : call->vars) {
        code_.fragments.try_emplace(var, static_cast<int>(code_.fragments.size()));
      }
    });
    for (const Parameter& parameter : kernel_.parameters()) {
      code_.scalars.push_back(kNowhere);
      code_.buffers.push_back(parameter.buffer);
      if (parameter.kind != Parameter::Kind::kScalar) continue;
      code_.scalars.back() = places_[parameter.value->id] = AddConstant(parameter.value->type, 0);
    }
    code_.global_buffers = static_cast<int>(code_.buffers.size());
    for (const Buffer* buffer : kernel_.shared()) code_.buffers.push_back(buffer);
    for (size_t i = 0; i < code_.buffers.size(); ++i) {
      if (code_.buffers[i] != nullptr) numbers_[code_.buffers[i]] = static_cast<int>(i);
    }
    code_.is_written.assign(code_.buffers.size(), false);
    code_.synchronizes_warps = !kernel_.shared().empty();
    DecodeBlock(*kernel_.body());
    Emit(Action::kEnd, nullptr);
    return std::move(code_);
  }

 private:
  // ----- Places

  Place Allocate(int32_t bytes) {
    bytes = (bytes + kRegisterAlignment - 1) / kRegisterAlignment * kRegisterAlignment;
    std::vector<Place>& free = free_[bytes];
    if (!free.empty()) {
      const Place place = free.back();
      free.pop_back();
      return place;
    }
    const Place place = code_.register_bytes;
    code_.register_bytes += bytes;
    return place;
  }
  void Free(Place place, int32_t bytes) {
    bytes = (bytes + kRegisterAlignment - 1) / kRegisterAlignment * kRegisterAlignment;
    free_[bytes].push_back(place);
  }

  // Element `bits` in every lane of every thread.
  Place AddConstant(Type type, uint64_t bits) {
    const int width = ByteWidth(type.element);
    const size_t offset =
        (code_.constants.size() + kRegisterAlignment - 1) / kRegisterAlignment * kRegisterAlignment;
    code_.constants.resize(offset + RowBytes(type));
    for (size_t at = offset; at < code_.constants.size(); at += width) {
      std::memcpy(&code_.constants[at], &bits, width);
    }
    return ~static_cast<Place>(offset);
  }

  Place AddIota(Type type) {
    const Place place = AddConstant(type, 0);
    const int width = ByteWidth(type.element);
    for (int i = 0; i < type.lanes * kWarpSize; ++i) {
      const uint64_t bits = IntegerBits(type.element, i / kWarpSize);
      std::memcpy(&code_.constants[~place + i * width], &bits, width);
    }
    return place;
  }

  Place PlaceOf(const Operation* op) {
    if (op == nullptr) return kNowhere;
    INGOT_CHECK(places_[op->id] != kNowhere) << NameOf(op->opcode) << " has no place";
    return places_[op->id];
  }

  void PlaceLeaf(const Operation& op) {
    if (op.opcode == Opcode::kConstant) {
      const uint64_t bits = op.Get<ConstantAttributes>().bits;
      const auto key = std::make_pair(std::make_pair(op.type.element, op.type.lanes), bits);
      const auto [it, is_new] = constants_.try_emplace(key, kNowhere);
      if (is_new) it->second = AddConstant(op.type, bits);
      places_[op.id] = it->second;
      return;
    }
    const auto key = std::make_pair(op.opcode, op.Get<IdAttributes>().axis);
    const auto [it, is_new] = ids_.try_emplace(key, kNowhere);
    if (is_new) {
      // Filled in when a warp starts: nothing else may have been there before.
      it->second = code_.register_bytes;
      code_.register_bytes += RowBytes(op.type);
      code_.ids.push_back({&op, it->second});
    }
    places_[op.id] = it->second;
  }

  // ----- Steps

  Step& Emit(Action action, const Operation* op) {
    Step& step = code_.steps.emplace_back();
    step.action = action;
    step.op = op;
    code_.costs.push_back(op == nullptr ? Cost{} : costs_[op->id]);
    return step;
  }
  int32_t Here() const { return static_cast<int32_t>(code_.steps.size()); }
  // A step that is part of an operation whose cost another step has.
  Step& EmitFree(Action action, const Operation* op) {
    Step& step = Emit(action, op);
    code_.costs.back() = Cost{};
    return step;
  }

  Step& EmitValue(Action action, const Operation& op) {
    Step& step = Emit(action, &op);
    step.width = static_cast<uint8_t>(ByteWidth(op.type.element));
    step.lanes = op.type.lanes;
    step.bytes = RowBytes(op.type);
    if (op.operands.size() > 0) step.a = PlaceOf(op.operands[0]);
    if (op.operands.size() > 1) step.b = PlaceOf(op.operands[1]);
    if (op.operands.size() > 2) step.c = PlaceOf(op.operands[2]);
    if (!op.type.IsNone()) step.out = places_[op.id] = Allocate(step.bytes);
    return step;
  }

  void DecodeBlock(const Block& block) {
    const std::vector<Operation*>& operations = block.operations;
    // The values that end with each statement.
    std::vector<std::vector<const Operation*>> ends(operations.size());
    absl::flat_hash_map<const Operation*, size_t> last;
    for (size_t i = 0; i < operations.size(); ++i) {
      last[operations[i]] = i;
      const auto visit = [&](const Operation& op) {
        for (const Operation* operand : op.operands) {
          if (const auto it = last.find(operand); it != last.end()) it->second = i;
        }
      };
      visit(*operations[i]);
      for (const Block* nested : operations[i]->blocks) ForEachOperation(*nested, visit);
    }
    for (const Operation* op : operations) {
      const OpClass op_class = InfoOf(op->opcode).op_class;
      const bool leaf = op_class == OpClass::kOrigin || op_class == OpClass::kId;
      if (!leaf && op->opcode != Opcode::kIota && !op->type.IsNone()) ends[last[op]].push_back(op);
    }
    std::vector<std::pair<Place, int32_t>> vars;
    for (size_t i = 0; i < operations.size(); ++i) {
      const Operation& op = *operations[i];
      DecodeOperation(op);
      if (op.opcode == Opcode::kVar) {
        const Var& var = *op.Get<VarAttributes>().var;
        vars.emplace_back(vars_.at(&var), RowBytes(var.type, std::max(1, var.array_size)));
      }
      for (const Operation* ended : ends[i]) Free(places_[ended->id], RowBytes(ended->type));
    }
    for (const auto& [place, bytes] : vars) Free(place, bytes);
  }

  void DecodeOperation(const Operation& op) {
    switch (InfoOf(op.opcode).op_class) {
      case OpClass::kUnary:
      case OpClass::kBinary:
      case OpClass::kCompare:
      case OpClass::kTernary:
        return DecodeRow(op, FindRow(op.opcode, op.operands[0]->type.element));
      case OpClass::kSelect:
        return DecodeRow(op, FindRow(op.opcode, op.type.element));
      case OpClass::kConvert:
        return DecodeConvert(op);
      case OpClass::kVector:
        return DecodeVector(op);
      case OpClass::kHorizontal: {
        Step& step = EmitValue(Action::kHorizontal, op);
        step.row = FindRow(HorizontalStep(op.opcode), op.type.element);
        step.lanes = op.operands[0]->type.lanes;
        return;
      }
      case OpClass::kOrigin:
      case OpClass::kId:
        return PlaceLeaf(op);
      case OpClass::kVar:
        return DecodeVar(op);
      case OpClass::kMemory:
        return DecodeMemory(op);
      case OpClass::kControl:
        return DecodeControl(op);
      case OpClass::kIntrinsic:
        return DecodeIntrinsic(op);
    }
  }

  void DecodeRow(const Operation& op, Row row) {
    INGOT_CHECK(row != nullptr) << NameOf(op.opcode) << " of " << op.operands[0]->type.ToString();
    EmitValue(Action::kRow, op).row = row;
  }

  void DecodeConvert(const Operation& op) {
    const Type from = op.operands[0]->type;
    if (op.opcode == Opcode::kConvert && from.element != op.type.element) {
      const Row row = FindConversion(from.element, op.type.element);
      EmitValue(row == nullptr ? Action::kConvertSlow : Action::kRow, op).row = row;
      return;
    }
    EmitValue(from.lanes == op.type.lanes ? Action::kCopy : Action::kBitcast, op);
  }

  void DecodeVector(const Operation& op) {
    if (op.opcode == Opcode::kIota) {
      places_[op.id] = AddIota(op.type);
      return;
    }
    if (op.opcode == Opcode::kBroadcast) {
      EmitValue(Action::kBroadcast, op);
      return;
    }
    if (op.opcode == Opcode::kInsert) {
      EmitValue(Action::kInsert, op).lane = op.Get<LaneAttributes>().lanes[0];
      return;
    }
    // build, extract, vector_shuffle: each lane is a lane of an operand.
    const int32_t row = RowBytes(op.type.WithLanes(1));
    const auto lane_of = [&](const Operation* operand, int lane) {
      const Place place = PlaceOf(operand);
      return place >= 0 ? place + lane * row : ~(~place + lane * row);
    };
    std::vector<Place> lanes;
    if (op.opcode == Opcode::kBuild) {
      for (const Operation* operand : op.operands) lanes.push_back(PlaceOf(operand));
    } else {
      const int first = op.operands[0]->type.lanes;
      for (int lane : op.Get<LaneAttributes>().lanes) {
        lanes.push_back(lane < first ? lane_of(op.operands[0], lane)
                                     : lane_of(op.operands[1], lane - first));
      }
    }
    Step& step = EmitValue(Action::kVectorLanes, op);
    step.extra = static_cast<int32_t>(code_.lanes.size());
    code_.lanes.push_back(std::move(lanes));
  }

  void DecodeVar(const Operation& op) {
    const Var& var = *op.Get<VarAttributes>().var;
    const Place index = PlaceOf(op.index());
    const auto fragment = code_.fragments.find(&var);
    const int32_t number = fragment == code_.fragments.end() ? 0 : 1 + fragment->second;
    if (op.opcode == Opcode::kVarRead) {
      Step& step = EmitValue(Action::kVarRead, op);
      step.lane = number;
      step.a = vars_.at(&var);
      step.b = index;
      step.extra = op.index() != nullptr && op.index()->type == kS64;
      return;
    }
    if (op.opcode == Opcode::kVar) {
      vars_[&var] = Allocate(RowBytes(var.type, std::max(1, var.array_size)));
    }
    Step& step = Emit(op.opcode == Opcode::kVar ? Action::kVarSet : Action::kVarWrite, &op);
    step.lane = number;
    step.width = static_cast<uint8_t>(ByteWidth(var.type.element));
    step.lanes = var.type.lanes;
    step.bytes = RowBytes(var.type);
    step.out = vars_.at(&var);
    step.a = PlaceOf(op.operands[0]);
    step.b = index;
    step.extra = op.opcode == Opcode::kVar ? std::max(1, var.array_size)
                                           : op.index() != nullptr && op.index()->type == kS64;
  }

  int32_t AddPlace(const Buffer* buffer, const Operation* index, const Operation* mask,
                   const MemoryAttributes* access) {
    MemoryPlace place;
    place.buffer = numbers_.at(buffer);
    place.index = PlaceOf(index);
    place.wide_index = index->type == kS64;
    place.mask = PlaceOf(mask);
    if (access != nullptr) {
      place.alignment = access->alignment;
      place.order = access->order;
      place.scope = access->scope;
    }
    code_.places.push_back(place);
    return static_cast<int32_t>(code_.places.size()) - 1;
  }

  // An access that other threads may wait for, or order theirs by.
  void NoteMeeting(const Buffer& buffer) {
    code_.synchronizes_warps = true;
    if (buffer.space != Space::kGlobal) return;
    code_.meets_other_blocks = true;
    if (while_depth_ > 0) code_.waits_for_others = true;
  }

  void DecodeMemory(const Operation& op) {
    if (op.opcode == Opcode::kAtomic) {
      const Buffer* buffer = op.Get<AtomicAttributes>().buffer;
      EmitValue(Action::kAtomic, op).extra = AddPlace(buffer, op.index(), nullptr, nullptr);
      code_.is_written[numbers_.at(buffer)] = true;
      return NoteMeeting(*buffer);
    }
    const auto& access = op.Get<MemoryAttributes>();
    if (access.order != Order::kPlain) NoteMeeting(*access.buffer);
    const int32_t place = AddPlace(access.buffer, op.index(), op.mask(), &access);
    if (op.opcode == Opcode::kLoad) {
      EmitValue(Action::kLoad, op).extra = place;
      return;
    }
    Step& step = EmitValue(Action::kStore, op);
    const Type type = op.value()->type;
    step.width = static_cast<uint8_t>(ByteWidth(type.element));
    step.lanes = type.lanes;
    step.bytes = RowBytes(type);
    step.extra = place;
    code_.is_written[numbers_.at(access.buffer)] = true;
  }

  void DecodeIntrinsic(const Operation& op) {
    const auto& call = op.Get<IntrinsicAttributes>();
    const IntrinsicInfo& info = InfoOf(call.intrinsic);
    const int32_t places = static_cast<int32_t>(code_.places.size());
    const bool writes =
        (info.effects & kWritesGlobal) != 0 || call.intrinsic == Intrinsic::kCopyAsync;
    size_t operand = 0, place = 0;
    for (size_t i = 0; i < info.arguments.size(); ++i) {
      if (info.arguments[i].kind == IntrinsicArgument::Kind::kPlace) {
        AddPlace(call.buffers[place++], op.operands[operand], nullptr, nullptr);
      }
      operand += info.OperandCount(i, op.operands.size());
    }
    for (const MapParameter* map : call.maps) {
      MemoryPlace target;
      target.buffer = numbers_.at(map->buffer);
      code_.places.push_back(target);
      if (writes) code_.is_written[target.buffer] = true;
    }
    // Of those that write, the first place is what they write.
    if (writes && !call.buffers.empty()) code_.is_written[numbers_.at(call.buffers[0])] = true;
    const bool reduces = call.intrinsic == Intrinsic::kBulkReduceAddF32 ||
                         call.intrinsic == Intrinsic::kTensorReduceAdd;
    if (reduces) code_.meets_other_blocks = true;
    code_.synchronizes_warps = true;
    std::vector<Place> operands;
    for (const Operation* value : op.operands) operands.push_back(PlaceOf(value));
    for (const Var* var : call.vars) operands.push_back(vars_.at(var));
    Step& step = EmitValue(Action::kIntrinsic, op);
    step.extra = places;
    step.target = static_cast<int32_t>(code_.lanes.size());
    code_.lanes.push_back(std::move(operands));
  }

  // ----- Control

  void DecodeControl(const Operation& op) {
    switch (op.opcode) {
      case Opcode::kIf:
        return DecodeIf(op);
      case Opcode::kFor:
        return DecodeFor(op);
      case Opcode::kWhile:
        return DecodeWhile(op);
      case Opcode::kRoles:
        return DecodeRoles(op);
      case Opcode::kYield: {
        Step& step = Emit(Action::kYield, &op);
        step.a = PlaceOf(op.operands[0]);
        yield_ = Here() - 1;
        return;
      }
      default:
        INGOT_UNREACHABLE() << NameOf(op.opcode);
    }
  }

  void DecodeIf(const Operation& op) {
    const int32_t start = Here();
    Emit(Action::kIf, &op).a = PlaceOf(op.operands[0]);
    DecodeBlock(*op.blocks[0]);
    const int32_t otherwise = Here();
    code_.steps[start].target = otherwise;
    EmitFree(Action::kElse, &op);
    DecodeBlock(*op.blocks[1]);
    code_.steps[otherwise].target = Here();
    EmitFree(Action::kLeave, &op);
  }

  void DecodeFor(const Operation& op) {
    const int32_t start = Here();
    const bool is_list = op.Get<ForAttributes>().is_list;
    // The branch is at the end: kForNext has the cost.
    Step& step = EmitFree(is_list ? Action::kList : Action::kFor, &op);
    step.width = static_cast<uint8_t>(ByteWidth(op.type.element));
    step.bytes = RowBytes(op.type);
    step.out = places_[op.id] = Allocate(step.bytes);
    if (is_list) {
      step.extra = static_cast<int32_t>(code_.lists.size());
      code_.lists.push_back(op.Get<ForAttributes>().list);
    } else {
      step.a = PlaceOf(op.operands[0]);
      step.b = PlaceOf(op.operands[1]);
      step.c = PlaceOf(op.operands[2]);
      step.negative = op.operands[2]->IsConstant() && op.operands[2]->ConstantInteger() < 0;
    }
    const Step begin = step;
    DecodeBlock(*op.blocks[0]);
    const int32_t next = Here();
    Emit(is_list ? Action::kListNext : Action::kForNext, &op);
    code_.steps[next] = begin;
    code_.steps[next].action = is_list ? Action::kListNext : Action::kForNext;
    code_.steps[next].target = start + 1;
    code_.steps[start].target = Here();
    EmitFree(Action::kLeave, &op);
  }

  void DecodeWhile(const Operation& op) {
    ++while_depth_;
    EmitFree(Action::kWhile, &op);
    const int32_t condition = Here();
    DecodeBlock(*op.blocks[0]);
    const int32_t yield = yield_;
    DecodeBlock(*op.blocks[1]);
    Emit(Action::kRepeat, &op).target = condition;
    code_.steps[yield].target = Here();
    EmitFree(Action::kLeave, &op);
    --while_depth_;
  }

  void DecodeRoles(const Operation& op) {
    const int32_t start = Here();
    Emit(Action::kRoles, &op);
    std::vector<RoleTarget> roles;
    std::vector<int32_t> jumps;
    for (size_t i = 0; i < op.blocks.size(); ++i) {
      roles.push_back({op.Get<RolesAttributes>().warps[i], Here()});
      DecodeBlock(*op.blocks[i]);
      jumps.push_back(Here());
      EmitFree(Action::kJump, &op);
    }
    code_.steps[start].target = Here();
    code_.steps[start].extra = static_cast<int32_t>(code_.roles.size());
    code_.roles.push_back(std::move(roles));
    for (int32_t jump : jumps) code_.steps[jump].target = Here();
    EmitFree(Action::kLeave, &op);
  }

  const Kernel& kernel_;
  Code code_;
  std::vector<Place> places_;  // by operation id
  const std::vector<Cost> costs_;
  absl::flat_hash_map<const Var*, Place> vars_;
  absl::flat_hash_map<const Buffer*, int32_t> numbers_;
  std::map<std::pair<std::pair<ElementType, int>, uint64_t>, Place> constants_;
  std::map<std::pair<Opcode, int>, Place> ids_;
  std::map<int32_t, std::vector<Place>> free_;  // by size
  int while_depth_ = 0;
  int32_t yield_ = 0;  // the last one that was decoded
};

}  // namespace

Code Decode(const Kernel& kernel) { return Decoder(kernel).Run(); }

}  // namespace ingot::kernel::simulator
